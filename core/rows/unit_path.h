/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths and cut names out of records: for unit.c. */
#ifndef IOSONDE_UNIT_PATH_H
#define IOSONDE_UNIT_PATH_H

#include "core/rows/unit.h"

/*
 * The text at @p, of which the end is missing: up to its last whole letter, and the mark. @len is
 * less than CUT_MAX.
 */
#define CUT_MAX (VALUE_SCRATCH - 8)
void set_cut(struct value *out, const char *p, size_t len, char *scratch);

/* The path that the struct vpath at @p describes; @out is left alone where there is none. */
void read_vpath(const char *p, const char *rec, size_t rec_len, char *scratch, struct value *out);

#endif
