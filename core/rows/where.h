/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The --where language over a table's columns:
 *   expr := or; or := and { "||" and }; and := not { "&&" not }; not := "!" not | "(" expr ")" |
 * test test := column op literal;  op := == != < <= > >= ~ !~   ("=" is accepted as "==") Columns
 * go by their name or by their key in machine formats (lat or lat_ns).
 *
 * Literals: quantities of the column's unit (10ms, 4K, 50%), numbers (also negative, 0x, octal for
 * U_OCTAL), errno names, user names, and text in double or single quotes. Bare words will do for
 * text without blanks, parentheses, quotes, comparisons, && and ||. Inside quotes a backslash
 * stands for itself only when doubled: \n \t \r \e \xNN and \" are read as the text sink prints
 * them. ~ matches a glob (see core/base/glob.h) against the column's unescaped text; it and
 * (in)equality are all that text, paths, names of errors, enums and flags can be asked.
 *
 * A comparison that no row can decide otherwise is a mistake: a name longer than the column's, a
 * value or error that there isn't, a number that its field doesn't hold.
 *
 * A column without a value (V_NONE) makes == and the orderings and ~ false, != and !~ true.
 */
#ifndef IOSONDE_WHERE_H
#define IOSONDE_WHERE_H

#include "core/rows/unit.h"

struct where;

/*
 * Compiles @text against @table. On a mistake returns NULL and puts into @error (three lines, no
 * trailing newline) what is wrong, the text, and a caret under the place, cut around it when the
 * text is long. @error_size: 1024 is always enough. Freed by where_free().
 */
struct where *where_compile(const struct table *table, const char *text, char *error,
			    size_t error_size);
bool where_match(const struct where *w, const void *rec, size_t len);
/*
 * Before the first match: whose names users, disks and cgroups have. U_CLOCK columns are compared
 * as time since @start_ns (CLOCK_MONOTONIC).
 */
void where_set_view(struct where *w, struct names *names, uint64_t start_ns);
void where_free(struct where *w);

#endif
