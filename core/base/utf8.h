/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_UTF8_H
#define IOSONDE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decodes the first character of @s (@len > 0 bytes) into *@c. Returns its length, or minus the
 * length of an ill-formed sequence: the longest start of a valid one, at least 1 (what Unicode
 * recommends to replace with one U+FFFD).
 */
int utf8_decode(const char *s, size_t len, uint32_t *c);

/* The length of @s (@len bytes) without a character that begins at its end and isn't whole. */
size_t utf8_whole(const char *s, size_t len);

/* Columns that @c takes on a terminal: 0, 1 or 2. */
unsigned char_columns(uint32_t c);

#endif
