/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Pieces of a call as a C programmer writes it, for columns that are put together (column.render).
 * Each function writes to @to, adds no NUL, and returns where it ended.
 */
#ifndef IOSONDE_CALL_TEXT_H
#define IOSONDE_CALL_TEXT_H

#include <stdint.h>

#include "core/rows/unit.h"

char *put_str(char *to, const char *s);

/* A|B, and what has no name behind them in hex; 0x0 where nothing is set. */
char *put_flags(char *to, const struct flag_name *names, uint64_t bits);

#endif
