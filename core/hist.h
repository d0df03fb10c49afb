/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Histograms in user space: those that the kernel side filled, and small ones of our own. */
#ifndef IOSONDE_HIST_H
#define IOSONDE_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/hist.h"

/*
 * The @p-th percentile (0..100) of @count values spread over @n fine slots: the value of rank
 * ceil(p/100 * count), given as the middle of its slot, therefore within 1/16 of the exact one,
 * and never outside @min..@max. Pass 0 and UINT64_MAX where those aren't known. 0 if @count is 0.
 */
uint64_t slots_percentile(const uint64_t *slots, size_t n, uint64_t count, double p, uint64_t min,
			  uint64_t max);

/* Adds @n slots of @src to @dst; sums stop at UINT64_MAX. */
void slots_merge(uint64_t *dst, const uint64_t *src, size_t n);
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
/* Adds @src to @dst. Returns false when out of memory; @dst is untouched then. */
bool hist_merge(struct hist *dst, const struct hist *src);
/* As slots_percentile(). */
uint64_t hist_percentile(const struct hist *h, double p);
/* Empties it. */
void hist_free(struct hist *h);

#endif
