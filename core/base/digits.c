/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/digits.h"

#include <string.h>

static const char pairs[] = "00010203040506070809"
			    "10111213141516171819"
			    "20212223242526272829"
			    "30313233343536373839"
			    "40414243444546474849"
			    "50515253545556575859"
			    "60616263646566676869"
			    "70717273747576777879"
			    "80818283848586878889"
			    "90919293949596979899";

static unsigned count_digits(uint64_t v)
{
	unsigned n = 1;

	while (v >= 10000) {
		v /= 10000;
		n += 4;
	}
	return n + (v >= 10) + (v >= 100) + (v >= 1000);
}

size_t put_digits(char *dst, uint64_t v, unsigned n)
{
	unsigned at = n;

	while (at >= 2) {
		at -= 2;
		memcpy(dst + at, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (at)
		dst[0] = (char)('0' + v % 10);
	return n;
}

size_t put_u64(char *dst, uint64_t v)
{
	return put_digits(dst, v, count_digits(v));
}

size_t put_i64(char *dst, int64_t v)
{
	size_t sign = v < 0;

	if (sign)
		dst[0] = '-';
	return sign + put_u64(dst + sign, magnitude(v));
}

size_t put_hex(char *dst, uint64_t v)
{
	unsigned n = v ? (67 - (unsigned)__builtin_clzll(v)) / 4 : 1;

	dst[0] = '0';
	dst[1] = 'x';
	for (unsigned i = n; i-- > 0; v >>= 4)
		dst[2 + i] = "0123456789abcdef"[v & 15];
	return 2 + n;
}

size_t put_octal(char *dst, uint64_t v)
{
	unsigned n = v ? (66 - (unsigned)__builtin_clzll(v)) / 3 : 1;

	if (n < 3)
		n = 3;
	dst[0] = '0';
	for (unsigned i = n; i-- > 0; v >>= 3)
		dst[1 + i] = (char)('0' + (v & 7));
	return 1 + n;
}
