/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a call that sleeps was passed, for commands without a program at entry. When a call returns,
 * what it was asked for is still in the registers, and a name that it was passed in memory. But
 * while it slept (an open of a FIFO, a filesystem of the network), another thread may have written
 * over the name. So it is read when the thread goes to sleep. A call that doesn't sleep pays a look
 * at a counter, a switch of threads a look at a register.
 *
 * The file that includes this has defined struct slept_state, and
 *
 *	static __always_inline bool slept_describe(struct slept_state *st, const struct entered *in,
 *						   const struct syscall_args *args);
 *
 * false: what it needs isn't in memory yet. Its descriptor takes SLEPT_PROBE.
 */
#ifndef IOSONDE_SLEPT_BPF_H
#define IOSONDE_SLEPT_BPF_H

#include "bpf/calls/slept.h"
#include "bpf/calls/syscall.bpf.h"

struct slept_call {
	u64 thread_start_ns; /* tells it from one that had the same address */
	struct syscall_args args;
	struct slept_state st;
};

const volatile struct slept_call slept_none;

/* Updated inside the scheduler, hence preallocated. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, u64); /* task */
	__type(value, struct slept_call);
} slept_calls SEC(".maps");

/* How many there are: nobody looks for his while it is 0. */
u32 n_slept;

static __noinline int slept_delete(u64 task)
{
	if (!bpf_map_delete_elem(&slept_calls, &task))
		__sync_fetch_and_add(&n_slept, -1);
	return 0;
}

/* The call of @task, which is current_task(), is over, or will be entered again. */
static __always_inline void slept_forget(struct task_struct *task)
{
	if (n_slept)
		slept_delete((u64)task);
}

static __noinline int slept_find(u64 task, const struct syscall_args *args, struct slept_state *st)
{
	struct slept_call *call = bpf_map_lookup_elem(&slept_calls, &task);
	struct task_struct *here = (struct task_struct *)bpf_get_current_task();
	int found = 0;

	if (!call || !args || !st)
		return 0;
	if (call->thread_start_ns == BPF_CORE_READ(here, start_time) &&
	    call->args.a[0] == args->a[0] && call->args.a[1] == args->a[1])
		found = !bpf_probe_read_kernel(st, sizeof(*st), &call->st);
	slept_delete(task);
	return found;
}

/* The call of @task, which is current_task(), with @args is over: if it slept, *@st becomes what
 * was kept then. */
static __always_inline bool slept_take(struct task_struct *task, const struct syscall_args *args,
				       struct slept_state *st)
{
	return n_slept && slept_find((u64)task, args, st);
}

/* The current thread goes to sleep in call @nr, which it entered with @regs. */
static __noinline int slept_keep(u64 regs, s64 nr)
{
	struct task_struct *task;
	struct slept_call *call;
	struct entered in;
	u64 key;

	if (!target_entered(nr, &in))
		return 0;
	task = in.task;
	key = (u64)task;
	if (bpf_map_lookup_elem(&slept_calls, &key))
		return 0;
	if (bpf_map_update_elem(&slept_calls, &key, (const void *)&slept_none, BPF_NOEXIST)) {
		COUNT(null_helper);
		return 0;
	}
	__sync_fetch_and_add(&n_slept, 1);
	call = bpf_map_lookup_elem(&slept_calls, &key);
	if (!call)
		return 0;
	call->thread_start_ns = BPF_CORE_READ(task, start_time);
	syscall_args_read((struct pt_regs *)regs, in.compat, &call->args);
	if (!slept_describe(&call->st, &in, &call->args))
		slept_delete(key);
	return 0;
}

/* @prev is the current thread still. One that is switched out against its will doesn't sleep. */
SEC("tp_btf/sched_switch")
int BPF_PROG(slept_switch, bool preempted, struct task_struct *prev)
{
	struct pt_regs *regs;
	s64 nr;

	if (preempted)
		return 0;
	nr = call_of_task(prev, &regs);
	if (syscall_maybe(nr))
		slept_keep((u64)regs, nr);
	return 0;
}

#endif
