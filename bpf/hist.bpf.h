/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Counting into a map of struct hist_value, whose key is a struct with the epoch first and the CPU
 * in it.
 *
 *	HIST_MAP(name, key_t)
 *	hist_count(name, &key, value, scale, linear)	true, or false where the map is full
 */
#ifndef IOSONDE_HIST_BPF_H
#define IOSONDE_HIST_BPF_H

#include "bpf/core.bpf.h"
#include "bpf/hist.h"

/* Keys that are in use at one time, times the CPUs that count them. */
#define HIST_KEYS 65536

#define HIST_MAP(name_, key_)                                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, HIST_KEYS);                                                    \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, key_);                                                                 \
		__type(value, struct hist_value);                                                  \
	} name_ SEC(".maps")

const volatile struct hist_value hist_zero;

/*
 * Adds @v to @h, of which this CPU is the only writer. Programs nest on a CPU, hence the atomics;
 * an interrupt between the comparison and the store below has an older value, never a larger one.
 */
static __always_inline bool hist_add(struct hist_value *h, u64 v, u32 scale, u64 linear)
{
	u64 slot = hist_slot(v, scale, linear);

	BOUND(slot, 511);
	if (slot >= HIST_SLOTS)
		return false;
	__sync_fetch_and_add(&h->slots[slot], 1);
	__sync_fetch_and_add(&h->sum, v);
	if (~v > h->inv_min)
		h->inv_min = ~v;
	if (v > h->max)
		h->max = v;
	return true;
}

static __always_inline bool hist_count(void *map, const void *key, u64 v, u32 scale, u64 linear)
{
	struct hist_value *h = bpf_map_lookup_elem(map, key);

	if (!h) {
		bpf_map_update_elem(map, key, (const void *)&hist_zero, BPF_NOEXIST);
		h = bpf_map_lookup_elem(map, key);
	}
	return h && hist_add(h, v, scale, linear);
}

#endif
