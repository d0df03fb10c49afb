/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biolatency.h"

#include "bpf/core/core.bpf.h"
#include "bpf/core/hist.bpf.h"

const volatile struct biolatency_cfg cfg;

#define BY_OWNER()	(cfg.by_process || cfg.by_cgroup)
#define BLK_FOLLOW_BIOS (cfg.bios)
#define BLK_WANTS                                                                                  \
	((cfg.by_disk ? BLK_WANT_DISK : 0) | (cfg.by_kind ? BLK_WANT_KIND : 0) |                   \
	 (BY_OWNER() ? BLK_WANT_OWNER : 0))
#include "bpf/block/blkio_request.bpf.h"

HIST_MAP(latencies, struct biolatency_key, struct hist_value);

/*
 * Time that the devices of a stack spend on one bio counts once, unless each is shown by itself.
 * @owner: NULL where all owners' count together.
 */
static __always_inline void count(const struct blk_io *rq, const struct blk_io *owner)
{
	struct biolatency_key key = { .epoch = epoch };
	u64 lat = device_ns(rq);

	if (!rq->issued_ns)
		return; /* refused before any device saw it */
	if ((rq->flags & BLK_UNDER) && !cfg.by_disk) {
		COUNT_EVENT(filtered);
		return;
	}
	key.cpu = bpf_get_smp_processor_id();
	if (cfg.by_disk)
		key.dev = rq->dev;
	if (cfg.by_kind)
		key.kind = rq->kind;
	if (owner && cfg.by_process) {
		key.pid = owner->who.ids >> 32;
		for (int i = 0; i < COMM_LEN; i++)
			key.comm[i] = owner->who.comm[i];
	}
	if (owner && cfg.by_cgroup)
		key.cgroup = owner->who.cgroup;
	if (cfg.queued)
		lat += queue_ns(rq);
	if (hist_count(latencies, &key, lat, cfg.scale, cfg.linear_ns))
		COUNT(generated);
	else
		COUNT_EVENT(lost_state);
}

static __always_inline void blk_request_done(struct blk_io *rq)
{
	if (!BY_OWNER())
		count(rq, NULL);
}

static __always_inline void blk_owner_done(const struct blk_io *rq, const struct blk_io *owner)
{
	if (BY_OWNER())
		count(rq, owner);
}
