/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pages that were brought into memory and not used since: the first use of one is a miss, whoever
 * brought it, by a read or ahead of it. By chunks of a file's pages, a byte each: a store of one
 * doesn't touch its neighbours. What leaves memory unused is forgotten.
 */
#ifndef IOSONDE_BROUGHT_BPF_H
#define IOSONDE_BROUGHT_BPF_H

#include "tools/cache/chunks.bpf.h"

struct chunk {
	u64 pages[CHUNK_WORDS]; /* 1 in each byte of a page that waits for its use */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768); /* 8 GiB of unused pages, where they are neighbours */
	__type(key, struct chunk_key);
	__type(value, struct chunk);
} brought SEC(".maps");

const volatile struct chunk chunk_zero;

/* A byte 1 for each of eight bits. */
static __always_inline u64 bytes_of_bits(u64 bits)
{
	u64 x = ((bits & 0xff) * 0x0101010101010101ULL) & 0x8040201008040201ULL;

	return (((x & 0x7f7f7f7f7f7f7f7fULL) + 0x7f7f7f7f7f7f7f7fULL) | x) >> 7 &
	       0x0101010101010101ULL;
}

/* Those of the pages of @mask that were waiting for their use don't any more: how many. */
__noinline u64 chunk_take(u64 mapping, u64 number, u64 mask, u32 why)
{
	struct chunk_key key = { .mapping = mapping, .chunk = number };
	struct chunk *chunk = bpf_map_lookup_elem(&brought, &key);
	u64 n = 0, left = 0;

	barrier_var(why); /* or callers pass nothing for it, which verifiers refuse */
	if (!chunk)
		return 0;
	for (u32 i = 0; i < CHUNK_WORDS; i++) {
		u64 now = chunk->pages[i], take = now & bytes_of_bits(mask >> (8 * i));

		/* without a branch: verifiers would follow all ways through them */
		chunk->pages[i] = now & ~take;
		n += take * 0x0101010101010101ULL >> 56;
		left |= now & ~take;
	}
	if (!left)
		bpf_map_delete_elem(&brought, &key);
	return n;
}

/* Counter of struct counters.tool: pages that found no room here, so that their use is a hit. */
#define BROUGHT_FULL 0

__noinline int chunk_put(u64 mapping, u64 number, u64 mask)
{
	struct chunk_key key = { .mapping = mapping, .chunk = number };
	struct chunk *chunk = bpf_map_lookup_elem(&brought, &key);

	if (!chunk) {
		bpf_map_update_elem(&brought, &key, (const void *)&chunk_zero, BPF_NOEXIST);
		chunk = bpf_map_lookup_elem(&brought, &key);
	}
	if (!chunk) {
		COUNT(tool[BROUGHT_FULL]);
		return 0;
	}
	for (u32 i = 0; i < CHUNK_WORDS; i++) {
		chunk->pages[i] |= bytes_of_bits(mask >> (8 * i));
	}
	return 0;
}

#endif
