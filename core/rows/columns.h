/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Columns by name: --columns, and every other place where one is typed. */
#ifndef IOSONDE_COLUMNS_H
#define IOSONDE_COLUMNS_H

#include "core/rows/unit.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

/* Chosen columns of a table: @n indices into table->columns, in the order to show. */
struct selection {
	const struct table *table;
	const uint16_t *index;
	size_t n;
};

/*
 * Index of the column called @name (@len bytes), by its name or by its key in machine formats
 * (lat or lat_ns); -1 if there is none.
 */
int columns_find(const struct table *table, const char *name, size_t len);

/* Number of columns. */
size_t columns_count(const struct table *table);

/* The message for a name that columns_find() doesn't know: a suggestion, and what there is. */
void columns_unknown(const struct table *table, const char *name, size_t len, char *err,
		     size_t err_size);

/* Is @col shown in @format when nobody asks for particular columns? */
bool columns_usual(const struct column *col, enum format format);

/*
 * Fills @out for the argument of --columns: "a,b,c" are the columns to show, in that order;
 * "+a,b" adds them to the default ones. NULL selects the default ones: every column for JSON, else
 * all but COL_HIDDEN and COL_MACHINE. A name given twice is an error, and so is a COL_MACHINE
 * column in text. On failure returns false with one line in @err; @out is untouched.
 * Freed by selection_free().
 */
bool columns_select(const struct table *table, const char *list, enum format format,
		    struct selection *out, char *err, size_t err_size);

/*
 * The same with other default columns: those whose entry in @usual, which has one for every
 * column, is true. NULL: as above.
 */
bool columns_select_from(const struct table *table, const char *list, enum format format,
			 const bool *usual, struct selection *out, char *err, size_t err_size);
void selection_free(struct selection *sel);

#endif
