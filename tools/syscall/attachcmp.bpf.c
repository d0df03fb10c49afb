/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/many.bpf.h"

#include "tools/syscall/attachcmp.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct attachcmp_value);
} hits SEC(".maps");

/* What iosonde's own calls hit, while it measures what a hook costs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} cost_hits SEC(".maps");

/*
 * Every system call passes raw_tp and tp_btf at sys_enter, with its number as second argument.
 * Classic tracepoints and the calls' functions know nothing of 32-bit calls: neither do we.
 */
static __always_inline bool is_mine(void *ctx)
{
	s64 call = hook_call();

	return call < 0 || (((u64 *)ctx)[1] == (u64)call && !in_compat_call());
}

SEC("raw_tp")
int attachcmp_hit(void *ctx)
{
	struct attachcmp_value *value;
	u32 slot;

	if (!many_attached || !is_mine(ctx) || !target_match(current_ids()))
		return 0;
	COUNT(generated);
	slot = many_slot(hook_index(ctx));
	value = bpf_map_lookup_elem(&hits, &slot);
	if (!value) {
		COUNT(lost_state);
		return 0;
	}
	__sync_fetch_and_add(&value->count, 1);
	return 0;
}

SEC("raw_tp")
int attachcmp_cost(void *ctx)
{
	u32 zero = 0;
	u64 *count;

	if (!is_mine(ctx) || current_ids() >> 32 != target.self_tgid)
		return 0;
	count = bpf_map_lookup_elem(&cost_hits, &zero);
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}
