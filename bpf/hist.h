/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The arithmetic of histogram slots, the same for the BPF side, which counts, and user space,
 * which prints. Loop-free, without builtins that a BPF target would turn into calls.
 *
 * Fine slots: values below 8 have one each; above, every doubling is cut into 8 equal steps, so
 * that a slot is never wider than 1/8 of its lowest value. Log2 slots: one per doubling, 0 and 1
 * share the first, as in the field's tools.
 *
 * BPF callers still have to compare a slot with the bound before they index with it: the verifier
 * doesn't follow the arithmetic.
 */
#ifndef IOSONDE_BPF_HIST_H
#define IOSONDE_BPF_HIST_H

#include "bpf/shared.h"

#define HIST_SUB_BITS  3
#define HIST_SUB_STEPS (1 << HIST_SUB_BITS)
/* Slots 0..7 are exact, then 8 for each of the doublings from 2^3 to 2^63. */
#define HIST_SLOTS ((64 - HIST_SUB_BITS + 1) * HIST_SUB_STEPS)
#define LOG2_SLOTS 64

/* floor(log2(v)); 0 for 0. */
static inline __u32 hist_log2(__u64 v)
{
	__u32 r, shift;

	r = (v > 0xffffffffULL) << 5;
	v >>= r;
	shift = (v > 0xffff) << 4;
	v >>= shift;
	r |= shift;
	shift = (v > 0xff) << 3;
	v >>= shift;
	r |= shift;
	shift = (v > 0xf) << 2;
	v >>= shift;
	r |= shift;
	shift = (v > 0x3) << 1;
	v >>= shift;
	r |= shift;
	return r | (__u32)(v >> 1);
}

/* The fine slot of @v: less than HIST_SLOTS. */
static inline __u32 slot_of(__u64 v)
{
	__u32 e;

	if (v < HIST_SUB_STEPS)
		return (__u32)v;
	e = hist_log2(v) - HIST_SUB_BITS;
	return (e + 1) * HIST_SUB_STEPS + ((__u32)(v >> e) & (HIST_SUB_STEPS - 1));
}

/* Lowest and highest value of a fine slot. */
static inline __u64 slot_low(__u32 slot)
{
	__u32 e = slot / HIST_SUB_STEPS;

	if (e == 0)
		return slot;
	return (__u64)(HIST_SUB_STEPS + slot % HIST_SUB_STEPS) << (e - 1);
}

static inline __u64 slot_high(__u32 slot)
{
	__u32 e = slot / HIST_SUB_STEPS;

	if (e == 0)
		return slot;
	return slot_low(slot) + ((1ULL << (e - 1)) - 1);
}

/* The log2 slot of @v: less than LOG2_SLOTS. */
static inline __u32 log2_slot_of(__u64 v)
{
	return hist_log2(v);
}

static inline __u64 log2_slot_low(__u32 slot)
{
	return slot ? 1ULL << slot : 0;
}

static inline __u64 log2_slot_high(__u32 slot)
{
	return slot < 63 ? (2ULL << slot) - 1 : ~0ULL;
}

#endif
