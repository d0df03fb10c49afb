/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Counting into a map of struct hist_value, whose key is a struct with the epoch first and the CPU
 * in it.
 *
 *	HIST_MAP(name, key_t, value_t)	the map and its reserve; value_t ends with struct hist_value
 *	hist_entry(name, &key)		the key's value, made if need be; that of the others where
 *					there is no room; NULL only in the eyes of the verifier
 *	hist_count(name, &key, value, scale, linear)	true, or false for no value
 *
 * Values are too large to be allocated before they are needed, and where interrupts are off, as at
 * the end of a request, the kernel (6.1 and later: kernel/bpf/memalloc.c, prefill_mem_alloc()) has
 * one piece of that size at hand, and gets more once they are on. New keys that come meanwhile go
 * into the reserve, which is allocated at the start; the descriptor names it in drain.reserve.
 * What finds no room there either is one of the others (others.bpf.h).
 */
#ifndef IOSONDE_HIST_BPF_H
#define IOSONDE_HIST_BPF_H

#include "bpf/core/core.bpf.h"
#include "bpf/core/hist.h"
#include "bpf/core/others.bpf.h"

/* Keys that are in use at one time, times the CPUs that count them. */
#define HIST_KEYS    65536
#define HIST_RESERVE 256

#define HIST_MAP(name_, key_, value_)                                                              \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, HIST_KEYS);                                                    \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                              \
		__type(key, key_);                                                                 \
		__type(value, value_);                                                             \
	} name_ SEC(".maps");                                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, HIST_RESERVE);                                                 \
		__type(key, key_);                                                                 \
		__type(value, value_);                                                             \
	} name_##_reserve SEC(".maps");                                                            \
	OTHERS_MAP(value_);                                                                        \
	const volatile value_ name_##_zero

#define hist_entry(name, key)                                                                      \
	hist_entry_of(&name, &name##_reserve, &others, key, (const void *)&name##_zero)

#define hist_count(name, key, v, scale, linear)                                                    \
	hist_count_in(hist_entry(name, key), v, scale, linear)

static __always_inline void *hist_entry_of(void *map, void *reserve, void *others, const void *key,
					   const void *zero)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	value = bpf_map_lookup_elem(reserve, key);
	if (value)
		return value;
	bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(map, key);
	if (value)
		return value;
	bpf_map_update_elem(reserve, key, zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(reserve, key);
	return value ? value : others_in(others, *(const u32 *)key);
}

/* Global: the verifier goes through the ways to a slot once, not once for each way to come here. */
__noinline u32 hist_slot_number(u64 v, u32 scale, u64 linear)
{
	return hist_slot(v, scale, linear);
}

/*
 * Adds @v to @h, of which this CPU is the only writer. Programs nest on a CPU, hence the atomics;
 * an interrupt between the comparison and the store below has an older value, never a larger one.
 */
static __always_inline bool hist_add(struct hist_value *h, u64 v, u32 scale, u64 linear)
{
	u64 slot = hist_slot_number(v, scale, linear);

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

static __always_inline bool hist_count_in(struct hist_value *h, u64 v, u32 scale, u64 linear)
{
	return h && hist_add(h, v, scale, linear);
}

#endif
