/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the fuzz targets have in common. */
#ifndef IOSONDE_TESTS_FUZZ_H
#define IOSONDE_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A promise that holds for every input. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy that ends in a NUL, so that reading beyond it is found. */
static inline char *copy_text(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (!text)
		exit(0);
	if (len)
		memcpy(text, data, len);
	text[len] = '\0';
	return text;
}

/* Is all of it UTF-8? Written apart from the code under test. */
static inline bool is_utf8(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	for (size_t i = 0; i < len;) {
		unsigned more = p[i] < 0x80		       ? 0
				: p[i] >= 0xc2 && p[i] <= 0xdf ? 1
				: p[i] >= 0xe0 && p[i] <= 0xef ? 2
				: p[i] >= 0xf0 && p[i] <= 0xf4 ? 3
							       : 9;
		unsigned code = more == 0 ? p[i] : p[i] & (0x3fu >> more);

		if (more == 9 || len - i <= more)
			return false;
		for (unsigned k = 1; k <= more; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			code = code << 6 | (p[i + k] & 0x3f);
		}
		if ((more == 2 && code < 0x800) || (more == 3 && code < 0x10000) ||
		    (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
			return false;
		i += more + 1;
	}
	return true;
}

/* Nothing that a terminal acts on: C0, DEL, C1. */
static inline bool is_harmless(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && i + 1 < len && ((unsigned char)s[i + 1] & 0xe0) == 0x80)
			return false;
	}
	return true;
}

#endif
