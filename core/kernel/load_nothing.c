/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What stands in place of programs where a command has none: a set of counters. */
#include "core/kernel/load.h"

#include <stdlib.h>

#include "core/base/log.h"

struct loaded *loaded_nothing(const struct tool *tool)
{
	struct loaded *l = calloc(1, sizeof(*l));

	if (l)
		l->counters = calloc(1, sizeof(*l->counters));
	if (!l || !l->counters) {
		log_error("out of memory");
		free(l);
		return NULL;
	}
	l->tool = tool;
	l->slim_btf = -1;
	l->cpu_ids = 1;
	l->target_children = &l->children;
	return l;
}
