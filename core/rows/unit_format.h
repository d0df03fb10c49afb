/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The unchecked halves of unit_format(), for sinks that have made room. No NUL is added. */
#ifndef IOSONDE_UNIT_FORMAT_H
#define IOSONDE_UNIT_FORMAT_H

#include "core/rows/unit.h"

/* Neither function below writes more than this. */
#define NUMBER_MAX 48

/* @v, which is V_INT or V_UINT, for people: "10.0ms". U_USER prints its number. */
size_t put_number(char *dst, const struct column *col, const struct value *v,
		  const struct clock_base *clock);

/* A CLOCK_MONOTONIC stamp as "2026-11-22T00:46:23.123456789Z". */
size_t put_iso_time(char *dst, const struct clock_base *clock, uint64_t ts_ns);

/* The same stamp counted from the start; negative before it. */
int64_t since_start_ns(const struct clock_base *clock, uint64_t ts_ns);

#endif
