/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A stretch on a CPU begins and ends on that CPU, so it is kept there. One off the CPU ends
 * elsewhere, and is kept with its thread, by sched_switch alone.
 */
#include "bpf/core/task_state.bpf.h"

#include "tools/sched/sched_hist.bpf.h"

/* Who has this CPU, and since when. */
struct on_cpu {
	u64 task;
	u64 since_ns;
	u64 wanted;	 /* it was a target then: at its last switch it may be none any more */
	u64 reserved[5]; /* a cache line of its own */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PER_CPU);
	__type(key, u32);
	__type(value, struct on_cpu);
} on_cpus SEC(".maps");

struct off_cpu {
	u64 since_ns;
	u32 cause;
	u32 reserved;
};

TASK_STATE(offs, struct off_cpu, 65536)

static __always_inline bool wanted(struct task_struct *task)
{
	if (!task->pid)
		return cfg.idle;
	return target_match_task(task, task_ids(task));
}

static __always_inline void on_cpu_switch(struct task_struct *prev, struct task_struct *next,
					  u32 cause, u64 now)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct on_cpu *c = bpf_map_lookup_elem(&on_cpus, &cpu);

	if (!c)
		return;
	if (c->task == (u64)prev && (c->wanted || wanted(prev)))
		sched_hist_count(prev, cause, now - c->since_ns);
	c->task = (u64)next;
	c->since_ns = now;
	c->wanted = wanted(next);
}

static __always_inline void off_cpu_switch(struct task_struct *prev, struct task_struct *next,
					   u32 cause, u64 now)
{
	struct off_cpu *off;

	if (prev->pid && (task_state(prev) & TASK_DEAD)) {
		offs_drop(prev);
	} else if (prev->pid && wanted(prev)) {
		off = offs_create(prev);
		if (off) {
			off->since_ns = now;
			off->cause = cause;
		} else {
			COUNT_EVENT(lost_state);
		}
	}
	off = next->pid ? offs_of(next) : NULL;
	if (!off || !off->since_ns)
		return;
	sched_hist_count(next, off->cause, now - off->since_ns);
	off->since_ns = 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(cpudist_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	u32 cause = preempted || !task_state(prev) ? SCHED_PREEMPTED : SCHED_BLOCKED;
	u64 now = bpf_ktime_get_ns();

	if (cfg.off_cpu)
		off_cpu_switch(prev, next, cause, now);
	else
		on_cpu_switch(prev, next, cause, now);
	return 0;
}
