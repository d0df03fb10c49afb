/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/text_buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

static bool grow(struct text_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	char *data;

	if (n > SIZE_MAX / 2 || b->len > SIZE_MAX / 2 - n)
		return false;
	while (cap < b->len + n)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

char *text_grow(struct text_buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (!grow(b, n)) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

void text_add(struct text_buf *b, const char *s, size_t n)
{
	char *to = n ? text_room(b, n) : NULL;

	if (!to)
		return;
	memcpy(to, s, n);
	b->len += n;
}

void text_puts(struct text_buf *b, const char *s)
{
	text_add(b, s, strlen(s));
}

void text_pad(struct text_buf *b, char c, size_t n)
{
	char *to = n ? text_room(b, n) : NULL;

	if (!to)
		return;
	memset(to, c, n);
	b->len += n;
}

void text_printf(struct text_buf *b, const char *fmt, ...)
{
	va_list args, again;
	char *to;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	to = n < 0 ? NULL : text_room(b, (size_t)n + 1);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else {
		b->failed = true;
	}
	va_end(again);
	va_end(args);
}

const char *text_cstr(struct text_buf *b)
{
	char *end = text_room(b, 1);

	if (!end)
		return "";
	*end = '\0';
	return b->data;
}

void text_free(struct text_buf *b)
{
	free(b->data);
	*b = (struct text_buf){ 0 };
}
