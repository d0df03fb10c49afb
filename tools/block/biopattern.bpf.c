/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biopattern.h"

#include "bpf/core/others.bpf.h"

const volatile struct biopattern_cfg cfg;

#define BLK_FOLLOW_BIOS false
#define BLK_WANTS	BLK_WANT_ALL
#include "bpf/block/blkio_request.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct biopattern_key);
	__type(value, struct biopattern_value);
} patterns SEC(".maps");

OTHERS_MAP(struct biopattern_value);

static __always_inline struct biopattern_value *value_of(const struct biopattern_key *key)
{
	struct biopattern_value zero = {}, *value = bpf_map_lookup_elem(&patterns, key);

	if (value)
		return value;
	bpf_map_update_elem(&patterns, key, &zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&patterns, key);
	return value ? value : others_of(key->epoch);
}

static __always_inline void blk_request_done(struct blk_io *rq)
{
	struct biopattern_key key = { .epoch = epoch, .dev = rq->dev };
	struct biopattern_value *value;

	if (!rq->pattern) {
		COUNT_EVENT(filtered); /* a flush, a discard: no data moved */
		return;
	}
	value = value_of(&key);
	if (!value)
		return;
	__sync_fetch_and_add(&value->count, 1);
	__sync_fetch_and_add(&value->bytes, rq->request_bytes);
	if (rq->pattern == BLK_SEQUENTIAL)
		__sync_fetch_and_add(&value->sequential, 1);
	else
		__sync_fetch_and_add(&value->random, 1);
	COUNT(generated);
}

static __always_inline void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner)
{
}
