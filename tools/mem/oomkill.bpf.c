/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The event that tells of a victim doesn't say why. What its thread did just before does: memory is
 * reclaimed before anybody is killed, from a memory cgroup or from the machine, and the signal that
 * kills is sent before the victim is marked.
 */
#define RECLAIM_WANTED(ids) true

#include "tools/mem/oomkill.h"

#include "bpf/mem/reclaim.bpf.h"

#define SIGKILL 9

const volatile struct oomkill_cfg cfg;

/* What a thread did last. */
struct oom_past {
	u64 cgroup;
	u64 signalled; /* task */
	u32 kind;      /* enum reclaim_kind */
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64); /* task */
	__type(value, struct oom_past);
} oom_pasts SEC(".maps");

static __always_inline void reclaim_ended(void *ctx, const struct reclaim *r, u64 lat_ns, u64 pages)
{
	struct oom_past past = { .cgroup = r->cgroup, .kind = r->kind };
	u64 key = reclaiming_task();

	bpf_map_update_elem(&oom_pasts, &key, &past, BPF_ANY);
}

SEC("tp_btf/signal_generate")
int BPF_PROG(oom_signal, int sig, void *info, struct task_struct *task)
{
	u64 key = bpf_get_current_task();
	struct oom_past fresh = {}, *past;

	if (sig != SIGKILL)
		return 0;
	past = bpf_map_lookup_elem(&oom_pasts, &key);
	if (past) {
		past->signalled = (u64)task;
		return 0;
	}
	fresh.signalled = (u64)task;
	bpf_map_update_elem(&oom_pasts, &key, &fresh, BPF_ANY);
	return 0;
}

/* Pages that @memcg may have, with swap. */
static __always_inline u64 memcg_pages(struct mem_cgroup *memcg)
{
	u64 max = BPF_CORE_READ(memcg, memory.max), more = BPF_CORE_READ(memcg, swap.max);

	if (memcg_id(memcg) & CGROUP_MEMORY_V1)
		more = more > max ? more - max : 0;
	return max + (more < cfg.swap_pages ? more : cfg.swap_pages);
}

static __always_inline void set_reason(struct oomkill_event *e, struct task_struct *trigger,
				       u32 kind)
{
	struct mem_cgroup *memcg = memcg_of(trigger);
	u64 full;

	e->pages = cfg.machine_pages;
	if (kind == RECLAIM_NONE)
		return;
	e->reason = kind == RECLAIM_MEMCG ? OOM_MEMCG : OOM_GLOBAL;
	full = kind == RECLAIM_MEMCG && memcg ? memcg_tightest(address_of(memcg), MEMCG_LIMIT_MAX)
					      : 0;
	if (!full)
		return;
	e->limit = memcg_id((struct mem_cgroup *)full);
	e->pages = memcg_pages((struct mem_cgroup *)full);
}

/* What it has, which is its mm's to the end, whatever becomes of its threads. */
static __always_inline void set_held(struct oomkill_event *e, struct task_struct *victim)
{
	struct mm_struct *mm = BPF_CORE_READ(victim, signal, oom_mm);

	e->file_pages = MM_PAGES(mm, MM_FILEPAGES);
	e->anon_pages = MM_PAGES(mm, MM_ANONPAGES);
	e->shmem_pages = MM_PAGES(mm, MM_SHMEMPAGES);
	e->swap_pages = MM_PAGES(mm, MM_SWAPENTS);
	e->rss_pages = e->file_pages + e->anon_pages + e->shmem_pages;
	e->pgtables_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
	e->adj = BPF_CORE_READ(victim, signal, oom_score_adj);
}

static __always_inline bool oom_wanted(struct task_struct *trigger, u64 trigger_ids,
				       struct task_struct *victim, u64 victim_ids)
{
	return target_match_task(victim, victim_ids) || target_match_task(trigger, trigger_ids);
}

static __always_inline void oom_booked(bool wanted, bool victim_wanted)
{
	BOOK(cfg.check, BOOK_KILLS, wanted, 1);
	if (victim_wanted)
		BOOK(cfg.check, BOOK_GROUP_KILLS, true, 1);
}

/* @victim gets no more memory, and is killed or was ending already. */
static __noinline int oom_marked(struct task_struct *victim)
{
	struct task_struct *trigger = (struct task_struct *)bpf_get_current_task();
	u64 key = bpf_get_current_task(), trigger_ids = task_ids(trigger), ids;
	struct oom_past *past = bpf_map_lookup_elem(&oom_pasts, &key);
	struct oomkill_event e = {};
	bool wanted;

	ids = task_ids(victim);
	e.exiting = !past || past->signalled != (u64)victim;
	wanted = oom_wanted(trigger, trigger_ids, victim, ids);
	if (!e.exiting)
		oom_booked(wanted, cfg.check.on && target_match_task(victim, ids));
	if (!wanted)
		return 0;
	rec_init(&e.rec, REC_ROW);
	e.pid = ids >> 32;
	e.tid = ids;
	e.trigger_pid = trigger_ids >> 32;
	e.trigger_tid = trigger_ids;
	e.cgroup = cgroup_of(victim);
	e.trigger_cgroup = cgroup_of(trigger);
	set_reason(&e, trigger, past ? past->kind : RECLAIM_NONE);
	set_held(&e, victim);
	comm_of_task(victim, e.comm);
	comm_of_task(trigger, e.trigger);
	emit_event(&e, sizeof(e));
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(oom_mark, struct task_struct *victim)
{
	return oom_marked(victim);
}

/* Only a number: of the thread that was signalled just before, or of the current one, that ends. */
SEC("tp_btf/mark_victim")
int BPF_PROG(oom_mark_pid, int pid)
{
	struct task_struct *here = (struct task_struct *)bpf_get_current_task(), *victim;
	u64 key = bpf_get_current_task();
	struct oom_past *past = bpf_map_lookup_elem(&oom_pasts, &key);

	victim = past ? (struct task_struct *)past->signalled : NULL;
	if (victim && BPF_CORE_READ(victim, pid) == pid)
		return oom_marked(victim);
	if (BPF_CORE_READ(here, pid) == pid)
		return oom_marked(here);
	COUNT_EVENT(lost_state);
	return 0;
}
