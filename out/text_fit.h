/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The text sink's arithmetic of columns (text_fit.c); text.c does the printing. */
#ifndef IOSONDE_TEXT_FIT_H
#define IOSONDE_TEXT_FIT_H

#include "out/sink_internal.h"

/* A share on a terminal: a bar, a space, and "100.0%". */
#define BAR_COLUMNS   5
#define SHARE_COLUMNS 6

#define WIDE_LEAST 12 /* less of a path says nothing */
#define WIDE_WISH  20 /* and this much is worth more than most other columns */

static inline bool fits_terminal(const struct sink *s)
{
	return s->opts.terminal && s->opts.width > 0;
}

/* Sets widths, sides and what may be cut for every cell of the plan. */
void text_plan(struct sink *s);

/*
 * Leaves out cells of the plan until the line fits, those that say least first: bars, what is 0 in
 * all rows, what its column.keep is lowest of (text_choose.c).
 */
void text_choose(struct sink *s);

/* Appends a value for people, and a bar if the cell has one; returns the columns it takes. */
size_t text_value(struct sink *s, const struct cell *c, const struct value *v, size_t limit);

/* Reads the value of @c as it is shown to people. */
void text_cell_value(struct sink *s, const struct cell *c, const void *rec, size_t len,
		     struct value *v);

/* Lines of the text sink that others put together. */
void text_end_line(struct sink *s, size_t columns);
void text_names(struct sink *s); /* the line of the columns' names, a blank one above it */
void text_row(struct sink *s, const void *rec, size_t len);
void text_title_line(struct sink *s, const char *title);

/* Names what text_choose() left out, in as many lines as it takes (text_table.c). */
void text_left_out(struct sink *s);

/* Takes over the terminal's size; true if it is another one. */
bool text_resized(struct sink *s);

void text_table(struct sink *s, const struct sort_row *rows, size_t n, bool header);
void text_title(struct sink *s, const char *title);
void text_note(struct sink *s, const char *text);
void text_clear(struct sink *s);
void text_frame(struct sink *s, size_t tables);
void text_frame_end(struct sink *s);

/* How many columns @c may take, with the line written up to @pos: SIZE_MAX where nothing is cut. */
size_t cell_limit(const struct sink *s, const struct cell *c, size_t pos);

/*
 * Cuts the text from @start to the end of the buffer, @columns wide, to @limit columns: paths in
 * the middle, where they say least, others at the end. Returns the columns it takes then.
 */
size_t text_cut(struct text_buf *b, size_t start, size_t columns, size_t limit, bool middle);

#endif
