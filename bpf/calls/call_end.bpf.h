/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What became of a system call that returns.
 *
 * A call that a seccomp filter or a tracer answers in the kernel's place (ERRNO, USER_NOTIF,
 * PTRACE_SYSEMU) never runs: the kernel reports its end and no entry. Where the filter sends SIGSYS
 * instead (TRAP, KILL_PROCESS), there is no result either, and what stands in its register is what
 * was there before: on x86 the call's own number. It is told as ENOSYS. (A thread that KILL_THREAD
 * ends, and one that is killed on 5.10, never comes to the end of its call: nobody tells.)
 *
 * One that a signal interrupts returns -ERESTART..., which no program sees: it is entered again, or
 * fails with EINTR. Which of them, the signal that is delivered next decides, and that is known.
 */
#ifndef IOSONDE_CALL_END_BPF_H
#define IOSONDE_CALL_END_BPF_H

#include "bpf/core/core.bpf.h"

#define EINTR  4
#define ENOSYS 38
/* Kernel-internal results: include/linux/errno.h. */
#define ERESTARTSYS	      512
#define ERESTARTNOINTR	      513
#define ERESTART_RESTARTBLOCK 516

#define SA_RESTART 0x10000000

/* Signals, by number on every architecture that is supported: include/uapi/asm-generic/signal.h. */
#define SIG_BIT(sig) (1ULL << ((sig)-1))
#define SIGKILL_BIT  SIG_BIT(9)
#define SIGSYS_BIT   SIG_BIT(31)
#define SIG_SYNCHRONOUS                                                                            \
	(SIG_BIT(4) | SIG_BIT(5) | SIG_BIT(7) | SIG_BIT(8) | SIG_BIT(11) | SIGSYS_BIT)
#define SIG_HARMLESS (SIG_BIT(17) | SIG_BIT(18) | SIG_BIT(23) | SIG_BIT(28)) /* by default */
#define SIG_STOPS    (SIG_BIT(19) | SIG_BIT(20) | SIG_BIT(21) | SIG_BIT(22))
#define N_SIGNALS    64
#define SIG_DFL	     0
#define SIG_IGN	     1

/* Was the call left for a signal? Whether it is entered again or fails with EINTR is another
 * question. */
static __always_inline bool is_interrupted(s64 ret)
{
	return ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK;
}

/* --- calls that never ran --- */

/* Is SIGSYS on its way to @task, which is current_task()? */
static __always_inline bool sigsys_pending(struct task_struct *task)
{
	if (HAVE_TASK_BTF())
		return task->pending.signal.sig[0] & SIGSYS_BIT;
	return BPF_CORE_READ(task, pending.signal.sig[0]) & SIGSYS_BIT;
}

/* The result that the program of @task, which is current_task(), got of call @nr: @ret, but for one
 * that has none. */
static __always_inline s64 answer_of(struct task_struct *task, s64 nr, s64 ret)
{
	return ROLLED_BACK(nr, ret) && sigsys_pending(task) ? -ENOSYS : ret;
}

/* --- calls that a signal interrupts --- */

/* The signal of @set that is delivered first, as its bit; 0: none. */
static __always_inline u64 first_signal(u64 own, u64 shared)
{
	u64 set = own ? own : shared;

	if (own & SIG_SYNCHRONOUS)
		set = own & SIG_SYNCHRONOUS;
	return set & -set;
}

/* Global, like the others: a verifier would follow each path through it in the loop below. */
__noinline u32 signal_index(u64 bit)
{
	u32 i = 0;

	for (u32 step = N_SIGNALS / 2; step; step /= 2) {
		if (bit >> step) {
			bit >>= step;
			i += step;
		}
	}
	return i;
}

#define IGNORED_MAX 8 /* pending signals that do nothing, before one that does */

enum signal_does { SIGNAL_NOTHING, SIGNAL_RESTARTS, SIGNAL_ENDS };

/* What the delivery of the signal with index @sig does to a call that left with @ret. */
__noinline int signal_does(u32 sig, s64 ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct sighand_struct *hands = BPF_CORE_READ(task, sighand);
	u64 handler, flags, bit = 1ULL << (sig & (N_SIGNALS - 1));
	struct k_sigaction *action;

	/* the kernel's are longer than ours */
	action = (void *)&hands->action[0] +
		 (u64)(sig & (N_SIGNALS - 1)) * bpf_core_type_size(struct k_sigaction);
	handler = (u64)BPF_CORE_READ(action, sa.sa_handler);
	flags = BPF_CORE_READ(action, sa.sa_flags);
	if (handler == SIG_IGN)
		return SIGNAL_NOTHING;
	if (handler == SIG_DFL)
		return bit & (SIG_HARMLESS | SIG_STOPS) ? SIGNAL_NOTHING : SIGNAL_ENDS;
	if (ret == -ERESTARTNOINTR || (ret == -ERESTARTSYS && flags & SA_RESTART))
		return SIGNAL_RESTARTS;
	return SIGNAL_ENDS;
}

/* Will the call of the current thread that left with @ret, for a signal, be entered again? */
__noinline int call_goes_on(s64 ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 own = BPF_CORE_READ(task, pending.signal.sig[0]);
	u64 shared = BPF_CORE_READ(task, signal, shared_pending.signal.sig[0]);
	u64 open = ~(u64)BPF_CORE_READ(task, blocked.sig[0]), bit;
	int does;

	if (own & SIGKILL_BIT)
		return 0;
	own &= open;
	shared &= open;
	for (int i = 0; i < IGNORED_MAX; i++) {
		bit = first_signal(own, shared);
		if (!bit)
			break;
		does = signal_does(signal_index(bit), ret);
		if (does != SIGNAL_NOTHING)
			return does == SIGNAL_RESTARTS;
		if (own)
			own &= ~bit;
		else
			shared &= ~bit;
	}
	return 1; /* a stop, or work of the kernel's own */
}

/*
 * The call that @task, which is current_task(), entered with @regs returned *@ret. False: it isn't
 * over. Else *@ret becomes what its program got.
 */
static __always_inline bool call_ended(struct task_struct *task, struct pt_regs *regs, s64 *ret)
{
	barrier_var(regs); /* or the number is kept in memory, where 5.10 doesn't know its bounds */
	if (is_interrupted(*ret)) {
		if (call_goes_on(*ret))
			return false;
		*ret = -EINTR;
	} else {
		*ret = answer_of(task, REGS_CALL(regs), *ret);
	}
	return true;
}

#endif
