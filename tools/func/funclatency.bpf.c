/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A call is known again by where it is on a kernel stack: at fentry and fexit both programs get the
 * same arguments in the same place, which no other call has meanwhile, however deep it recurses.
 * That takes no instance of anything, so any number of calls may be under way for any time.
 */
#include "bpf/core/many.bpf.h"
#include "bpf/core/hist.bpf.h"

#include "tools/func/funclatency.h"

const volatile struct funclatency_cfg cfg;

struct call_key {
	u64 place; /* of the arguments; of the task where it can make one such call at a time */
	u64 index;
};

/* Preallocated, as all is that such programs use: they may be anywhere in the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct call_key);
	__type(value, u64);
} calls SEC(".maps");

/* Sized by the engine. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct funclatency_key);
	__type(value, struct hist_value);
} latencies SEC(".maps");

OTHERS_MAP(struct hist_value);

const volatile struct hist_value latencies_zero;

/* False: it isn't about a target. */
static __always_inline bool call_key_of(void *ctx, struct call_key *key)
{
	u32 index = hook_index(ctx);

	key->index = index;
	key->place = hook_call() == HOOK_IN_TASK ? bpf_get_current_task() : address_of(ctx);
	return index != HOOK_NO_TARGET;
}

SEC("raw_tp")
int funclatency_enter(void *ctx)
{
	struct call_key key;
	u64 now;

	if (!many_attached || !target_match(current_ids()) || !call_key_of(ctx, &key))
		return 0;
	now = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&calls, &key, &now, BPF_ANY))
		COUNT_EVENT(lost_state);
	return 0;
}

SEC("raw_tp")
int funclatency_leave(void *ctx)
{
	u64 now = bpf_ktime_get_ns(), *since, lat_ns;
	struct funclatency_key to = {};
	struct call_key key;
	void *value;

	if (!many_attached || !call_key_of(ctx, &key))
		return 0;
	since = bpf_map_lookup_elem(&calls, &key);
	if (!since)
		return 0;
	lat_ns = now - *since;
	bpf_map_delete_elem(&calls, &key);
	to.epoch = epoch_now();
	to.cpu = bpf_get_smp_processor_id();
	to.target = key.index + 1;
	value = hist_entry_of(&latencies, &latencies, &others, &to, (const void *)&latencies_zero);
	if (hist_count_in(value, lat_ns, cfg.scale, cfg.linear_ns))
		COUNT(generated);
	else
		COUNT_EVENT(lost_state);
	return 0;
}
