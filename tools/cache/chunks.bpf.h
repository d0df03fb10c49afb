/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pages of files that wait for something, by chunks of a file's pages, and ranges of them. Who
 * includes this defines chunk_take() and chunk_put(): what is kept of a page.
 */
#ifndef IOSONDE_CHUNKS_BPF_H
#define IOSONDE_CHUNKS_BPF_H

#include "bpf/core/core.bpf.h"

#define CHUNK_PAGES 64
#define CHUNK_WORDS (CHUNK_PAGES / 8)
#define CHUNKS_ONCE 128 /* of a range: what one global function does */
#define CHUNK_CALLS 64	/* a range is at most 2 GiB, as a read is */

struct chunk_key {
	u64 mapping;
	u64 chunk;
};

static __always_inline u64 n_bits(u64 x)
{
	x -= x >> 1 & 0x5555555555555555ULL;
	x = (x & 0x3333333333333333ULL) + (x >> 2 & 0x3333333333333333ULL);
	return ((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL >> 56;
}

/* Why pages wait no more. */
enum chunk_why { CHUNK_USED, CHUNK_GONE };

/* Those of the pages of @mask that were waiting don't any more: how many. */
u64 chunk_take(u64 mapping, u64 number, u64 mask, u32 why);
/* Those of @mask wait from now on. */
int chunk_put(u64 mapping, u64 number, u64 mask);

/* Pages @from to @to of a chunk, both included. */
static __always_inline u64 chunk_mask(u64 from, u64 to)
{
	return (~0ULL << (from & 63)) & (~0ULL >> (63 - (to & 63)));
}

/*
 * Those of the pages @first to @last, both included, that are in chunk @number, as a mask. Global,
 * for the verifier to go through it once.
 */
__noinline u64 range_mask(u64 number, u64 first, u64 last)
{
	u64 from = number == first / CHUNK_PAGES ? first : 0;
	u64 to = number == last / CHUNK_PAGES ? last : CHUNK_PAGES - 1;

	return chunk_mask(from, to);
}

__noinline u64 range_take_some(u64 mapping, u64 first, u64 last, u64 number, u32 why)
{
	u64 n = 0;

	for (u32 i = 0; i < CHUNKS_ONCE; i++, number++) {
		if (number > last / CHUNK_PAGES)
			break;
		n += chunk_take(mapping, number, range_mask(number, first, last), why);
	}
	return n;
}

/* How many of the pages @first to @last, both included, waited until now. */
__noinline u64 range_take(u64 mapping, u64 first, u64 last, u32 why)
{
	u64 number = first / CHUNK_PAGES, n = 0;

	for (u32 i = 0; i < CHUNK_CALLS; i++, number += CHUNKS_ONCE) {
		if (number > last / CHUNK_PAGES)
			break;
		n += range_take_some(mapping, first, last, number, why);
	}
	return n;
}

/* The pages of a folio, which are some chunks at most. */
__noinline int range_put(u64 mapping, u64 first, u64 last)
{
	u64 number = first / CHUNK_PAGES;

	for (u32 i = 0; i < CHUNKS_ONCE; i++, number++) {
		if (number > last / CHUNK_PAGES)
			break;
		chunk_put(mapping, number, range_mask(number, first, last));
	}
	return 0;
}

#endif
