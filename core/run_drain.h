/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What core/run_drain.c and the drawing of histograms share. */
#ifndef IOSONDE_RUN_DRAIN_H
#define IOSONDE_RUN_DRAIN_H

#include "core/run_internal.h"

/* Is @col a part of the tool's keys that identifies a row? The epoch isn't. */
bool drain_is_key(const struct tool *tool, const struct column *col);

/* The output's width if it is a terminal that may be drawn on, else 0. */
size_t drain_terminal(const struct run *run);

/*
 * Text for people: histogram rows, sorted by key and slot, as a block of bars per key. Empty log2
 * slots between two in use are shown, too, for a gap is part of the shape.
 */
void drain_draw_histograms(struct run *run, const struct sort_row *rows, size_t n);

#endif
