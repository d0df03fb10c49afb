/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Threads that have to free pages before they get theirs. Who includes this provides
 *
 *	reclaim_ended(ctx, &reclaim, lat_ns, pages)	the current thread freed so many
 *
 *
 * and, with RECLAIM_BOOKS, its cfg before this, with the struct check_cfg "check".
 *
 * Reclaim never nests: its thread has PF_MEMALLOC. That of a soft limit (v1) is part of another
 * one, or of kswapd's.
 */
#ifndef IOSONDE_RECLAIM_BPF_H
#define IOSONDE_RECLAIM_BPF_H

#include "bpf/mem/memcg.bpf.h"
#include "bpf/mem/reclaim.h"

struct reclaim {
	u64 begin_ns; /* 0: its cgroup is known, and it hasn't begun */
	u64 cgroup;   /* whose limit was met, or who has to wait */
	u64 ids;
	u32 kind; /* enum reclaim_kind */
	u32 order;
};

/* By task. Preallocated: this is where memory is short. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct reclaim);
} reclaims SEC(".maps");

static __always_inline void reclaim_ended(void *ctx, const struct reclaim *r, u64 lat_ns,
					  u64 pages);

/* Is a reclaim by the current thread to be followed? Unless said otherwise: if it is a target. */
#ifndef RECLAIM_WANTED
#define RECLAIM_WANTED(ids) target_match(ids)
#endif

static __always_inline u64 reclaiming_task(void)
{
	return bpf_get_current_task();
}

/* Since 7.0 the pages that were taken are counted by node, those of memory cgroups, too. */
#define STEALS_ARE_OF_NODES() bpf_core_enum_value_exists(enum node_stat_item, PGSTEAL_DIRECT)

#ifdef RECLAIM_BOOKS
#define BOOK_RECLAIM(index, wanted, n) BOOK(cfg.check, index, wanted, n)
#else
#define BOOK_RECLAIM(index, wanted, n) (void)(n)
#endif

#ifdef RECLAIM_LIMIT /* RECLAIM_LIMIT_PROBE's programs */
/* The memory cgroup that is asked for, before the reclaim itself begins. */
static __always_inline int reclaim_asked(struct mem_cgroup *memcg)
{
	struct reclaim r = { .cgroup = memcg_id(memcg) };
	u64 key = reclaiming_task();

	if (RECLAIM_WANTED(current_ids()))
		bpf_map_update_elem(&reclaims, &key, &r, BPF_ANY);
	return 0;
}

SEC("fentry/try_to_free_mem_cgroup_pages")
int BPF_PROG(memcg_asked, struct mem_cgroup *memcg)
{
	return reclaim_asked(memcg);
}

SEC("kprobe/try_to_free_mem_cgroup_pages")
int BPF_KPROBE(memcg_asked_kprobe, struct mem_cgroup *memcg)
{
	return reclaim_asked(memcg);
}
#endif

/* Who pays for a reclaim of @kind that nothing tells more about. */
static __always_inline u64 reclaim_payer(struct task_struct *task, u32 kind)
{
	struct mem_cgroup *memcg = memcg_of(task);
	u64 tightest;

	if (kind != RECLAIM_MEMCG || !memcg)
		return cgroup_of(task);
	tightest = memcg_tightest(address_of(memcg), MEMCG_LIMIT_HIGH);
	return memcg_id(tightest ? (struct mem_cgroup *)tightest : memcg);
}

static __always_inline int reclaim_begin(u32 kind, u32 order, u64 cgroup)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct reclaim r = { .kind = kind, .order = order, .ids = current_ids() }, *asked;
	u64 key = reclaiming_task();
	bool wanted = RECLAIM_WANTED(r.ids);

	if (kind == RECLAIM_DIRECT)
		BOOK_RECLAIM(BOOK_STALLS, wanted, 1);
	if (!wanted)
		return 0;
	asked = kind == RECLAIM_MEMCG ? bpf_map_lookup_elem(&reclaims, &key) : NULL;
	if (kind == RECLAIM_MEMCG && !cgroup && asked && !asked->begin_ns)
		cgroup = asked->cgroup;
	r.cgroup = cgroup ? cgroup : reclaim_payer(task, kind);
	r.begin_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&reclaims, &key, &r, BPF_ANY))
		COUNT_EVENT(lost_state);
	return 0;
}

