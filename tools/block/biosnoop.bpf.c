/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biosnoop.h"

#include "bpf/core/core.bpf.h"

const volatile struct biosnoop_cfg cfg;

#define BLK_FOLLOW_BIOS true
#define BLK_WANTS	BLK_WANT_ALL
#include "bpf/attribution/blkio_shares.bpf.h"

static __always_inline void blk_request_done(struct blk_io *rq)
{
	rq->id = new_id();
}

static __always_inline bool wanted(const struct blk_io *rq, u64 lat)
{
	return lat >= cfg.min_ns && (!cfg.failed || rq->error) &&
	       (!cfg.pattern || cfg.pattern == rq->pattern);
}

/* What is known of the request; false if it isn't wanted. */
static __always_inline bool describe(struct biosnoop_event *e, const struct blk_io *rq)
{
	COUNT(generated);
	e->lat_ns = device_ns(rq);
	e->queue_ns = queue_ns(rq);
	if (cfg.queued)
		e->lat_ns += e->queue_ns;
	if (!wanted(rq, e->lat_ns)) {
		COUNT(filtered);
		return false;
	}
	rec_init(&e->rec, REC_ROW);
	e->rec.ts_ns = rq->done_ns;
	e->req = rq->id;
	e->sector = rq->sector;
	e->dev = rq->dev;
	e->upper_dev = rq->upper_dev;
	e->kind = rq->kind;
	e->request_bytes = rq->request_bytes;
	e->pattern = rq->pattern;
	e->error = -rq->error;
	return true;
}

static __always_inline void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner)
{
	struct biosnoop_event e = {};

	if (!describe(&e, rq))
		return;
	e.cgroup = owner->who.cgroup;
	e.pid = owner->who.ids >> 32;
	e.tid = owner->who.ids;
	e.upper_dev = owner->upper_dev;
	e.bytes = owner->bytes;
	e.bios = owner->bios;
	for (int i = 0; i < COMM_LEN; i++)
		e.comm[i] = owner->who.comm[i];
	emit(&e, sizeof(e));
}

static __always_inline void blk_share_done(const struct blk_io *rq, const struct attr_share *share)
{
	struct attr_who *who = attr_who_of(share->submitter), *owner = attr_who_of(share->who);
	struct biosnoop_event e = {};

	if (!describe(&e, rq))
		return;
	e.cgroup = owner ? owner->cgroup : rq->who.cgroup;
	e.bytes = share->bytes;
	e.bios = rq->bios;
	if (who) {
		e.pid = who->pid;
		e.tid = who->tid;
		for (int i = 0; i < COMM_LEN; i++)
			e.comm[i] = who->comm[i];
	}
	attr_owner(share, &e.owner);
	emit(&e, sizeof(e));
}
