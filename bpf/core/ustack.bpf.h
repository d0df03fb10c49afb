/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * User stacks of programs without frame pointers: registers and the upper end of the stack go to
 * user space as they are, which knows how to unwind them.
 */
#ifndef IOSONDE_USTACK_BPF_H
#define IOSONDE_USTACK_BPF_H

#include "bpf/core/stacks.bpf.h"

#define USTACK_STEP  1024
#define USTACK_LEAST 64

/* Where copies are made: programs that take stacks of one CPU don't nest. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct rec_ustack);
} ustack_scratch SEC(".maps");

static __always_inline struct rec_ustack *ustack_scratch_here(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&ustack_scratch, &zero);
}

/* How much there is to copy: the first stack of a program ends where its arguments begin. */
static __always_inline u64 ustack_wanted(u64 sp, u64 start)
{
	u64 left = start - sp + USTACK_LEAST;

	return sp <= start && left < USTACK_BYTES ? left : USTACK_BYTES;
}

/* Copies up to @wanted bytes from @r->sp on, as many as are there: a page may be missing. */
static __noinline u64 ustack_copy(struct rec_ustack *r, u64 wanted)
{
	u64 sp = r->sp, at = 0;

	for (int i = 0; i < USTACK_BYTES / USTACK_STEP; i++) {
		if (at + USTACK_STEP > wanted ||
		    bpf_probe_read_user(&r->stack[at], USTACK_STEP, (void *)(sp + at)))
			break;
		at += USTACK_STEP;
	}
	for (u32 step = USTACK_STEP / 2; step >= USTACK_LEAST; step /= 2) {
		if (at > USTACK_BYTES - step || at + step > wanted)
			continue;
		if (!bpf_probe_read_user(&r->stack[at], step, (void *)(sp + at)))
			at += step;
	}
	return at;
}

/* Takes the stack of the current task. False: there is none, or not one that can be unwound. */
static __always_inline bool ustack_take(struct rec_ustack *r)
{
	struct task_struct *task = current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	if (!mm || BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER) ||
	    !dwarf_regs(task, r->regs) || !r->regs[DWARF_IP])
		return false;
	r->sp = r->regs[DWARF_SP];
	r->bytes = ustack_copy(r, ustack_wanted(r->sp, BPF_CORE_READ(mm, start_stack)));
	return true;
}

/*
 * Sends the stack in @r, of an event that @r->key and @r->amount tell of. The reader looks often
 * enough; it is woken where the ring would be full before that.
 */
static __always_inline void ustack_emit(struct rec_ustack *r)
{
	struct counters *here = counters_here();
	u64 bytes = r->bytes, flags = BPF_RB_NO_WAKEUP;

	if (!here)
		return;
	rec_init(&r->rec, REC_USTACK);
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >
	    bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 4)
		flags = BPF_RB_FORCE_WAKEUP;
	BOUND(bytes, 0x7fff);
	if (bytes > USTACK_BYTES)
		bytes = USTACK_BYTES;
	__sync_fetch_and_add(&here->generated, 1);
	if (bpf_ringbuf_output(&events, r, offsetof(struct rec_ustack, stack) + bytes, flags))
		__sync_fetch_and_add(&here->lost_ring, 1);
}

#endif
