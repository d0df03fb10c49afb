/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/sched/runq.bpf.h"

#include "tools/sched/sched_hist.bpf.h"

static __always_inline void runq_waited(void *ctx, struct task_struct *prev,
					struct task_struct *next, const struct runq_wait *wait)
{
	sched_hist_count(next, wait->preempted ? SCHED_PREEMPTED : SCHED_WOKEN, wait->lat_ns);
}
