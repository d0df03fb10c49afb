/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/drsnoop.h"

const volatile struct drsnoop_cfg cfg;

#define RECLAIM_LIMIT
#define RECLAIM_BOOKS
#include "bpf/mem/reclaim.bpf.h"

static __always_inline void reclaim_ended(void *ctx, const struct reclaim *r, u64 lat_ns, u64 pages)
{
	struct drsnoop_event e = {};

	BOOK(cfg.check, BOOK_GROUP_STOLEN, true, pages);
	if (lat_ns < cfg.min_ns) {
		COUNT_EVENT(filtered);
		return;
	}
	rec_init(&e.rec, REC_ROW);
	e.pid = r->ids >> 32;
	e.tid = r->ids;
	e.kind = r->kind;
	e.lat_ns = lat_ns;
	e.pages = pages;
	e.order = r->order;
	e.cgroup = r->cgroup;
	current_user_and_comm(&e.uid, e.comm);
	emit_event(&e, sizeof(e));
}
