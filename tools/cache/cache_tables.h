/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the descriptors of cachestat and cachetop share. */
#ifndef IOSONDE_CACHE_TABLES_H
#define IOSONDE_CACHE_TABLES_H

#include "core/tool.h"
#include "tools/cache/cache.h"

extern const struct probe cache_probes[];
extern const char *const cache_no_calls[];
extern const char *const cache_counters[];

#define CACHE_DRAIN                                                                                \
	.map = "cache_rows", .key_size = sizeof(struct cache_key),                                 \
	.value_size = sizeof(struct cache_value)

#define CACHE_ROW(member) FIELD(struct cache_row, member)

/* clang-format off */
#define CACHE_COLUMNS                                                                              \
	{ "hits", CACHE_ROW(value.sums.hits), U_COUNT,                                             \
	  .help = "pages that were read, or mapped, and were there" },                             \
	{ "misses", CACHE_ROW(value.sums.misses), U_COUNT,                                         \
	  .help = "pages that had to be brought first" },                                          \
	{ "dirtied", CACHE_ROW(value.sums.dirtied), U_COUNT, .classic = "dirties",                 \
	  .help = "pages that became dirty" },                                                     \
	{ "read_hit", CACHE_ROW(value.sums.hits), U_PERCENT, .of = CACHE_ROW(value.sums.reads),    \
	  .classic = "hitratio", .help = "hits in hits and misses" },                              \
	{ "write_hit", CACHE_ROW(value.sums.write_hits), U_PERCENT,                                \
	  .of = CACHE_ROW(value.sums.dirtied),                                                     \
	  .help = "dirtied pages that had been there, and used, before" }
/* clang-format on */

#endif
