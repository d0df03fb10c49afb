// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/hist.h"

#include <stdlib.h>
#include <string.h>

/* The window grows by whole doublings, so that it seldom moves. */
#define WINDOW_STEP HIST_SUB_STEPS

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static void count_slot(uint32_t *slot, uint64_t n)
{
	*slot = n > UINT32_MAX - *slot ? UINT32_MAX : *slot + (uint32_t)n;
}

static uint64_t middle(uint32_t slot, uint64_t min, uint64_t max)
{
	uint64_t low = slot_low(slot), v = low + (slot_high(slot) - low) / 2;

	if (v < min)
		return min;
	return v > max ? max : v;
}

/* 1-based: the first value for p = 0, the last for p = 100. */
static uint64_t rank_of(uint64_t count, double p)
{
	double exact;
	uint64_t rank;

	if (p >= 100)
		return count;
	exact = p > 0 ? (double)count * (p / 100) : 0;
	rank = (uint64_t)exact;
	if ((double)rank < exact)
		rank++;
	if (rank == 0)
		return 1;
	return rank > count ? count : rank;
}

uint64_t slots_percentile(const uint64_t *slots, size_t n, uint64_t count, double p, uint64_t min,
			  uint64_t max)
{
	uint64_t rank = rank_of(count, p), seen = 0;
	size_t last = 0;

	if (count == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!slots[i])
			continue;
		last = i;
		seen = add_capped(seen, slots[i]);
		if (seen >= rank)
			break;
	}
	return middle((uint32_t)last, min, max);
}

uint64_t slots_count(const uint64_t *slots, size_t n)
{
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++)
		count = add_capped(count, slots[i]);
	return count;
}

/* Makes the window reach from slot @low to slot @high. */
static bool window_cover(struct hist *h, uint32_t low, uint32_t high)
{
	uint32_t first = low / WINDOW_STEP * WINDOW_STEP;
	uint32_t end = (high / WINDOW_STEP + 1) * WINDOW_STEP;
	uint32_t *slots;

	if (h->slots) {
		if (h->first <= first && end <= (uint32_t)h->first + h->n)
			return true;
		if (h->first < first)
			first = h->first;
		if (end < (uint32_t)h->first + h->n)
			end = (uint32_t)h->first + h->n;
	}
	slots = calloc(end - first, sizeof(*slots));
	if (!slots)
		return false;
	if (h->slots)
		memcpy(slots + (h->first - first), h->slots, h->n * sizeof(*slots));
	free(h->slots);
	h->slots = slots;
	h->first = (uint16_t)first;
	h->n = (uint16_t)(end - first);
	return true;
}

/* The one value of a histogram without slots gets one. */
static bool window_open(struct hist *h)
{
	if (h->slots || h->count == 0)
		return true;
	if (!window_cover(h, slot_of(h->min), slot_of(h->max)))
		return false;
	count_slot(&h->slots[slot_of(h->min) - h->first], h->count);
	return true;
}

static void add_totals(struct hist *h, uint64_t count, uint64_t sum, uint64_t min, uint64_t max)
{
	if (h->count == 0 || min < h->min)
		h->min = min;
	if (h->count == 0 || max > h->max)
		h->max = max;
	h->sum = add_capped(h->sum, sum);
	h->count += count;
}

bool hist_add(struct hist *h, uint64_t value)
{
	uint32_t slot = slot_of(value);
	bool placed = true;

	if (h->count > 0) {
		placed = window_open(h) && window_cover(h, slot, slot);
		if (placed)
			count_slot(&h->slots[slot - h->first], 1);
	}
	add_totals(h, 1, value, value, value);
	return placed;
}

uint64_t hist_percentile(const struct hist *h, double p)
{
	uint64_t placed = 0, seen = 0, rank;
	uint32_t last = 0;

	if (h->count == 0)
		return 0;
	if (!h->slots)
		return middle(slot_of(h->min), h->min, h->max);
	for (uint32_t i = 0; i < h->n; i++)
		placed += h->slots[i];
	rank = rank_of(placed, p);
	for (uint32_t i = 0; i < h->n && seen < rank; i++) {
		if (h->slots[i])
			last = i;
		seen += h->slots[i];
	}
	return middle(h->first + last, h->min, h->max);
}

void hist_free(struct hist *h)
{
	free(h->slots);
	*h = (struct hist){ 0 };
}

const struct hist_scale_info hist_scales[N_HIST_SCALES] = {
	[HIST_USECS] = { HIST_USECS_NUM, HIST_USECS_DEN, 10, 1000 },
	[HIST_MSECS] = { HIST_MSECS_NUM, HIST_MSECS_DEN, 20, 1000000 },
	[HIST_KBYTES] = { 1, 1, 10, 1024 },
	[HIST_COUNTS] = { 1, 1, 0, 1 },
	[HIST_NSECS] = { 1, 1, 0, 1 },
};

/* The least v for which hist_scaled(v) reaches @scaled. */
static uint64_t unscaled(const struct hist_scale_info *scale, uint64_t scaled)
{
	unsigned __int128 v = (unsigned __int128)scaled * scale->den + scale->num - 1;

	v /= scale->num;
	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

uint64_t view_low(const struct hist_view *view, uint32_t slot)
{
	if (view->linear)
		return slot < HIST_SLOTS ? slot * view->linear : UINT64_MAX;
	if (slot >= HIST_SLOTS)
		return UINT64_MAX;
	return unscaled(&hist_scales[view->scale], slot_low(slot));
}

static bool is_folded(const struct hist_view *view)
{
	return !view->fine && !view->linear;
}

uint32_t view_bucket_of(const struct hist_view *view, uint32_t slot)
{
	uint32_t power = hist_log2(slot_low(slot)), shift = hist_scales[view->scale].shift;

	if (!is_folded(view))
		return slot;
	return power > shift ? power - shift : 0;
}

uint64_t view_bucket_low(const struct hist_view *view, uint32_t bucket)
{
	uint32_t shift = hist_scales[view->scale].shift;

	if (!is_folded(view))
		return view_low(view, bucket);
	if (!bucket)
		return 0;
	return bucket + shift < 64 ? unscaled(&hist_scales[view->scale], 1ULL << (bucket + shift))
				   : UINT64_MAX;
}

/* The @p-th percentile: the middle of the slot that holds it, but none that can't have been. */
static uint64_t view_percentile(const struct hist_value *h, const struct hist_view *view,
				const struct hist_stats *s, double p)
{
	uint64_t rank = rank_of(s->count, p), seen = 0, low, high, v;
	uint32_t slot = 0;

	while (slot < HIST_SLOTS - 1 && (seen += h->slots[slot]) < rank)
		slot++;
	low = view_low(view, slot);
	high = view_low(view, slot + 1) - 1;
	low = low < s->min ? s->min : low;
	high = high > s->max ? s->max : high;
	v = high > low ? low + (high - low) / 2 : low;
	return v > s->max ? s->max : v;
}

void hist_stats(const struct hist_value *h, const struct hist_view *view, struct hist_stats *out)
{
	struct hist_stats s = { 0 };

	for (uint32_t i = 0; i < HIST_SLOTS; i++)
		s.count += h->slots[i];
	if (s.count) {
		s.sum = h->sum;
		s.min = ~h->inv_min;
		s.max = h->max;
		s.avg = s.sum / s.count;
		s.p50 = view_percentile(h, view, &s, 50);
		s.p90 = view_percentile(h, view, &s, 90);
		s.p99 = view_percentile(h, view, &s, 99);
		s.p999 = view_percentile(h, view, &s, 99.9);
	}
	*out = s;
}
