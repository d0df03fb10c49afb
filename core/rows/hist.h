/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Histograms in user space: those that the kernel side filled, and small ones of our own. */
#ifndef IOSONDE_HIST_H
#define IOSONDE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/core/hist.h"

/*
 * The @p-th percentile (0..100) of @count values spread over @n fine slots: the value of rank
 * ceil(p/100 * count), given as the middle of its slot, therefore within 1/16 of the exact one,
 * and never outside @min..@max. Pass 0 and UINT64_MAX where those aren't known. 0 if @count is 0.
 */
uint64_t slots_percentile(const uint64_t *slots, size_t n, uint64_t count, double p, uint64_t min,
			  uint64_t max);

/* Sum of @n slots; stops at UINT64_MAX. */
uint64_t slots_count(const uint64_t *slots, size_t n);

/*
 * A histogram that costs what it holds: nothing for a single value, else one counter per slot
 * between the lowest and the highest one used. All zeroes is an empty one.
 */
struct hist {
	uint64_t count;
	uint64_t sum; /* stops at UINT64_MAX */
	uint64_t min;
	uint64_t max;
	uint32_t *slots; /* a window; each stops at UINT32_MAX */
	uint16_t first;	 /* the slot that slots[0] counts */
	uint16_t n;
};

/* Returns false when out of memory: the value is in count, sum, min and max but in no slot. */
bool hist_add(struct hist *h, uint64_t value);
/* As slots_percentile(). */
uint64_t hist_percentile(const struct hist *h, double p);
/* Empties it. */
void hist_free(struct hist *h);

/* How the values of a struct hist_value read: enum hist_scale. */
struct hist_scale_info {
	uint64_t num, den;
	unsigned shift; /* the unit is 1 << shift after scaling */
	uint64_t unit;	/* one of it, in what is counted */
};

extern const struct hist_scale_info hist_scales[N_HIST_SCALES];

/* A view of a struct hist_value's slots. */
struct hist_view {
	enum hist_scale scale;
	uint64_t linear; /* width of a slot; 0: eight steps per doubling */
	bool fine;	 /* show each of the eight; else powers of two of the unit */
};

/* The least value that @slot counts; @slot may be HIST_SLOTS: behind the last. */
uint64_t view_low(const struct hist_view *view, uint32_t slot);

/*
 * Buckets are what is shown: slots, or powers of two of the unit, of which the first goes from 0 to
 * below 2. A bucket ends where the next one begins.
 */
uint32_t view_bucket_of(const struct hist_view *view, uint32_t slot);
uint64_t view_bucket_low(const struct hist_view *view, uint32_t bucket);

/* Numbers that sum up a struct hist_value. */
struct hist_stats {
	__u64 count;
	__u64 sum;
	__u64 avg;
	__u64 min;
	__u64 max;
	__u64 p50; /* percentiles: within 1/8, with linear slots within half a slot */
	__u64 p90;
	__u64 p99;
	__u64 p999;
};

void hist_stats(const struct hist_value *h, const struct hist_view *view, struct hist_stats *out);

#endif
