/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The arithmetic of histogram slots, the same for the BPF side, which counts, and user space,
 * which prints. Loop-free, without builtins that a BPF target would turn into calls.
 *
 * Fine slots: values below 8 have one each; above, every doubling is cut into 8 equal steps, so
 * that a slot is never wider than 1/8 of its lowest value. Log2 slots: one per doubling, 0 and 1
 * share the first, as in the field's tools. Linear slots: all of one width.
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

/*
 * Slots that line up with the powers of two of a unit that people read (a microsecond, not 1,024
 * ns): values are stretched by num / den before they are put into fine slots, so that the unit is
 * 1 << shift. The ratio is less than 1.05, and a slot still at most 1/8 wide.
 */
enum hist_scale {
	HIST_USECS,  /* of ns: 1 us is 1 << 10 */
	HIST_MSECS,  /* of ns: 1 ms is 1 << 20 */
	HIST_KBYTES, /* of bytes */
	HIST_COUNTS, /* of anything: as it is */
	HIST_NSECS,  /* of ns: as it is */
	N_HIST_SCALES,
};

#define HIST_USECS_NUM	128
#define HIST_USECS_DEN	125
#define HIST_MSECS_NUM	16384
#define HIST_MSECS_DEN	15625
#define HIST_SCALED_MAX (1ULL << 49) /* larger values share a slot: 6 days in ns */

/*
 * What a map of histograms holds for a key. All zeroes is an empty one. The key has the CPU in it
 * (struct drain.cpu), so that sums, the least and the largest value are exact.
 */
struct hist_value {
	__u64 sum;
	__u64 inv_min; /* ~ of the least value */
	__u64 max;
	__u64 slots[HIST_SLOTS];
};

static inline __u64 hist_scaled(__u64 v, __u32 scale)
{
	if (v > HIST_SCALED_MAX)
		v = HIST_SCALED_MAX;
	if (scale == HIST_USECS)
		return v * HIST_USECS_NUM / HIST_USECS_DEN;
	if (scale == HIST_MSECS)
		return v * HIST_MSECS_NUM / HIST_MSECS_DEN;
	return v;
}

/*
 * The slot of @v in a struct hist_value; @linear: slots of that width instead, of which the last
 * one counts everything above.
 */
static inline __u32 hist_slot(__u64 v, __u32 scale, __u64 linear)
{
	__u64 slot;

	if (!linear)
		return slot_of(hist_scaled(v, scale));
	slot = v / linear;
	return slot < HIST_SLOTS ? (__u32)slot : HIST_SLOTS - 1;
}

#endif
