/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who touches memory, who has to free some, and what comes back that was thrown away: by process,
 * the one that does it; by cgroup, the one that is charged.
 */
#include "bpf/core/others.bpf.h"
#include "bpf/kernel/compat_page.bpf.h"

#include "tools/mem/memtop.h"

const volatile struct memtop_cfg cfg;

#define RECLAIM_LIMIT
#define RECLAIM_BOOKS
#include "bpf/mem/reclaim.bpf.h"

/* There from the start: this is where memory is short. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, struct memtop_key);
	__type(value, struct memtop_value);
} memtop_rows SEC(".maps");

OTHERS_MAP(struct memtop_value);

/* The row of the current process, or of cgroup @group. */
static __noinline struct memtop_value *row_of(u64 group)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct memtop_value begun = {}, *value;
	struct memtop_key key = { .epoch = epoch };

	if (cfg.by_cgroup)
		key.group = group;
	else
		key.pid = current_ids() >> 32;
	value = bpf_map_lookup_elem(&memtop_rows, &key);
	if (value)
		return value;
	if (!cfg.by_cgroup) {
		begun.uid = bpf_get_current_uid_gid();
		comm_of_task(BPF_CORE_READ(task, group_leader), begun.comm);
	}
	bpf_map_update_elem(&memtop_rows, &key, &begun, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&memtop_rows, &key);
	return value ? value : others_of(key.epoch);
}

/* The same, for @n events that are counted by this. */
static __always_inline struct memtop_value *counted(u64 group, u64 n)
{
	struct memtop_value *value = row_of(group);

	if (!value) { /* in the eyes of the verifier */
		COUNT_EVENTS(lost_state, n);
		return NULL;
	}
	COUNT_N(generated, n);
	__sync_fetch_and_add(&value->count, n);
	return value;
}

/* --- faults --- */

static __always_inline int faulted(bool major)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct memtop_value *value;

	if (!target_match(current_ids()))
		return 0;
	BOOK(cfg.check, BOOK_FAULTS, true, 1);
	value = counted(cfg.by_cgroup ? cgroup_of(task) : 0, 1);
	if (!value)
		return 0;
	__sync_fetch_and_add(&value->faults, 1);
	if (major)
		__sync_fetch_and_add(&value->major, 1);
	return 0;
}

SEC("perf_event/major-faults")
int fault_major(struct bpf_perf_event_data *ctx)
{
	return faulted(true);
}

SEC("perf_event/minor-faults")
int fault_minor(struct bpf_perf_event_data *ctx)
{
	return faulted(false);
}

/* --- reclaim --- */

static __always_inline void reclaim_ended(void *ctx, const struct reclaim *r, u64 lat_ns, u64 pages)
{
	struct memtop_value *value = counted(r->cgroup, 1);

	if (!value)
		return;
	__sync_fetch_and_add(&value->reclaims, 1);
	__sync_fetch_and_add(&value->reclaim_ns, lat_ns);
	__sync_fetch_and_add(&value->pages, pages);
}

/* --- swap, and what comes back --- */

enum traffic {
	SWAP_IN,
	SWAP_OUT,
	REFAULT,
};

/* Is it a target's, who is current? */
static __always_inline bool traffic_wanted(enum traffic what, u64 pages)
{
	bool wanted = target_match(current_ids());

	if (what == SWAP_IN)
		BOOK(cfg.check, BOOK_SWAP_IN, wanted, pages);
	else if (what == SWAP_OUT)
		BOOK(cfg.check, BOOK_SWAP_OUT, wanted, pages);
	else if (wanted) /* its book is the cgroup's own */
		BOOK(cfg.check, BOOK_REFAULTS, true, pages);
	return wanted;
}

static __always_inline int moved(enum traffic what, u64 group, u64 pages)
{
	struct memtop_value *value = counted(group, pages);

	if (!value)
		return 0;
	if (what == SWAP_IN)
		__sync_fetch_and_add(&value->swap_in, pages);
	else if (what == SWAP_OUT)
		__sync_fetch_and_add(&value->swap_out, pages);
	else
		__sync_fetch_and_add(&value->refaults, pages);
	return 0;
}

#define ENUM_IS(value_, type, name)                                                                \
	(bpf_core_enum_value_exists(type, name) && (value_) == bpf_core_enum_value(type, name))

/* After 6.12: what memory.stat adds up is told as it is. */
SEC("tp_btf/count_memcg_events")
int BPF_PROG(swap_told, struct mem_cgroup *memcg, int event, unsigned long n)
{
	bool in = ENUM_IS((u32)event, enum vm_event_item, PSWPIN);

	if (!in && !ENUM_IS((u32)event, enum vm_event_item, PSWPOUT))
		return 0;
	if (!traffic_wanted(in ? SWAP_IN : SWAP_OUT, n))
		return 0;
	return moved(in ? SWAP_IN : SWAP_OUT, memcg_id(memcg), n);
}

SEC("tp_btf/mod_memcg_lruvec_state")
int refault_told(u64 *ctx)
{
	u32 item = ctx[1];
	s32 n = ctx[2];

	if (!ENUM_IS(item, enum node_stat_item, WORKINGSET_REFAULT_ANON) &&
	    !ENUM_IS(item, enum node_stat_item, WORKINGSET_REFAULT_FILE))
		return 0;
	if (n <= 0 || !traffic_wanted(REFAULT, n))
		return 0;
	return moved(REFAULT, memcg_id((struct mem_cgroup *)ctx[0]), n);
}

static __always_inline int page_moved(enum traffic what, u64 page)
{
	u64 pages = folio_pages(page);

	if (!traffic_wanted(what, pages))
		return 0;
	return moved(what, cfg.by_cgroup ? memcg_id((void *)page_memcg(page)) : 0, pages);
}

#define MEMTOP_FUNCTION(name, function, what)                                                      \
	SEC("fentry/" #function)                                                                   \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		return page_moved(what, ctx[0]);                                                   \
	}

MEMTOP_FUNCTION(swap_told_out, __swap_writepage, SWAP_OUT)
/* swap_readpage() before 6.5 */
MEMTOP_FUNCTION(swap_told_in, swap_read_folio, SWAP_IN)
MEMTOP_FUNCTION(swap_told_in_page, swap_readpage, SWAP_IN)
MEMTOP_FUNCTION(refault_told_page, workingset_refault, REFAULT)
