/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pages that were read ahead, each with the time since when it waits for its first use. What leaves
 * memory is forgotten, used or not.
 */
#ifndef IOSONDE_AHEAD_BPF_H
#define IOSONDE_AHEAD_BPF_H

#include "bpf/core/hist.bpf.h"

#include "tools/cache/readahead.h"
#include "tools/cache/uses.bpf.h"

const volatile struct readahead_cfg cfg;

#define AHEAD_FULL 0 /* of struct counters.tool: pages that found no room */

struct ahead_chunk {
	u64 since_ns[CHUNK_PAGES]; /* its low byte is that of the epoch; 0: doesn't wait */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384); /* 4 GiB of unused pages, where they are neighbours */
	__type(key, struct chunk_key);
	__type(value, struct ahead_chunk);
} ahead SEC(".maps");

const volatile struct ahead_chunk ahead_zero;

HIST_MAP(ages, struct ages_key, struct hist_value);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240); /* there from the start: pages go where nothing may wait */
	__type(key, struct ahead_key);
	__type(value, struct ahead_value);
} ahead_rows SEC(".maps");

OTHERS_MAP_OF(others_pages, struct ahead_value);

static __always_inline u64 file_of_mapping(u64 mapping)
{
	u64 inode = host_of(mapping);
	struct file_id id = {};

	if (!cfg.by_file || !inode)
		return 0;
	file_id_of(&id, inode, 0);
	return id.id;
}

static __noinline struct ahead_value *ahead_row_of(u64 file)
{
	struct ahead_key key = { .epoch = epoch, .file = file };
	struct ahead_value begun = {}, *value = bpf_map_lookup_elem(&ahead_rows, &key);

	if (value)
		return value;
	bpf_map_update_elem(&ahead_rows, &key, &begun, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&ahead_rows, &key);
	return value ? value : others_in(&others_pages, key.epoch);
}

/* A page was used at that age. Global: the verifier takes it once, not for each page of a chunk. */
__noinline int age_count(u64 file, u64 age_ns)
{
	struct ages_key key = { .epoch = epoch, .file = file };

	key.cpu = bpf_get_smp_processor_id();
	if (!hist_count(ages, &key, age_ns, cfg.scale, 0))
		COUNT(lost_state);
	return 0;
}

static __always_inline void count_left(u64 file, u64 n, u64 fresh, u32 why)
{
	struct ahead_value *value = n ? ahead_row_of(file) : NULL;

	if (!value)
		return;
	__sync_fetch_and_add(why == CHUNK_USED ? &value->used : &value->dropped, n);
	__sync_fetch_and_add(&value->left, fresh);
	if (why == CHUNK_USED)
		COUNT_N(generated, n);
}

__noinline u64 chunk_take(u64 mapping, u64 number, u64 mask, u32 why)
{
	struct chunk_key key = { .mapping = mapping, .chunk = number };
	struct ahead_chunk *chunk = bpf_map_lookup_elem(&ahead, &key);
	u64 now = bpf_ktime_get_ns(), left = 0, none = now, n, fresh, file;

	if (!chunk)
		return 0;
	file = file_of_mapping(mapping);
	/* counted from what is no known number: a verifier would tell each number of them apart */
	barrier_var(none);
	n = fresh = none;
	for (u32 i = 0; i < CHUNK_PAGES; i++) {
		u64 since = chunk->since_ns[i];

		if (!(mask >> i & 1) || !since) {
			left |= since;
			continue;
		}
		chunk->since_ns[i] = 0;
		n++;
		fresh += (u8)since == (u8)epoch;
		if (why == CHUNK_USED)
			age_count(file, now > since ? now - since : 0);
	}
	if (!left)
		bpf_map_delete_elem(&ahead, &key);
	count_left(file, n - none, fresh - none, why);
	return n - none;
}

__noinline int chunk_put(u64 mapping, u64 number, u64 mask)
{
	struct chunk_key key = { .mapping = mapping, .chunk = number };
	struct ahead_chunk *chunk = bpf_map_lookup_elem(&ahead, &key);
	u64 now = (bpf_ktime_get_ns() & ~0xffULL) | (u8)epoch;
	struct ahead_value *value;

	if (!chunk) {
		bpf_map_update_elem(&ahead, &key, (const void *)&ahead_zero, BPF_NOEXIST);
		chunk = bpf_map_lookup_elem(&ahead, &key);
	}
	if (!chunk) {
		COUNT_N(tool[AHEAD_FULL], n_bits(mask));
		return 0;
	}
	/* without a branch: verifiers would follow all ways through them */
	for (u32 i = 0; i < CHUNK_PAGES; i++) {
		u64 put = -(mask >> i & 1);

		chunk->since_ns[i] = (chunk->since_ns[i] & ~put) | (now & put);
	}
	value = ahead_row_of(file_of_mapping(mapping));
	if (value)
		__sync_fetch_and_add(&value->brought, n_bits(mask));
	return 0;
}

#endif
