/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs that are attached to many targets, which the command line names: which one was hit? Each
 * copy of the program holds the answer as a constant (core/kernel/many_hook.h), so it costs
 * nothing, and all kernels can do it. The verifier sees the constant, too.
 */
#ifndef IOSONDE_MANY_BPF_H
#define IOSONDE_MANY_BPF_H

#include "bpf/core/filter.bpf.h"
#include "bpf/core/many.h"
#include "bpf/core/syscall_max.h"

/* 1 while every target is attached: they are attached one by one, and none counts before the last.
 */
u32 many_attached;

/* How many targets there are. Arrays with an element per target have two halves: see many_slot().
 */
const volatile u32 many_targets;

static __always_inline u64 hook_index_constant(void)
{
	u64 v;

	asm volatile("%0 = %1 ll" : "=r"(v) : "i"(HOOK_INDEX_MARK));
	return v;
}

/* The system call that the hook is about, where all calls pass it; negative: any. */
static __always_inline s64 hook_call(void)
{
	s64 v;

	asm volatile("%0 = %1 ll" : "=r"(v) : "i"(HOOK_CALL_MARK));
	return v;
}

/* By a native system call's number: 1 + the index of the target at its entry, and at its end. */
u32 many_calls[SYSCALL_MAX][2];

/*
 * The target at the entry, or with @end at the end, of the system call that @ctx of a raw
 * tracepoint is about. The tracepoints of single calls, in whose place this stands, know of no
 * 32-bit ones.
 */
static __always_inline u32 call_target(void *ctx, u32 end)
{
	struct pt_regs *regs = (void *)((u64 *)ctx)[0];
	u64 nr = REGS_CALL_READ(regs);

	if (nr >= SYSCALL_MAX)
		return HOOK_NO_TARGET;
	BOUND(nr, SYSCALL_MAX - 1);
	if (!many_calls[nr][end] || in_compat_call())
		return HOOK_NO_TARGET;
	return many_calls[nr][end] - 1;
}

/* Index of the target that was hit, or HOOK_NO_TARGET. @ctx is the program's own. */
static __always_inline u32 hook_index(void *ctx)
{
	u64 index = hook_index_constant();

	if (index == HOOK_BY_ENTRY)
		return call_target(ctx, 0);
	if (index == HOOK_BY_END)
		return call_target(ctx, 1);
	return index == HOOK_BY_COOKIE ? bpf_get_attach_cookie(ctx) : index;
}

/* Where target @index counts now, in an array that the engine drains (drain.map). */
static __always_inline u32 many_slot(u32 index)
{
	return (epoch & 1) * many_targets + index;
}

#endif
