/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Numbers as text without printf: rows are written a million a second. Every function writes to
 * @dst, adds no NUL, and returns the length.
 */
#ifndef IOSONDE_DIGITS_H
#define IOSONDE_DIGITS_H

#include <stddef.h>
#include <stdint.h>

/* No function here writes more than this. */
#define DIGITS_MAX 24

size_t put_u64(char *dst, uint64_t v);
size_t put_i64(char *dst, int64_t v);
/* Exactly @n digits, with leading zeros; higher ones are dropped. */
size_t put_digits(char *dst, uint64_t v, unsigned n);
/* 0x1f */
size_t put_hex(char *dst, uint64_t v);
/* A file mode: a zero and at least three octal digits. */
size_t put_octal(char *dst, uint64_t v);

/* |v| and the sign, right for INT64_MIN too. */
static inline uint64_t magnitude(int64_t v)
{
	return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

#endif
