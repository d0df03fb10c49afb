/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The clock of the rows: CLOCK_MONOTONIC as the kernel's programs read it, which is the host's also
 * where this process lives in a time namespace.
 */
#ifndef IOSONDE_CLOCK_H
#define IOSONDE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Now. The namespace's offset is looked up at the first call. */
uint64_t now_ns(void);

/*
 * What to add to now_ns() for the time of day. Taken again it differs after the clock was set or
 * the machine slept: returns true then, and sets *@off_ns. Rounding errors change nothing.
 */
bool wall_offset_changed(int64_t *off_ns);

/* The offset in @line of /proc/PID/timens_offsets ("monotonic  SECONDS  NANOSECONDS"); 0: another.
 */
int64_t timens_offset_in(const char *line);

#endif
