/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biosnoop.h"

#include "bpf/core.bpf.h"

const volatile struct biosnoop_cfg cfg;

#define BLK_FOLLOW_BIOS true
#define BLK_PATTERNS	true
#include "bpf/blkio_request.bpf.h"

static __always_inline void blk_request_done(struct blk_io *rq)
{
	rq->id = new_id();
}

static __always_inline bool wanted(const struct blk_io *rq, u64 lat)
{
	return lat >= cfg.min_ns && (!cfg.failed || rq->error) &&
	       (!cfg.pattern || cfg.pattern == rq->pattern);
}

static __always_inline void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner)
{
	struct biosnoop_event e = {};

	COUNT(generated);
	e.lat_ns = device_ns(rq);
	e.queue_ns = queue_ns(rq);
	if (cfg.queued)
		e.lat_ns += e.queue_ns;
	if (!wanted(rq, e.lat_ns)) {
		COUNT(filtered);
		return;
	}
	rec_init(&e.rec, REC_ROW);
	e.rec.ts_ns = rq->done_ns;
	e.req = rq->id;
	e.sector = rq->sector;
	e.cgroup = owner->who.cgroup;
	e.pid = owner->who.ids >> 32;
	e.tid = owner->who.ids;
	e.dev = rq->dev;
	e.upper_dev = owner->upper_dev;
	e.kind = rq->kind;
	e.bytes = owner->bytes;
	e.request_bytes = rq->request_bytes;
	e.bios = owner->bios;
	e.pattern = rq->pattern;
	e.error = -rq->error;
	for (int i = 0; i < COMM_LEN; i++)
		e.comm[i] = owner->who.comm[i];
	emit(&e, sizeof(e));
}
