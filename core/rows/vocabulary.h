/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The names of columns, which --columns, --where, --by, --sort, JSON and CSV know them by. One name
 * means the same in every command: what a command's own help adds is how it comes by the value.
 */
#ifndef IOSONDE_VOCABULARY_H
#define IOSONDE_VOCABULARY_H

#include "core/rows/unit.h"

struct word {
	const char *name;
	uint32_t units;	  /* 1 << enum unit, for each it may have */
	const char *also; /* a name that it had, or has elsewhere: found by that, too; NULL: none */
	const char *meaning;
};

/* Of @len bytes at @name; NULL: no column may be called so. */
const struct word *vocabulary_find(const char *name, size_t len);

/* Those that there are, by name, up to one without. */
const struct word *vocabulary(void);

/* May a column of that name have that unit? */
bool vocabulary_fits(const struct word *word, enum unit unit);

/* Another name that the column is found by, wherever no other is called so; NULL: none. */
const char *column_also(const struct column *col);

/* The column's own line of help, or the word's. */
const char *column_help(const struct column *col);
#endif
