/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The instruction that a sample found is a part of the key, and the stacks are those of its
 * callers: there are few of them, while a loop has as many instructions as it is long.
 */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/ustack.bpf.h"

#include "tools/sched/profile.h"

const volatile struct profile_cfg cfg;

#define SKIP_ONE 1 /* bpf_get_stackid(): the frame at regs */

static __always_inline void take_user(void *ctx, u64 ids, u64 ip, struct stacks_key *key)
{
	bool in_kernel = stack_ip_is_kernel(ip);

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

/* --ustack=dwarf. False: it isn't asked for, or there is no stack of that kind. */
static __always_inline bool sent_copy(u64 ids, struct stacks_key *key)
{
	struct rec_ustack *r = cfg.dwarf ? ustack_scratch_here() : NULL;

	if (!r || !ustack_take(r))
		return false;
	key->ustack = STACK_COPY;
	key->program = current_program();
	stack_owner_told(ids >> 32, key->program);
	r->key = *key;
	r->amount = 0;
	ustack_emit(r);
	return true;
}

SEC("perf_event")
int profile_sample(void *ctx)
{
	struct stacks_key key = {};
	u64 ids = current_ids(), ip = REGS_IP((struct pt_regs *)ctx);

	if (!(u32)bpf_get_current_pid_tgid() && !cfg.idle)
		return 0;
	if (!target_match(ids))
		return 0;
	key.epoch = epoch_now();
	key.pid = ids >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.kstack = key.ustack = STACK_NONE;
	if (!cfg.user_only && stack_ip_is_kernel(ip)) {
		key.ip = ip;
		key.kstack = stack_id(ctx, SKIP_ONE);
	}
	if (!cfg.kernel_only) {
		if (sent_copy(ids, &key))
			return 0;
		take_user(ctx, ids, ip, &key);
	}
	stacks_count(&key, 0);
	return 0;
}
