/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The --where language over a table's columns:
 *   expr := or; or := and { "||" and }; and := not { "&&" not }; not := "!" not | "(" expr ")" | test
 *   test := column op literal;  op := == != < <= > >= ~ !~   ("=" is accepted as "==")
 * Literals: quantities of the column's unit (10ms, 4K, 50%), numbers (also negative, 0x, octal for
 * U_OCTAL), errno names, user names, and text in double or single quotes (bare words too where
 * unambiguous); ~ matches a glob (* ? [..]) against the column's unescaped text.
 * A column without a value (V_NONE) makes == and the orderings false, != and !~ true.
 */
#ifndef IOSONDE_WHERE_H
#define IOSONDE_WHERE_H

#include "core/unit.h"

struct where;

/*
 * Compiles @text against @table. On a mistake returns NULL and puts into @error (three lines, no
 * trailing newline) what is wrong, the text, and a caret under the place, cut around it when the
 * text is long. Freed by where_free().
 */
struct where *where_compile(const struct table *table, const char *text, char *error,
			    size_t error_size);
bool where_match(const struct where *w, const void *rec, size_t len);
void where_free(struct where *w);

#endif
