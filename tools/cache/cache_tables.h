/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the descriptors of cachestat and cachetop share. */
#ifndef IOSONDE_CACHE_TABLES_H
#define IOSONDE_CACHE_TABLES_H

#include "core/tool.h"
#include "tools/cache/cache.h"

extern const struct probe cache_probes[];
extern const char *const cache_no_calls[];
extern const char *const cache_counters[];

#define CACHE_BLIND                                                                                \
	"accesses to pages that are mapped already, mappings of huge pages, filesystems with a "   \
	"cache of their own (zfs), tmpfs, direct I/O"
#define CACHE_BLIND_AROUND                                                                         \
	CACHE_BLIND ", which pages around a fault were mapped before, if others were mapped since"

/* clang-format off */
/* Where pages are used, and come and go: uses.bpf.h. */
#define CACHE_PROBES \
	{ "pages that are used", \
	  { { { "cache_read_pages(address_space,*,*)", "cache_fault(address_space,*)", \
		"cache_map_pages(address_space,*,*)", "cache_thread_done" }, \
	      .blind = CACHE_BLIND_AROUND }, \
	    { { "cache_read_done(kiocb,iov_iter,*)", "cache_fault_done(vm_fault)", \
		"cache_map_done(vm_fault,*,*)", "cache_thread_done" }, \
	      .blind = CACHE_BLIND_AROUND }, \
	    { { "cache_read_old(kiocb,iov_iter,*)", "cache_fault_done(vm_fault)", \
		"cache_map_done(vm_fault,*,*)", "cache_thread_done" }, \
	      .blind = CACHE_BLIND_AROUND } } }, \
	{ "ends of reads", \
	  { { { "cache_call_done" } }, { { "cache_call_done_tp" } } }, \
	  .aside = true }, \
	{ "pages that come and go", { { { "cache_added", "cache_deleted" } } } }, \
	{ "pages that become dirty", { { { "cache_dirtied" } }, { { "cache_dirtied_page" } } } }
/* clang-format on */

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
