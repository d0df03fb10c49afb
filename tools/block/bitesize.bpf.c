/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/bitesize.h"

#include "bpf/core/core.bpf.h"
#include "bpf/core/hist.bpf.h"

const volatile struct bitesize_cfg cfg;

#define BLK_FOLLOW_BIOS true
#define BLK_WANTS	(BLK_WANT_ALL & ~BLK_WANT_PATTERN)
#include "bpf/block/blkio_request.bpf.h"

HIST_MAP(sizes, struct bitesize_key, struct hist_value);

static __always_inline void blk_request_done(struct blk_io *rq)
{
}

static __always_inline void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner)
{
	struct bitesize_key key = { .epoch = epoch };

	if (!moves_data(rq) || !rq->issued_ns || ((rq->flags & BLK_UNDER) && !cfg.by_disk)) {
		COUNT_EVENT(filtered);
		return;
	}
	key.cpu = bpf_get_smp_processor_id();
	key.pid = owner->who.ids >> 32;
	if (cfg.by_disk)
		key.dev = rq->dev;
	for (int i = 0; i < COMM_LEN; i++)
		key.comm[i] = owner->who.comm[i];
	if (hist_count(sizes, &key, owner->bytes, HIST_KBYTES, cfg.linear_bytes))
		COUNT(generated);
	else
		COUNT_EVENT(lost_state);
}
