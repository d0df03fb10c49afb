/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/cache/dentries.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8); /* two epochs, and what is being removed */
	__type(key, struct dcstat_key);
	__type(value, struct dcstat_value);
} dcstat_rows SEC(".maps");

/* What lookup_fast() found, whose program alone counts here. */
struct memo_slot {
	u64 sums[sizeof(struct dcstat_value) / sizeof(u64)];
	struct dcstat_key key;
	u64 held; /* the row is in the map */
};

#define MEMO_OF dcstat_rows
#include "bpf/core/memo.bpf.h"

static __always_inline struct dcstat_value *row_of(u32 epoch)
{
	struct dcstat_key key = { .epoch = epoch };
	struct dcstat_value *value = bpf_map_lookup_elem(&dcstat_rows, &key), begun = {};

	if (value)
		return value;
	bpf_map_update_elem(&dcstat_rows, &key, &begun, BPF_NOEXIST);
	return bpf_map_lookup_elem(&dcstat_rows, &key);
}

/* Adds @n references to the row of @epoch, which others add to as well. */
static __noinline void count_in_map(u32 epoch, u32 kind, u32 slow, u64 n)
{
	struct dcstat_value *value = row_of(epoch);

	if (!value) {
		COUNT_EVENTS(lost_state, n);
		return;
	}
	__sync_fetch_and_add(&value->refs, n);
	__sync_fetch_and_add(kind == DENTRY_MISSING ? &value->misses : &value->hits, n);
	if (slow)
		__sync_fetch_and_add(&value->slow, n);
	if (kind == DENTRY_NEGATIVE)
		__sync_fetch_and_add(&value->negative, n);
	COUNT_N(generated, n);
}

/* The row is put into the map, which it needs; the memo stands for it from then on. */
static __noinline void count_held(struct memo_slot *slot, u32 epoch, u32 kind)
{
	memo_take(slot);
	count_in_map(epoch, kind, false, 1);
	if (!slot || !row_of(epoch))
		return;
	slot->key.epoch = epoch;
	slot->held = true;
}

static __always_inline void dentry_seen_fast(void *ctx, u32 kind, u64 dentry)
{
	u32 now = epoch_now();
	struct dcstat_value *value;
	struct memo_slot *slot;
	struct memo *memo;

	if (!target_match(current_ids()))
		return;
	memo = memo_enter(now);
	if (!memo) {
		count_in_map(now, kind, false, 1);
		return;
	}
	slot = &memo->slots[0];
	value = (struct dcstat_value *)slot->sums;
	if (slot->held && slot->key.epoch == now) {
		value->refs++;
		value->hits++;
		if (kind == DENTRY_NEGATIVE)
			value->negative++;
		memo->head.events++;
	} else {
		count_held(slot, now, kind);
	}
	memo_leave(memo);
}

static __always_inline void dentry_seen_slow(void *ctx, u32 kind, u64 dentry)
{
	if (target_match(current_ids()))
		count_in_map(epoch_now(), kind, true, 1);
}

static __always_inline void dentry_unseen(u32 kind, u32 epoch)
{
	/* else the row has gone out: that was one, and this is another */
	if (epoch == epoch_now() && target_match(current_ids()))
		count_in_map(epoch, kind, true, -1);
}
