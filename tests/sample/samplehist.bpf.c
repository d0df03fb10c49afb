/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/others.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#include "tests/sample/samplehist.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct samplehist_key);
	__type(value, struct samplehist_value);
} sizes SEC(".maps");

OTHERS_MAP(struct samplehist_value);

const volatile struct samplehist_value empty; /* half a kilobyte is too much for the stack */

static __always_inline struct samplehist_value *value_of(const struct samplehist_key *key)
{
	struct samplehist_value *value = bpf_map_lookup_elem(&sizes, key);

	if (value)
		return value;
	bpf_map_update_elem(&sizes, key, (const void *)&empty, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&sizes, key);
	return value ? value : others_of(key->epoch);
}

SYSCALL_ENTER(write_enter)
{
	struct samplehist_key key = {};
	struct samplehist_value *value;
	struct syscall_args args;
	bool compat;
	u64 ids;
	u32 slot;

	if (!syscall_entered(id, &compat))
		return 0;
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	COUNT(generated);
	syscall_args(regs, compat, &args);
	key.epoch = epoch;
	key.pid = ids >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	value = value_of(&key);
	slot = log2_slot_of(args.a[2]);
	if (!value || slot >= LOG2_SLOTS)
		return 0;
	__sync_fetch_and_add(&value->slots[slot], 1);
	return 0;
}
