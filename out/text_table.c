/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whole tables for people, and what a terminal's size does to them: columns that were left out are
 * named below the table, a live screen holds what fits its height.
 */
#include "out/text_fit.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* Where the output was, to go back there. */
struct mark {
	size_t len, lines;
	bool printed, titled;
};

static struct mark mark(const struct sink *s)
{
	return (struct mark){ s->out.len, s->lines, s->printed, s->titled };
}

static void go_back(struct sink *s, const struct mark *m)
{
	s->out.len = m->len;
	s->lines = m->lines;
	s->printed = m->printed;
	s->titled = m->titled;
}

bool text_resized(struct sink *s)
{
	struct winsize size;
	bool other;

	if (!fits_terminal(s) || ioctl(s->opts.fd, TIOCGWINSZ, &size) || !size.ws_col)
		return false;
	other = s->opts.width != size.ws_col;
	s->opts.width = size.ws_col;
	s->height = size.ws_row;
	return other;
}

/* --- words below a table --- */

/* A line of words under way: a word that doesn't fit begins another line. */
struct words {
	struct sink *s;
	size_t columns;
};

static void add_word(struct words *w, const char *word, size_t len)
{
	if (fits_terminal(w->s) && len > (size_t)w->s->opts.width)
		len = (size_t)w->s->opts.width;
	if (w->columns && fits_terminal(w->s) && w->columns + 1 + len > (size_t)w->s->opts.width) {
		text_end_line(w->s, w->columns);
		w->columns = 0;
	}
	if (w->columns) {
		text_pad(&w->s->out, ' ', 1);
		w->columns++;
	}
	text_add(&w->s->out, word, len);
	w->columns += len;
}

static void add_words(struct words *w, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		add_word(w, text, len);
		text += len + strspn(text + len, " ");
	}
}

void text_note(struct sink *s, const char *text)
{
	struct words w = { s, 0 };

	if (s->printed && !s->titled)
		text_end_line(s, 0);
	add_words(&w, text);
	text_end_line(s, w.columns);
	s->plan.table = NULL;
}

/* "P50, MAX" of those that are left out because they are 0 in all rows, or of the others. */
static bool add_left_out(struct words *w, const char *intro, bool empty)
{
	const struct plan *p = &w->s->plan;
	struct text_buf list = { 0 };
	bool any;

	for (size_t i = 0; i < p->n; i++) {
		const struct cell *c = &p->cells[i];
		size_t start = list.len;

		if (!c->left_out || c->zero != empty)
			continue;
		text_printf(&list, "%s%s", start ? ", " : "", c->col->name);
		for (size_t at = start; at < list.len && !list.failed; at++)
			if (list.data[at] >= 'a' && list.data[at] <= 'z')
				list.data[at] -= 'a' - 'A';
	}
	any = list.len > 0;
	if (any) {
		add_words(w, intro);
		add_words(w, text_cstr(&list));
	}
	text_free(&list);
	return any;
}

void text_left_out(struct sink *s)
{
	struct words w = { s, 0 };
	bool any = false;

	for (size_t i = 0; i < s->plan.n; i++)
		any |= s->plan.cells[i].left_out;
	if (!any)
		return;
	any = add_left_out(&w, "left out for the width:", false);
	add_left_out(&w,
		     any ? "and, 0 in all rows:" : "left out for the width, 0 in all rows:", true);
	add_words(&w, s->opts.all_choosable || s->opts.choosable == s->plan.table
			      ? "(--columns, or a wider terminal)"
			      : "(a wider terminal, or | cat)");
	text_end_line(s, w.columns);
}

/* --- the height --- */

/* Is there room for what was printed since the frame began, and @more lines? */
static bool has_room(const struct sink *s, size_t more)
{
	size_t used = s->lines - s->frame_at + more + (s->frame_tables > 1);

	return !s->live || s->height <= 0 || used < (size_t)s->height;
}

