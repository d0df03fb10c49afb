/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/cache/cache_tables.h"

const struct probe cache_probes[] = { CACHE_PROBES, {} };

const char *const cache_no_calls[] = { NULL };
const char *const cache_counters[] = { "+brought_full", NULL };
