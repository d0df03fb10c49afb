/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which of a command's calls a system-call number stands for, by ABI. The engine fills the table
 * from the descriptor's list of names (core/rows/syscalls.c), so that programs know no numbers.
 */
#ifndef IOSONDE_SYSCALL_BPF_H
#define IOSONDE_SYSCALL_BPF_H

#include "bpf/calls/call_end.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/core/syscall_max.h"

/*
 * By number; [0] the native ABI, [1] the 32-bit one, side by side in one cache line. A value is
 * 1 + the index in the descriptor's list.
 */
const volatile u8 syscall_calls[SYSCALL_MAX][2];

/*
 * What the table has for @nr, which is in its range: said again here, for verifiers before 5.16
 * forget it where the compiler keeps the number on the stack meanwhile.
 */
static __always_inline const volatile u8 *syscall_entry(s64 nr)
{
	u64 at = nr;

	BOUND(at, SYSCALL_MAX - 1);
	return syscall_calls[at];
}

/* The call that @nr means in the ABI @compat; 0 for one that the command doesn't follow. */
static __always_inline u32 syscall_call(s64 nr, bool compat)
{
	if (nr < 0 || nr >= SYSCALL_MAX)
		return 0;
	return syscall_entry(nr)[compat];
}

/* Could @nr be a call that is followed, in either ABI? */
static __always_inline bool syscall_maybe(s64 nr)
{
	const volatile u8 *entry;

	if (nr < 0 || nr >= SYSCALL_MAX)
		return false;
	entry = syscall_entry(nr);
	return entry[0] | entry[1];
}

/*
 * The call entered with number @nr, or 0. A number that neither ABI follows, which is nearly every
 * one, needs no look at the thread's flags. Sets *@compat for a call that is followed.
 */
static __always_inline u32 syscall_entered(s64 nr, bool *compat)
{
	if (!syscall_maybe(nr))
		return 0;
	*compat = in_compat_call();
	return syscall_call(nr, *compat);
}

/* A followed call that a target enters, or returns from. */
struct entered {
	struct task_struct *task; /* current_task() */
	u64 ids;		  /* ids_of() that */
	u32 call;
	bool compat;
};

/* Is the call with number @nr, which the current thread is in, followed, and of a target? */
static __always_inline bool target_entered(s64 nr, struct entered *e)
{
	if (!syscall_maybe(nr))
		return false;
	e->task = current_task();
	e->ids = ids_of(e->task);
	if (!target_match(e->ids))
		return false;
	e->compat = task_in_compat_call(e->task);
	e->call = syscall_call(nr, e->compat);
	return e->call;
}

/*
 * SYSCALL_ENTER(name) { ... } and SYSCALL_EXIT(name) { ... } define a program at every system call,
 * twice from one body: `name` at the tp_btf hook, and `name_tp` at the classic tracepoint. The body
 * sees @ctx (for stacks), @regs (user space's registers) and the call's number @id, or its result
 * @ret.
 *
 * Since 7.0 a tp_btf program at a system call can be preempted, and until its thread goes on, the
 * kernel skips that program for every other thread on the CPU. Classic tracepoints' programs run to
 * their end. So a descriptor names both, the classic one as a later rung, which the engine prefers
 * where the kernel preempts (ladder_has_exact_tp_btf()):
 *	{ "system calls", { { { "x_enter", "x_exit" } }, { { "x_enter_tp", "x_exit_tp" } } } }
 */
#define SYSCALL_ENTER(name)                                                                        \
	static __always_inline int name##_body(void *ctx, struct pt_regs *regs, long id);          \
	SEC("tp_btf/sys_enter")                                                                    \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		return name##_body(ctx, (struct pt_regs *)ctx[0], (long)ctx[1]);                   \
	}                                                                                          \
	SEC("tp/raw_syscalls/sys_enter")                                                           \
	int name##_tp(struct trace_event_raw_sys_enter *ctx)                                       \
	{                                                                                          \
		return name##_body(ctx, user_regs(), ctx->id);                                     \
	}                                                                                          \
	static __always_inline int name##_body(void *ctx, struct pt_regs *regs, long id)

#define SYSCALL_EXIT(name)                                                                         \
	static __always_inline int name##_body(void *ctx, struct pt_regs *regs, long ret);         \
	SEC("tp_btf/sys_exit")                                                                     \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		return name##_body(ctx, (struct pt_regs *)ctx[0], (long)ctx[1]);                   \
	}                                                                                          \
	SEC("tp/raw_syscalls/sys_exit")                                                            \
	int name##_tp(struct trace_event_raw_sys_exit *ctx)                                        \
	{                                                                                          \
		return name##_body(ctx, user_regs(), ctx->ret);                                    \
	}                                                                                          \
	static __always_inline int name##_body(void *ctx, struct pt_regs *regs, long ret)

#endif
