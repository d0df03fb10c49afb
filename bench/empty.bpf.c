// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Programs that do nothing, on every hook that layers uses: what the kernel charges for the hooks
 * alone, which is the measure for what layers does there.
 */
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define EMPTY(hook)                                                                                \
	SEC("tp_btf/" #hook)                                                                       \
	int empty_##hook(void *ctx)                                                                \
	{                                                                                          \
		return 0;                                                                          \
	}

EMPTY(sys_enter)
EMPTY(sys_exit)
EMPTY(sched_switch)
EMPTY(sched_waking)
EMPTY(sched_process_exit)
EMPTY(hrtimer_expire_entry)
EMPTY(hrtimer_expire_exit)
EMPTY(timer_expire_entry)
EMPTY(timer_expire_exit)
EMPTY(block_bio_queue)
EMPTY(block_split)
EMPTY(block_bio_complete)
EMPTY(block_rq_issue)
EMPTY(block_rq_requeue)
EMPTY(block_rq_complete)
