/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which of a command's calls a system-call number stands for, by ABI. The engine fills the table
 * from the descriptor's list of names (core/syscalls.c), so that programs know no numbers.
 */
#ifndef IOSONDE_SYSCALL_BPF_H
#define IOSONDE_SYSCALL_BPF_H

#include "bpf/core.bpf.h"
#include "bpf/syscall_max.h"

/* [0] the native ABI, [1] the 32-bit one; a value is 1 + the index in the descriptor's list. */
const volatile u8 syscall_calls[2][SYSCALL_MAX];

/* The call that @nr means in the ABI @compat; 0 for one that the command doesn't follow. */
static __always_inline u32 syscall_call(s64 nr, bool compat)
{
	if (nr < 0 || nr >= SYSCALL_MAX)
		return 0;
	return compat ? syscall_calls[1][nr] : syscall_calls[0][nr];
}

/* Could @nr be a call that is followed, in either ABI? */
static __always_inline bool syscall_maybe(s64 nr)
{
	return nr >= 0 && nr < SYSCALL_MAX && (syscall_calls[0][nr] | syscall_calls[1][nr]);
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

#endif
