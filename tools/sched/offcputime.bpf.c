/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The stack is taken when a thread leaves its CPU, in its own context, and kept with it until it
 * has one again.
 */
#include "bpf/core/filter_task.bpf.h"
#include "bpf/core/stacks.bpf.h"
#include "bpf/core/task_state.bpf.h"

#include "tools/sched/offcputime.h"

const volatile struct offcputime_cfg cfg;

struct off_cpu {
	u64 since_ns; /* 0: not off */
	u64 program;
	s32 kstack;
	s32 ustack;
	u32 cause;
	u32 reserved;
};

TASK_STATE(offs, struct off_cpu, 65536)

static __always_inline bool state_wanted(u32 state)
{
	if (!cfg.with_state)
		return true;
	return cfg.states ? state & cfg.states : !state;
}

static __always_inline void leaves(void *ctx, struct task_struct *prev, bool preempted, u64 now)
{
	u32 state = task_state(prev);
	struct off_cpu *off;
	u64 ids;

	if (state & TASK_DEAD) {
		offs_drop(prev);
		return;
	}
	ids = task_ids(prev);
	if (!state_wanted(state) || !target_match_task(prev, ids))
		return;
	off = offs_create(prev);
	if (!off) {
		COUNT_EVENT(lost_state);
		return;
	}
	off->cause = preempted || !state ? OFFCPU_PREEMPTED : OFFCPU_BLOCKED;
	off->kstack = cfg.user_only ? STACK_NONE : stack_id(ctx, 0);
	off->ustack = STACK_NONE;
	if (!cfg.kernel_only) {
		off->ustack = stack_id(ctx, BPF_F_USER_STACK);
		off->program = current_program();
		if (off->ustack >= 0)
			stack_owner_told(ids >> 32, off->program);
	}
	off->since_ns = now;
}

static __always_inline void comes(struct task_struct *next, u64 now)
{
	struct off_cpu *off = offs_of(next);
	struct stacks_key key = {};
	u64 ns;

	if (!off || !off->since_ns)
		return;
	ns = now - off->since_ns;
	off->since_ns = 0;
	if (ns < cfg.min_ns || (cfg.max_ns && ns > cfg.max_ns)) {
		COUNT_EVENT(filtered);
		return;
	}
	key.epoch = epoch_now();
	key.pid = task_ids(next) >> 32;
	key.kstack = off->kstack;
	key.ustack = off->ustack;
	key.program = off->program;
	key.cause = off->cause;
	comm_of_task(next, key.comm);
	stacks_count(&key, ns);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(offcputime_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	u64 now = bpf_ktime_get_ns();

	if (prev->pid)
		leaves(ctx, prev, preempted, now);
	if (next->pid)
		comes(next, now);
	return 0;
}
