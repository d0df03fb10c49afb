/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Reclaim, as both sides name it; and the probes of reclaim.bpf.h. */
#ifndef IOSONDE_RECLAIM_H
#define IOSONDE_RECLAIM_H

enum reclaim_kind {
	RECLAIM_NONE,
	RECLAIM_DIRECT, /* the machine, or a zone of it, is short of pages */
	RECLAIM_MEMCG,	/* a memory cgroup is at its limit */
	RECLAIM_NODE,	/* a NUMA node is: vm.zone_reclaim_mode */
};

/* The first of a command's books: --check. */
enum reclaim_book {
	BOOK_STALLS,
	BOOK_STOLEN,
	RECLAIM_BOOKS_END,
};

/* @probe: RECLAIM_PROBE()'s number. */
#define RECLAIM_BOOK_ROWS(probe_)                                                                  \
	[BOOK_STALLS] = { "vmstat allocstall*", BOOK_AT_MOST,                                      \
			  "a reclaim that frees nothing, and is begun anew, counts again",         \
			  .probe = probe_ },                                                       \
	[BOOK_STOLEN] = { "vmstat pgsteal_direct", BOOK_NEAR,                                      \
			  "objects of caches that went with the pages are ours, too, and what is " \
			  "under way in the end is the kernel's",                                  \
			  .probe = probe_ }

#define RECLAIM_KIND_NAMES "", "direct", "memcg", "node"

/* clang-format off */
/* @aside_: the events are those of other probes. */
#define RECLAIM_PROBE(aside_)                                                                      \
	{ "reclaim",                                                                               \
	  { { { "direct_begin_memcg(*,*,mem_cgroup)", "direct_end",                                \
		"memcg_begin_memcg(*,*,mem_cgroup)", "memcg_end", "node_begin", "node_end" } },    \
	    { { "direct_begin(int,*)", "direct_end", "memcg_begin(int,*)", "memcg_end",            \
		"node_begin", "node_end" } },                                                      \
	    { { "direct_begin_tp", "direct_end_tp", "memcg_begin_tp", "memcg_end_tp",              \
		"node_begin_tp", "node_end_tp" } } },                                              \
	  .aside = aside_ }

/* Of every kernel the first argument; the others differ. */
#define RECLAIM_LIMIT_PROBE                                                                        \
	{ "whose limit is met",                                                                    \
	  { { { "memcg_asked" } }, { { "memcg_asked_kprobe" } } },                                 \
	  .without = "whose memory is reclaimed when somebody else asks for it (memory.reclaim, "  \
		     "a lowered limit): the cgroup with the least room is named",                  \
	  .aside = true }
/* clang-format on */

#endif
