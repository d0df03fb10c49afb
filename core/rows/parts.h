/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What an option says of several tables: "lat > 10ms; files: bytes > 1M". Parts are separated by
 * semicolons outside of quotes; one that is about a table by its name begins with that and a colon.
 */
#ifndef IOSONDE_PARTS_H
#define IOSONDE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

struct part {
	const char *table; /* NULL: none is named */
	size_t table_len;
	const char *text; /* without blanks at its ends */
	size_t len;
};

/* Takes the next part off *@at, which becomes NULL with the last one. False: there is none. */
bool part_next(const char **at, struct part *part);

#endif
