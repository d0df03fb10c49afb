/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The instruction that a sample found is a part of the key, and the stacks are those of its
 * callers: there are few of them, while a loop has as many instructions as it is long.
 */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/stacks.bpf.h"

#include "tools/sched/profile.h"

const volatile struct profile_cfg cfg;

#define SKIP_ONE 1 /* bpf_get_stackid(): the frame at regs */

static __always_inline void take_stacks(void *ctx, u64 ids, struct stacks_key *key)
{
	u64 ip = REGS_IP((struct pt_regs *)ctx);
	bool in_kernel = stack_ip_is_kernel(ip);

	key->kstack = key->ustack = STACK_NONE;
	if (!cfg.user_only && in_kernel) {
		key->ip = ip;
		key->kstack = stack_id(ctx, SKIP_ONE);
	}
	if (cfg.kernel_only)
		return;
	if (in_kernel) {
		key->ustack = stack_id(ctx, BPF_F_USER_STACK);
	} else {
		key->ip = ip;
		key->ustack = stack_id(ctx, BPF_F_USER_STACK | SKIP_ONE);
	}
	if (in_kernel && key->ustack == STACK_NONE)
		return;
	key->program = current_program();
	stack_owner_told(ids >> 32, key->program);
}

SEC("perf_event")
int profile_sample(void *ctx)
{
	struct stacks_key key = {};
	u64 ids = current_ids();

	if (!(u32)bpf_get_current_pid_tgid() && !cfg.idle)
		return 0;
	if (!target_match(ids))
		return 0;
	key.epoch = epoch_now();
	key.pid = ids >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	take_stacks(ctx, ids, &key);
	stacks_count(&key, 0);
	return 0;
}
