/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stacks in the formats of other programs that show them. */
#ifndef IOSONDE_FLAME_EXPORT_H
#define IOSONDE_FLAME_EXPORT_H

#include "core/rows/folded.h"

struct flame_export {
	const char *title; /* any bytes */
	const char *value; /* what is added up: "count", "blocked" */
	bool is_time;	   /* in nanoseconds */
	uint64_t end_ns;   /* of the run, by the wall clock */
};

/*
 * Append @f, which was sorted, to @to: as JSON for speedscope, as a protocol buffer for pprof,
 * compressed as by gzip. False: no memory.
 */
bool speedscope_write(const struct flame_export *e, const struct folded *f, struct text_buf *to);
bool pprof_write(const struct flame_export *e, const struct folded *f, struct text_buf *to);

#endif
