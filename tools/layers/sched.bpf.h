/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What happens to followed threads outside of their calls: switches, wake-ups, birth and end. */
#ifndef IOSONDE_LAYERS_SCHED_BPF_H
#define IOSONDE_LAYERS_SCHED_BPF_H

#include "tools/layers/life.bpf.h"

static __always_inline void switched_out(void *ctx, struct task_struct *prev, bool preempted,
					 u64 now)
{
	struct layers_state *st = state_with_op(prev);
	struct layers_cpu *c = cfg.check ? cpu_here() : NULL;

	if (c && st && st->self)
		books_out(c, st, !preempted && task_state(prev), now);
	if (!st || !st->op.in.call || !st->op.in.live)
		return;
	settle_running(st->self, &st->op, now);
	/* a signal that was pending keeps it runnable, though it meant to block */
	if (preempted || !task_state(prev)) {
		st->op.state = ON_RUNQ;
		return;
	}
	st->op.state = BLOCKED;
	if (!HAS_REASONS(st->op.in.call))
		return;
	st->op.stack = bpf_get_stackid(ctx, &layers_stacks, BPF_F_FAST_STACK_CMP);
	if (st->op.stack >= 0)
		return;
	st->op.stack = -1;
	TALLY(LAYERS_LOST_STACK);
}

static __always_inline void switched_in(struct task_struct *next, u64 now)
{
	struct layers_state *st = layers_of(next);
	u32 here = bpf_get_smp_processor_id(), before;

	if (!st)
		return;
	note_return(next);
	if (cfg.check)
		books_in(st, now);
	before = st->cpu;
	if (before != here)
		follow_thread(st, next, here);
	if (st->op.in.call && st->op.in.live)
		settle_switch_in(st->self, &st->op, now, before, here);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(layers_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	u64 now;

	if (closed_ns)
		return 0;
	now = bpf_ktime_get_ns();
	note_comer(next, now);
	if (prev->pid)
		switched_out(ctx, prev, preempted, now);
	if (next->pid)
		switched_in(next, now);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(layers_waking, struct task_struct *task)
{
	u64 key = (u64)task;
	struct layers_wake *wake = bpf_map_lookup_elem(&layers_wakes, &key);

	if (!wake)
		return 0;
	wake->ns = bpf_ktime_get_ns();
	note_waker(&wake->who, wake->ns);
	return 0;
}

/* The current thread has made @child, which may run from now on. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(layers_born, struct task_struct *child)
{
	struct task_struct *task = current_task();
	struct layers_state *st = layers_of(task);
	struct layers_wake wake = {};
	u64 key = (u64)child;

	if (closed_ns || !st || !st->self)
		return 0;
	if (!(target.flags & TARGET_TREE) && task_ids(child) >> 32 != ids_of(task) >> 32)
		return 0;
	wake.ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&layers_wakes, &key, &wake, BPF_ANY);
	return 0;
}

/* Timers' functions, of both kinds, begin and end. */
SEC("tp_btf/hrtimer_expire_entry")
int layers_hrtimer(void *ctx)
{
	return note_timer(1);
}

SEC("tp_btf/hrtimer_expire_exit")
int layers_hrtimer_end(void *ctx)
{
	return note_timer(0);
}

SEC("tp_btf/timer_expire_entry")
int layers_timer(void *ctx)
{
	return note_timer(1);
}

SEC("tp_btf/timer_expire_exit")
int layers_timer_end(void *ctx)
{
	return note_timer(0);
}

/* Closes the operations that the current thread, which ends, will never return from. */
static __always_inline void close_killed(struct layers_cpu *c, struct layers_state *st)
{
	u64 now = bpf_ktime_get_ns();
	u32 call = st->op.in.call;

	hold(&st->op.in);
	if (call) {
		settle_running(st->self, &st->op, now);
		st->op.end_ns = now;
		st->op.flags |= OP_KILLED;
	}
	if (call > PART_OTHER)
		close_part(c, &st->op);
	else if (call)
		close_op(c, st, &st->op, 0); /* nobody is left to get a result */
	if (st->parked.in.call)		     /* a signal took it out of the call, and killed it */
		close_parked(0, OP_KILLED);
	end_life(c, st, now);
}

/* The same where that is impossible: another thread's program was preempted on this CPU. */
static __always_inline void lose_ops(struct layers_cpu *c, struct layers_state *st)
{
	u64 now = bpf_ktime_get_ns();

	if (st->op.in.call && IS_IO(st->op.in.call))
		COUNT_EVENT(lost_state);
	if (st->parked.in.call)
		COUNT_EVENT(lost_state);
	if (c)
		end_life(c, st, now);
}

CURRENT_EVENT(layers_thread_exit, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct layers_state *st = layers_of(task);
	struct layers_cpu *c = cpu_here();
	u64 key = bpf_get_current_task();

	if (!st || !st->self) {
		bpf_map_delete_elem(&layers_wakes, &key); /* it may have been born just now */
		return 0;
	}
	state_with_op(task);
	if (!st->op.in.call)
		follow_thread(st, task, bpf_get_smp_processor_id());
	if (c && take_cpu(c)) {
		close_killed(c, st);
		release_cpu(c);
	} else {
		lose_ops(c, st);
	}
	bpf_map_delete_elem(&layers_wakes, &key);
	bios_forget(key);
	layers_drop(task);
	return 0;
}

#endif
