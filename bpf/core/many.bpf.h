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

/* Index of the target that was hit. @ctx is the program's own. */
static __always_inline u32 hook_index(void *ctx)
{
	u64 index = hook_index_constant();

	return index == HOOK_BY_COOKIE ? bpf_get_attach_cookie(ctx) : index;
}

/* Where target @index counts now, in an array that the engine drains (drain.map). */
static __always_inline u32 many_slot(u32 index)
{
	return (epoch & 1) * many_targets + index;
}

#endif
