/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A growing buffer of bytes. Failing to grow is remembered; later appends do nothing. */
#ifndef IOSONDE_TEXT_BUF_H
#define IOSONDE_TEXT_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct text_buf {
	char *data; /* not NUL-terminated unless text_cstr() was called */
	size_t len;
	size_t cap;
	bool failed;
};

/* The slow half of text_room(). */
char *text_grow(struct text_buf *b, size_t n);

/* Makes room for @n more bytes and returns where they go, or NULL. Advance len yourself. */
static inline char *text_room(struct text_buf *b, size_t n)
{
	if (__builtin_expect(b->data && !b->failed && n <= b->cap - b->len, 1))
		return b->data + b->len;
	return text_grow(b, n);
}

void text_add(struct text_buf *b, const char *s, size_t n);
void text_puts(struct text_buf *b, const char *s);
void text_pad(struct text_buf *b, char c, size_t n);
__attribute__((format(printf, 2, 3))) void text_printf(struct text_buf *b, const char *fmt, ...);
/* Ends the buffer with a NUL that doesn't count; "" when empty or failed. */
const char *text_cstr(struct text_buf *b);
void text_free(struct text_buf *b);

#endif
