/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/runqslower.h"

#include "bpf/sched/runq.bpf.h"

const volatile struct runqslower_cfg cfg;

static __always_inline void runq_waited(void *ctx, struct task_struct *prev,
					struct task_struct *next, const struct runq_wait *wait)
{
	struct runqslower_event e = {};
	u64 ids;

	if (wait->lat_ns < cfg.min_ns) {
		COUNT_EVENT(filtered);
		return;
	}
	rec_init(&e.rec, REC_ROW);
	ids = task_ids(next);
	e.pid = ids >> 32;
	e.tid = ids;
	ids = task_ids(prev);
	e.prev_pid = ids >> 32;
	e.prev_tid = ids;
	e.lat_ns = wait->lat_ns;
	e.preempted = wait->preempted;
	comm_of_task(next, e.comm);
	comm_of_task(prev, e.prev_comm);
	emit_event(&e, sizeof(e));
}