static __always_inline int reclaim_end(void *ctx, u32 kind, u64 pages)
{
	u64 now = bpf_ktime_get_ns(), key = reclaiming_task();
	struct reclaim *found = bpf_map_lookup_elem(&reclaims, &key), r;

	if (kind != RECLAIM_MEMCG || STEALS_ARE_OF_NODES())
		BOOK_RECLAIM(BOOK_STOLEN, found != NULL, pages);
	if (!found) /* of nobody's, or it began before */
		return 0;
	r = *found;
	bpf_map_delete_elem(&reclaims, &key);
	if (r.begin_ns)
		reclaim_ended(ctx, &r, now - r.begin_ns, pages);
	return 0;
}

#define RECLAIM_BEGIN_EVENT struct trace_event_raw_mm_vmscan_direct_reclaim_begin_template
#define RECLAIM_END_EVENT   struct trace_event_raw_mm_vmscan_direct_reclaim_end_template

/* The programs of a kind that is told with and without a memory cgroup. */
#define RECLAIM_KIND(name, kind)                                                                   \
	SEC("tp_btf/mm_vmscan_" #name "_reclaim_begin")                                            \
	int name##_begin(u64 *ctx)                                                                 \
	{                                                                                          \
		return reclaim_begin(kind, (u32)ctx[0], 0);                                        \
	}                                                                                          \
	SEC("tp_btf/mm_vmscan_" #name "_reclaim_begin")                                            \
	int name##_begin_memcg(u64 *ctx)                                                           \
	{                                                                                          \
		u64 cgroup = kind == RECLAIM_MEMCG ? memcg_id((void *)ctx[2]) : 0;                 \
                                                                                                   \
		return reclaim_begin(kind, (u32)ctx[1], cgroup);                                   \
	}                                                                                          \
	SEC("tp/vmscan/mm_vmscan_" #name "_reclaim_begin")                                         \
	int name##_begin_tp(RECLAIM_BEGIN_EVENT *ctx)                                              \
	{                                                                                          \
		u64 cgroup = kind == RECLAIM_MEMCG ? reclaim_event_memcg(ctx) : 0;                 \
                                                                                                   \
		return reclaim_begin(kind, ctx->order, cgroup);                                    \
	}                                                                                          \
	RECLAIM_END(name, kind)

#define RECLAIM_END(name, kind)                                                                    \
	SEC("tp_btf/mm_vmscan_" #name "_reclaim_end")                                              \
	int name##_end(u64 *ctx)                                                                   \
	{                                                                                          \
		return reclaim_end(ctx, kind, ctx[0]);                                             \
	}                                                                                          \
	SEC("tp/vmscan/mm_vmscan_" #name "_reclaim_end")                                           \
	int name##_end_tp(RECLAIM_END_EVENT *ctx)                                                  \
	{                                                                                          \
		return reclaim_end(ctx, kind, ctx->nr_reclaimed);                                  \
	}

RECLAIM_KIND(direct, RECLAIM_DIRECT)
RECLAIM_KIND(memcg, RECLAIM_MEMCG)
RECLAIM_END(node, RECLAIM_NODE)

SEC("tp_btf/mm_vmscan_node_reclaim_begin")
int node_begin(u64 *ctx)
{
	return reclaim_begin(RECLAIM_NODE, (u32)ctx[1], 0);
}

SEC("tp/vmscan/mm_vmscan_node_reclaim_begin")
int node_begin_tp(struct trace_event_raw_mm_vmscan_node_reclaim_begin *ctx)
{
	return reclaim_begin(RECLAIM_NODE, ctx->order, 0);
}

#endif
