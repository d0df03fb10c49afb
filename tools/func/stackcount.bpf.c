/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/many.bpf.h"
#include "bpf/core/stacks.bpf.h"

#include "tools/func/stackcount.h"

const volatile struct stackcount_cfg cfg;

/* The user's addresses mean something in their own process alone. */
static __always_inline void take_user(void *ctx, u64 ids, struct stacks_key *key)
{
	key->ustack = stack_id(ctx, BPF_F_USER_STACK);
	if (key->ustack == STACK_NONE)
		return;
	key->program = current_program();
	stack_owner_told(ids >> 32, key->program);
}

SEC("raw_tp")
int stackcount_hit(void *ctx)
{
	struct stacks_key key = {};
	u64 ids = current_ids();
	u32 index;

	if (!many_attached || !target_match(ids))
		return 0;
	if (cfg.cpu && bpf_get_smp_processor_id() != cfg.cpu - 1)
		return 0;
	index = hook_index(ctx);
	if (index == HOOK_NO_TARGET)
		return 0;
	key.epoch = epoch_now();
	key.cause = index + 1;
	key.kstack = key.ustack = STACK_NONE;
	if (!cfg.kernel_only || cfg.per_process) {
		key.pid = ids >> 32;
		bpf_get_current_comm(key.comm, sizeof(key.comm));
	}
	if (!cfg.user_only)
		key.kstack = stack_id(ctx, 0);
	if (!cfg.kernel_only)
		take_user(ctx, ids, &key);
	stacks_count(&key, 0);
	return 0;
}
