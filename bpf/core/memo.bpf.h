/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The rows of an aggregating map that are in use just now, kept at hand on each CPU: the sums of a
 * row that is hit again and again need no look-up in the map, which costs more than all else that a
 * counting program does. A program file defines, before it includes this,
 *
 *	struct memo_slot {
 *		u64 sums[N];		what is added up: the map's value begins with the same
 *		struct ..._key key;	of the map
 *		...			by what the row is known again, as cheaply as that can be
 *	};
 *	#define MEMO_OF map
 *
 * and its descriptor has drain.sums or fold.sums: N. The first sum counts events.
 *
 * A slot is taken (memo_take()) for a row that the map has in this epoch, and given up when the
 * place is needed for another: its sums are added to the map's then. What is left at a report the
 * engine adds (core/run/memo.c). There are two memos per CPU, for the epoch and the one before, so
 * nobody is at the one that the engine reads and clears. Where programs may nest on a CPU, or
 * preempt one another, the second finds the memo in use and goes to the map.
 */
#ifndef IOSONDE_MEMO_BPF_H
#define IOSONDE_MEMO_BPF_H

#include "bpf/core/core.bpf.h"
#include "bpf/core/memo.h"

#define MEMO_SUMS (sizeof(((struct memo_slot *)0)->sums) / sizeof(u64))

struct memo {
	struct memo_head head;
	struct memo_slot slots[MEMO_SLOTS];
};

/* Sized by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct memo);
} memo SEC(".maps");

/*
 * Since 5.11 only one program of a command is at a memo, at a tracepoint outside interrupts, whose
 * runs on a CPU the kernel keeps apart, also where it preempts them. Before, fexit programs may be,
 * which it doesn't.
 */
#define MEMO_RUNS_APART() HAVE_TASK_BTF()

static __always_inline void memo_leave(struct memo *m)
{
	if (MEMO_RUNS_APART())
		return;
	__sync_fetch_and_add(&m->head.users, -1);
}

/*
 * This CPU's memo for @epoch, until memo_leave(); NULL: somebody below us is at it. Whoever comes
 * second sees the first, for he adds himself before he looks.
 */
static __always_inline struct memo *memo_enter(u32 epoch)
{
	u32 at = MEMO_INDEX(bpf_get_smp_processor_id(), epoch);
	struct memo *m = bpf_map_lookup_elem(&memo, &at);

	if (!m || MEMO_RUNS_APART())
		return m;
	__sync_fetch_and_add(&m->head.users, 1);
	if (*(volatile u32 *)&m->head.users == 1)
		return m;
	memo_leave(m);
	return NULL;
}

/* Where the row is, if it is there: @mixed differs between rows as far as that is cheap. */
static __always_inline struct memo_slot *memo_slot(struct memo *m, u64 mixed)
{
	BOUND(mixed, MEMO_SLOTS - 1);
	return &m->slots[mixed];
}

/*
 * Gives the slot's sums to the row that it was used for. The caller makes it that of another row,
 * which is in the map when he is done.
 */
static __noinline int memo_take(struct memo_slot *slot)
{
	u64 *sums;

	if (!slot || !slot->sums[0])
		return 0;
	sums = bpf_map_lookup_elem(&MEMO_OF, &slot->key);
	if (sums) {
		for (u32 i = 0; i < MEMO_SUMS; i++)
			__sync_fetch_and_add(&sums[i], slot->sums[i]);
	} else { /* somebody has removed the row */
		COUNT_N(lost_state, slot->sums[0]);
	}
	__builtin_memset(slot->sums, 0, sizeof(slot->sums));
	return 0;
}

#endif
