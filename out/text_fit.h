/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The text sink's arithmetic of columns (text_fit.c); text.c does the printing. */
#ifndef IOSONDE_TEXT_FIT_H
#define IOSONDE_TEXT_FIT_H

#include "out/sink_internal.h"

/* A share on a terminal: a bar, a space, and "100.0%". */
#define BAR_COLUMNS   5
#define SHARE_COLUMNS 6

static inline bool fits_terminal(const struct sink *s)
{
	return s->opts.terminal && s->opts.width > 0;
}

/* Sets widths, sides and what may be cut for every cell of the plan. */
void text_plan(struct sink *s);

/* How many columns @c may take, with the line written up to @pos: SIZE_MAX where nothing is cut. */
size_t cell_limit(const struct sink *s, const struct cell *c, size_t pos);

/*
 * Cuts the text from @start to the end of the buffer, @columns wide, to @limit columns: paths in
 * the middle, where they say least, others at the end. Returns the columns it takes then.
 */
size_t text_cut(struct text_buf *b, size_t start, size_t columns, size_t limit, bool middle);

#endif
