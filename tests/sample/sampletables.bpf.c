/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A command of three tables: two of one event, one of another. */
#include "bpf/core/filter.bpf.h"
#include "bpf/core/others.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#include "tests/sample/sampletables.h"

#define TABLE(name_, key_, value_, entries_)                                                       \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, entries_);                                                     \
		__type(key, key_);                                                                 \
		__type(value, value_);                                                             \
	} name_ SEC(".maps")

TABLE(writers, struct sampletables_key, struct sampletables_value, 1024);
TABLE(sizes, struct sampletables_size_key, struct sampletables_value, 256);
TABLE(names, struct sampletables_name_key, u64, 8);
OTHERS_MAP(struct sampletables_value);
OTHERS_MAP_OF(others_names, u64);

static __always_inline void *value_of(void *map, const void *key, const void *zero)
{
	void *value = bpf_map_lookup_elem(map, key);

	if (value)
		return value;
	bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

static __always_inline void add(struct sampletables_value *value, s64 ret)
{
	if (!value)
		return;
	__sync_fetch_and_add(&value->calls, 1);
	__sync_fetch_and_add(&value->bytes, ret < 0 ? 0 : ret);
}

static __always_inline void count_write(u64 ids, s64 ret)
{
	struct sampletables_value zero = {}, *value;
	struct sampletables_size_key size = { .epoch = epoch };
	struct sampletables_key key = { .epoch = epoch, .pid = ids >> 32 };

	for (u32 i = 1; i < 32; i++)
		if (ret >> i)
			size.log2 = i;
	value = value_of(&writers, &key, &zero);
	add(value ? value : others_of(key.epoch), ret);
	add(value_of(&sizes, &size, &zero), ret);
}

static __always_inline void count_name(void)
{
	struct sampletables_name_key key = { .epoch = epoch };
	u64 zero = 0, *calls;

	bpf_get_current_comm(key.comm, sizeof(key.comm));
	calls = value_of(&names, &key, &zero);
	if (!calls)
		calls = others_in(&others_names, key.epoch);
	if (calls)
		__sync_fetch_and_add(calls, 1);
}

SYSCALL_EXIT(tables_exit)
{
	u32 call;
	bool compat;
	u64 ids;

	call = REGS_NO_CALL(regs) ? 0 : syscall_entered(REGS_CALL(regs), &compat);
	if (!call)
		return 0;
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	COUNT(generated);
	if (call == CALL_WRITE)
		count_write(ids, ret);
	else
		count_name();
	return 0;
}
