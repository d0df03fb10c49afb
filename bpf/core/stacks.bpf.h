/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the programs of a TOOL_STACKS share: the stacks, their counts, and word of the processes
 * whose addresses will have to be named, which may be gone by the time of the report.
 */
#ifndef IOSONDE_STACKS_BPF_H
#define IOSONDE_STACKS_BPF_H

#include "bpf/core/core.bpf.h"
#include "bpf/core/others.bpf.h"
#include "bpf/core/stacks.h"

/* Its mappings are looked at anew after so long: they grow while a program is young. */
#define STACK_NAMES_FIRST_NS (1 << 22)
#define STACK_NAMES_NS	     (1 << 27)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct stacks_key);
	__type(value, struct stacks_value);
} stack_counts SEC(".maps");

OTHERS_MAP(struct stacks_value);

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(u32));
	__uint(value_size, STACK_FRAMES * sizeof(u64));
} stacks SEC(".maps");

/* Where a stack finds its place in that map taken by another one, and in the second one, too. */
#define STACKS_BESIDE(name_)                                                                       \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);                                            \
		__uint(max_entries, 4096);                                                         \
		__uint(key_size, sizeof(u32));                                                     \
		__uint(value_size, STACK_FRAMES * sizeof(u64));                                    \
	} name_ SEC(".maps")

STACKS_BESIDE(second_stacks);
STACKS_BESIDE(third_stacks);

struct stack_owner {
	u64 program;
	u64 pid;
};

struct stack_told {
	u64 ns;
	u64 pause_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct stack_owner);
	__type(value, struct stack_told);
} stack_owners SEC(".maps");

#define STACK_TAKEN (-17) /* EEXIST: its place in a map, which its hash tells */

/*
 * The id of the current task's stack. One that finds no place is counted, and said: of 2,000 stacks
 * 6 % would be, but for the further maps.
 */
static __always_inline s32 stack_id(void *ctx, u64 flags)
{
	long id = bpf_get_stackid(ctx, &stacks, flags);
	u32 map = 0;

	if (id == STACK_TAKEN) {
		map = 1;
		id = bpf_get_stackid(ctx, &second_stacks, flags);
	}
	if (id == STACK_TAKEN) {
		map = 2;
		id = bpf_get_stackid(ctx, &third_stacks, flags);
	}
	if (id >= 0)
		return id | map << STACK_MAP_SHIFT;
	if (id == -14) /* EFAULT: there is none */
		return STACK_NONE;
	COUNT(null_helper);
	return STACK_LOST;
}

/* Tells the engine whose addresses those of the current task are. */
static __always_inline void stack_owner_told(u32 pid, u64 program)
{
	struct stack_owner owner = { .program = program, .pid = pid };
	struct stack_told *told = bpf_map_lookup_elem(&stack_owners, &owner);
	struct stack_told now = { bpf_ktime_get_ns(), STACK_NAMES_FIRST_NS };
	struct rec_program r = {};

	if (told && now.ns - told->ns < told->pause_ns)
		return;
	if (told)
		now.pause_ns =
			told->pause_ns < STACK_NAMES_NS ? 2 * told->pause_ns : STACK_NAMES_NS;
	bpf_map_update_elem(&stack_owners, &owner, &now, BPF_ANY);
	rec_init(&r.rec, REC_PROGRAM);
	r.program = program;
	r.pid = pid;
	emit_uncounted(&r, sizeof(r));
}

static __always_inline struct stacks_value *stacks_value_of(const struct stacks_key *key)
{
	struct stacks_value zero = {}, *value = bpf_map_lookup_elem(&stack_counts, key);

	if (value)
		return value;
	bpf_map_update_elem(&stack_counts, key, &zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&stack_counts, key);
	return value ? value : others_of(key->epoch);
}

/* An event of the stack in @key, which counts as generated. */
static __always_inline void stacks_count(const struct stacks_key *key, u64 amount)
{
	struct stacks_value *value = stacks_value_of(key);

	if (!value)
		return;
	__sync_fetch_and_add(&value->count, 1);
	if (amount) /* of 0 the compiler makes another operation, which 5.10 doesn't have */
		__sync_fetch_and_add(&value->sum, amount);
	COUNT(generated);
}

#endif
