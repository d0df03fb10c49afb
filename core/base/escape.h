/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Bytes from the kernel made harmless: for a terminal, and for JSON. */
#ifndef IOSONDE_ESCAPE_H
#define IOSONDE_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/* Longest output per input byte of either function. */
#define ESCAPE_MAX 6

/*
 * Text: control characters (C0, DEL, C1 in UTF-8), backslash and invalid UTF-8 become \n \t \e \\
 * or \xNN; characters that show nothing (hidden_chars.h) become \u{NNNN}; everything else is
 * copied. @dst has ESCAPE_MAX * @len bytes (a \u{NNNN} stands for three bytes or more). Returns
 * the length written; no NUL.
 */
size_t escape_text(char *dst, const char *src, size_t len);

/*
 * The inside of a JSON string: quotes, backslash and controls escaped, invalid UTF-8 replaced by
 * U+FFFD. *@was_valid tells if @src was valid UTF-8. @dst as above. Returns the length; no NUL.
 */
size_t escape_json(char *dst, const char *src, size_t len, bool *was_valid);

/* Standard base64 with padding; @dst has 4 * ((len + 2) / 3) bytes. Returns the length. */
size_t base64(char *dst, const char *src, size_t len);

/* Columns that @src (as escape_text() left it) takes on a terminal. */
size_t text_columns(const char *src, size_t len);

#endif