static size_t lines_of(struct sink *s, void (*print)(struct sink *))
{
	struct mark before = mark(s);
	size_t lines;

	print(s);
	lines = s->lines - before.lines;
	go_back(s, &before);
	return lines;
}

/* Prints the title that waits, if there is one. */
static void print_title(struct sink *s)
{
	if (s->title.len)
		text_title_line(s, text_cstr(&s->title));
	s->title.len = 0;
}

static void print_more(struct sink *s, size_t shown, size_t n)
{
	char line[64];
	struct words w = { s, 0 };

	snprintf(line, sizeof(line), "%zu of %zu rows (a taller terminal, or | cat)", shown, n);
	add_words(&w, line);
	text_end_line(s, w.columns);
}

/* Prints rows while there is room for them and for the words below; returns how many. */
static size_t print_rows(struct sink *s, const struct sort_row *rows, size_t n)
{
	size_t notes = s->live ? lines_of(s, text_left_out) : 0, i = 0;

	for (; i < n; i++) {
		struct mark before = mark(s);

		text_row(s, rows[i].rec, rows[i].len);
		if (!has_room(s, notes + (i + 1 < n))) {
			go_back(s, &before);
			break;
		}
		if (!s->live)
			sink_spill(s);
	}
	return i;
}

/* The title of a table that has no room, without what it says behind the name. */
static void note_no_room(struct sink *s, size_t len)
{
	const char *end = memchr(s->title.data, ':', len);

	if (s->no_room.len)
		text_puts(&s->no_room, ", ");
	text_add(&s->no_room, s->title.data, end ? (size_t)(end - s->title.data) : len);
}

void text_table(struct sink *s, const struct sort_row *rows, size_t n, bool header)
{
	struct mark before = mark(s);
	const struct table *table = s->plan.table;
	size_t title = s->title.len, shown;

	print_title(s);
	s->plan.table = table; /* this title is above it, not between it and the next */
	if (header) {
		if (s->printed && !s->titled)
			text_end_line(s, 0);
		text_names(s);
	}
	shown = print_rows(s, rows, n);
	if (s->live && n && !shown && title && s->frame_tables > 1) {
		go_back(s, &before);
		note_no_room(s, title);
		return;
	}
	if (shown < n)
		print_more(s, shown, n);
	if (header)
		text_left_out(s);
}

void text_title(struct sink *s, const char *title)
{
	struct mark before = mark(s);

	if (!s->live) {
		text_title_line(s, title);
		return;
	}
	print_title(s);
	if (!has_room(s, 0))
		go_back(s, &before);
	text_puts(&s->title, title);
	s->plan.table = NULL;
}

void text_clear(struct sink *s)
{
	size_t up = s->lines;

	text_resized(s);
	s->plan.table = NULL;
	if (s->opts.plain)
		return;
	/* Lines that have scrolled off the top can't be reached. */
	if (s->height > 0 && up >= (size_t)s->height)
		up = (size_t)s->height - 1;
	if (s->clear_width && (s->clear_width != s->opts.width || s->clear_height != s->height))
		text_puts(&s->out, "\x1b[H\x1b[2J"); /* it may have wrapped: nobody knows where */
	else if (up)
		text_printf(&s->out, "\r\x1b[%zuA\x1b[J", up);
	s->clear_width = s->opts.width;
	s->clear_height = s->height;
	s->lines = 0;
	s->printed = s->titled = false;
}

void text_frame(struct sink *s, size_t tables)
{
	text_resized(s);
	s->plan.table = NULL;
	s->live = true;
	s->frame_at = s->lines;
	s->frame_tables = tables;
	s->title.len = s->no_room.len = 0;
}

void text_frame_end(struct sink *s)
{
	struct mark before = mark(s);

	print_title(s);
	if (!has_room(s, 0))
		go_back(s, &before);
	if (s->no_room.len) {
		struct words w = { s, 0 };

		add_words(&w, "no room for:");
		add_words(&w, text_cstr(&s->no_room));
		text_end_line(s, w.columns);
	}
	s->live = false;
}
