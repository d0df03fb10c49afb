/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biotop.h"

#include "bpf/core/core.bpf.h"
#include "bpf/core/hist.bpf.h"

const volatile struct biotop_cfg cfg;

#define BLK_FOLLOW_BIOS true
#define BLK_WANTS	(BLK_WANT_ALL & ~BLK_WANT_PATTERN)
#include "bpf/attribution/blkio_shares.bpf.h"

HIST_MAP(owners, struct biotop_key, struct biotop_value);

static __always_inline void blk_request_done(struct blk_io *rq)
{
}

/* @bytes of the request belong to the owner in @key. */
static __always_inline void add(struct biotop_key *key, const struct blk_io *rq, u32 bytes)
{
	struct biotop_value *value;
	u64 lat = device_ns(rq);

	key->epoch = epoch;
	key->cpu = bpf_get_smp_processor_id();
	key->dev = rq->dev;
	key->op = rq->kind & BLK_OP;
	if (cfg.queued)
		lat += queue_ns(rq);
	value = hist_entry(owners, key);
	if (!value || !hist_add(&value->lat, lat, HIST_USECS, 0)) {
		COUNT_EVENT(lost_state);
		return;
	}
	__sync_fetch_and_add(&value->sums.ios, 1);
	__sync_fetch_and_add(&value->sums.bytes, bytes);
	if (rq->error)
		__sync_fetch_and_add(&value->sums.errors, 1);
	COUNT(generated);
}

static __always_inline void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner)
{
	struct biotop_key key = {};

	key.owner.pid = owner->who.ids >> 32;
	for (int i = 0; i < COMM_LEN; i++)
		key.owner.comm[i] = owner->who.comm[i];
	add(&key, rq, owner->bytes);
}

static __always_inline void blk_share_done(const struct blk_io *rq, const struct attr_share *share)
{
	struct biotop_key key = {};

	attr_owner(share, &key.owner);
	key.owner.uid = 0; /* what isn't shown makes no row */
	add(&key, rq, share->bytes);
}
