/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* FNV-1a, 64 bits: of names and keys, piece by piece. Nobody's safety may depend on it. */
#ifndef IOSONDE_HASH_H
#define IOSONDE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START 14695981039346656037ULL

/* @h, HASH_START at first, with @len more bytes. */
static inline uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	return h;
}

#endif
