/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How long targets wait for a CPU, and why: since they were woken, created, or taken off a CPU that
 * they still wanted. Who includes this provides
 *
 *	runq_waited(ctx, prev, next, &wait)	@next gets the CPU, which @prev had
 *
 * The last sched_waking before a switch-in is the one that ended the block: later ones find the
 * task runnable and aren't traced (kernel/sched/core.c, try_to_wake_up()), and one that came while
 * the task still ran is overwritten by what takes it off its CPU. So a stamp is written by whoever
 * makes the task runnable and taken by the switch-in, and nothing is kept of tasks that sleep. A
 * task whose wait began before the programs were attached has no stamp and is no event.
 */
#ifndef IOSONDE_RUNQ_BPF_H
#define IOSONDE_RUNQ_BPF_H

#include "bpf/core/filter_task.bpf.h"

struct runq_wait {
	u64 since_ns;
	u64 lat_ns;    /* filled in at the switch */
	u32 preempted; /* taken off its CPU, else woken or created */
	u32 reserved;
};

/* Tasks that wait, by address. Written inside the scheduler, hence preallocated. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct runq_wait);
} runq_waits SEC(".maps");

static __always_inline void runq_waited(void *ctx, struct task_struct *prev,
					struct task_struct *next, const struct runq_wait *wait);

static __always_inline void runq_begin(struct task_struct *task, u32 preempted)
{
	struct runq_wait wait = { .preempted = preempted };
	u64 key = (u64)task;

	if (!target_match_task(task, task_ids(task)))
		return;
	wait.since_ns = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&runq_waits, &key, &wait, BPF_ANY))
		COUNT_EVENT(lost_state);
}

static __always_inline void runq_left(struct task_struct *prev, bool preempted)
{
	u64 key = (u64)prev, state = task_state(prev);

	if (preempted || !state)
		runq_begin(prev, 1);
	else if (state & TASK_DEAD) /* perhaps it was woken when it was about to end */
		bpf_map_delete_elem(&runq_waits, &key);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(runq_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	u64 key = (u64)next;
	struct runq_wait *stamp, wait;

	if (prev->pid)
		runq_left(prev, preempted);
	if (!next->pid)
		return 0;
	stamp = bpf_map_lookup_elem(&runq_waits, &key);
	if (!stamp)
		return 0;
	wait = *stamp;
	bpf_map_delete_elem(&runq_waits, &key);
	wait.lat_ns = bpf_ktime_get_ns() - wait.since_ns;
	runq_waited(ctx, prev, next, &wait);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(runq_waking, struct task_struct *task)
{
	runq_begin(task, 0);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(runq_wakeup_new, struct task_struct *task)
{
	runq_begin(task, 0);
	return 0;
}

#endif
