/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/many.bpf.h"

#include "tools/func/funccount.h"

/* An array, for a program that may be anywhere in the kernel must not take locks or memory. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct funccount_value);
} calls SEC(".maps");

SEC("raw_tp")
int funccount_hit(void *ctx)
{
	struct funccount_value *value;
	u32 index, slot;

	if (!many_attached || !target_match(current_ids()))
		return 0;
	index = hook_index(ctx);
	if (index == HOOK_NO_TARGET)
		return 0;
	COUNT(generated);
	slot = many_slot(index);
	value = bpf_map_lookup_elem(&calls, &slot);
	if (!value) {
		COUNT(lost_state);
		return 0;
	}
	/* an interrupt may call the same function in between */
	__sync_fetch_and_add(&value->count, 1);
	return 0;
}
