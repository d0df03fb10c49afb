/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/others.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#include "tests/sample/sampletable.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct sampletable_key);
	__type(value, struct sampletable_value);
} writers SEC(".maps");

OTHERS_MAP(struct sampletable_value);

static __always_inline struct sampletable_value *value_of(const struct sampletable_key *key)
{
	struct sampletable_value zero = {}, *value = bpf_map_lookup_elem(&writers, key);

	if (value)
		return value;
	bpf_map_update_elem(&writers, key, &zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&writers, key);
	return value ? value : others_of(key->epoch);
}

SYSCALL_EXIT(write_exit)
{
	struct sampletable_key key = {};
	struct sampletable_value *value;
	bool compat;
	u64 ids;

	if (REGS_NO_CALL(regs) || !syscall_entered(REGS_CALL(regs), &compat))
		return 0;
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	COUNT(generated);
	key.epoch = epoch;
	key.pid = ids >> 32;
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	value = value_of(&key);
	if (!value)
		return 0;
	value->calls++;
	if (ret < 0) {
		value->errors++;
	} else {
		value->bytes += ret;
		if ((u64)ret > value->largest)
			value->largest = ret;
	}
	return 0;
}
