/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/stacks.bpf.h"

#include "tests/sample/samplestacks.h"

const volatile struct samplestacks_cfg cfg;

/* Here the current task is still the one that gives up its CPU. */
SEC("tp_btf/sched_switch")
int BPF_PROG(blocked, bool preempt, struct task_struct *prev)
{
	struct stacks_key key = {};
	u64 ids;

	if (preempt || !task_state(prev))
		return 0; /* it would rather run on */
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	key.epoch = epoch_now();
	key.pid = ids >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.kstack = stack_id(ctx, 0);
	if (cfg.lose)
		key.kstack = STACK_LOST;
	key.ustack = STACK_NONE;
	stacks_count(&key, 3);
	return 0;
}
