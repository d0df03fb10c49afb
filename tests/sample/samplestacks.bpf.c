/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/others.bpf.h"

#include "tests/sample/samplestacks.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct samplestacks_key);
	__type(value, u64);
} counts SEC(".maps");

OTHERS_MAP(u64);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(u32));
	__uint(value_size, STACK_FRAMES * sizeof(u64));
} stacks SEC(".maps");

static __always_inline u64 *count_of(const struct samplestacks_key *key)
{
	u64 zero = 0, *count = bpf_map_lookup_elem(&counts, key);

	if (count)
		return count;
	bpf_map_update_elem(&counts, key, &zero, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&counts, key);
	return count ? count : others_of(key->epoch);
}

/* Here the current task is still the one that gives up its CPU. */
SEC("tp_btf/sched_switch")
int BPF_PROG(blocked, bool preempt, struct task_struct *prev)
{
	struct samplestacks_key key = {};
	u64 ids, *count;

	if (preempt || !task_state(prev))
		return 0; /* it would rather run on */
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	COUNT(generated);
	key.epoch = epoch;
	key.pid = ids >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	key.kstack = bpf_get_stackid(ctx, &stacks, 0);
	if (key.kstack < 0) {
		COUNT(null_helper);
		key.kstack = -1;
	}
	count = count_of(&key);
	if (!count)
		return 0;
	__sync_fetch_and_add(count, 1);
	COUNT(emitted);
	return 0;
}
