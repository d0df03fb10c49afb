/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sorting rows of any table by any column. */
#ifndef IOSONDE_SORT_H
#define IOSONDE_SORT_H

#include "core/rows/unit.h"

struct sort {
	int col; /* index into table->columns */
	bool desc;
};

/*
 * Parses the argument of --sort: a column, largest first if it is a number and a to z if it is
 * text; "-col" forces descending, "+col" ascending. On failure returns false with a message in
 * @err; @out is untouched.
 */
bool sort_parse(const struct table *table, const char *text, struct sort *out, char *err,
		size_t err_size);

struct sort_row {
	const void *rec;
	size_t len;
};

/*
 * Sorts @n rows by one column. Stable; rows without a value come last, whichever the direction.
 * Returns false, with the rows untouched, when out of memory.
 */
bool sort_rows(struct names *names, const struct table *table, struct sort sort,
	       struct sort_row *rows, size_t n);

/* The same in place, for an array of records of @row_size bytes each. */
bool rows_sort(struct names *names, const struct table *table, int col, bool desc, void *rows,
	       size_t n, size_t row_size);

#endif
