/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Lists of arguments in records (struct vargs): one line of text, or one by one. */
#ifndef IOSONDE_UNIT_ARGS_H
#define IOSONDE_UNIT_ARGS_H

#include "core/rows/unit.h"

struct args {
	const char *at, *end; /* what is left */
	uint32_t left;	      /* how many more may be shown; UINT32_MAX: all */
	bool cut;	      /* there were more than those that args_next() gave */
	bool quoted;
};

/* Begins with the first argument of @col, a U_ARGS column, in @rec. False: there is no list. */
bool args_open(struct args *args, const struct column *col, const void *rec, size_t len);

/* The next argument; false after the last one, when args->cut is right. */
bool args_next(struct args *args, const char **arg, size_t *len);

/* All of them in one line: separated by blanks, "..." where more were passed. */
void args_value(const struct column *col, const void *rec, size_t len, char *scratch,
		struct value *out);

#endif
