/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "out/text_fit.h"

#include <string.h>

#include "core/base/escape.h"
#include "core/base/utf8.h"

#define ELLIPSIS "…"

static bool is_numeric(enum unit unit)
{
	switch (unit) {
	case U_CLOCK:
	case U_NSEC:
	case U_BYTES:
	case U_COUNT:
	case U_ID:
	case U_FD:
	case U_OCTAL:
	case U_HEX:
	case U_PERCENT:
	case U_SHARE:
	case U_RATE:
	case U_DECIMAL:
		return true;
	default:
		return false;
	}
}

static size_t enum_width(const struct column *col)
{
	size_t width = 0;

	for (const char *const *n = col->names; n && *n; n++)
		if (strlen(*n) > width)
			width = strlen(*n);
	return width < 16 ? width : 16;
}

static size_t unit_width(const struct sink *s, const struct column *col)
{
	switch (col->unit) {
	case U_CLOCK:
		return s->opts.clock.wall ? strlen("2026-11-22T00:46:23.123456789Z") : 11;
	case U_ENUM:
		return enum_width(col);
	case U_DISK:
		return 8;
	case U_TEXT:
	case U_SYSCALL:
		return COMM_LEN;
	case U_PATH:
	case U_ARGS:
	case U_CGROUP:
	case U_FLAGS:
		return 20;
	case U_ADDR: /* IPv4; a longer one pushes its row */
		return 15;
	case U_FD:
		return 4;
	case U_OCTAL:
		return 5;
	case U_HEX:
		return 10;
	case U_COUNT:
	case U_USER:
	case U_ERRNO:
		return 8;
	case U_SHARE:
		return s->opts.terminal ? BAR_COLUMNS + 1 + SHARE_COLUMNS : SHARE_COLUMNS;
	case U_RATE: /* 999.99 */
	case U_DECIMAL:
		return s->opts.terminal ? 6 : 8;
	case U_NSEC:
	case U_BYTES:
	case U_ID:
	case U_PERCENT:
		return 7;
	case U_STACK:
		break;
	}
	return 0;
}

static size_t column_width(const struct sink *s, const struct column *col)
{
	size_t header = strlen(col->name), own = unit_width(s, col);

	if (col->width > 0 && !(col->unit == U_SHARE && s->opts.terminal))
		own = (size_t)col->width;
	return own > header ? own : header;
}

/* Deals out to the COL_WIDE columns what the others leave of the terminal's width. */
static void plan_fit(struct sink *s)
{
	size_t taken = 0, left, wides = 0, rest = 0;
	struct plan *p = &s->plan;

	for (size_t i = 0; i < p->n; i++) {
		struct cell *c = &p->cells[i];

		if (is_off_line(c))
			continue;
		wides += c->fitted;
		taken += 1 + (c->fitted ? 0 : c->width);
	}
	left = (size_t)s->opts.width + 1 > taken ? (size_t)s->opts.width + 1 - taken : 0;
	for (size_t i = p->n, later = 0; i-- > 0;) {
		struct cell *c = &p->cells[i];

		if (is_off_line(c))
			continue;
		c->rest = rest;
		if (c->fitted) {
			c->takes_all = later++ == 0;
			c->width = left / wides > WIDE_LEAST ? left / wides : WIDE_LEAST;
		}
		rest += 1 + (c->fitted ? WIDE_LEAST : c->width);
	}
}

void text_plan(struct sink *s)
{
	struct plan *p = &s->plan;
	struct cell *last = NULL;

	for (size_t i = 0; i < p->n; i++) {
		struct cell *c = &p->cells[i];

		c->width = column_width(s, c->col);
		c->right = is_numeric(c->col->unit);
		c->keep = column_keep(c->col);
		c->fitted = fits_terminal(s) && (c->col->flags & COL_WIDE);
		c->bar = c->col->unit == U_SHARE && s->opts.terminal;
	}
	if (fits_terminal(s))
		text_choose(s);
	for (size_t i = 0; i < p->n; i++)
		if (!is_off_line(&p->cells[i]))
			last = &p->cells[i];
	if (last)
		last->last = true;
	if (fits_terminal(s))
		plan_fit(s);
}

size_t cell_limit(const struct sink *s, const struct cell *c, size_t pos)
{
	size_t avail, limit;

	if (!fits_terminal(s))
		return SIZE_MAX;
	avail = (size_t)s->opts.width > pos ? (size_t)s->opts.width - pos : 0;
	limit = avail > c->rest ? avail - c->rest : 0;
	if (c->fitted) {
		if (!c->takes_all && limit > c->width)
			limit = c->width;
		if (limit < WIDE_LEAST)
			limit = WIDE_LEAST;
	} else if (limit < c->width || c->tight) {
		limit = c->width;
	}
	return limit < avail ? limit : avail;
}

/* Bytes at the start of @s that take at most @columns; *@taken is what they do take. */
static size_t prefix_bytes(const char *s, size_t len, size_t columns, size_t *taken)
{
	size_t i = 0;

	*taken = 0;
	while (i < len) {
		uint32_t c;
		int n = utf8_decode(s + i, len - i, &c);
		size_t w = n < 0 ? 1 : char_columns(c);

		if (*taken + w > columns)
			break;
		*taken += w;
		i += (size_t)(n < 0 ? -n : n);
	}
	return i;
}

size_t text_cut(struct text_buf *b, size_t start, size_t columns, size_t limit, bool middle)
{
	size_t len = b->len - start, head, head_columns, skip, skip_columns = 0;
	char *p;

	if (limit == 0) {
		b->len = start;
		return 0;
	}
	if (!text_room(b, strlen(ELLIPSIS)))
		return 0;
	p = b->data + start;
	head = prefix_bytes(p, len, middle ? (limit - 1) / 3 : limit - 1, &head_columns);
	skip = len;
	if (middle) {
		size_t tail = limit - 1 - head_columns;

		/* A character of two columns may leave one more to be dropped. */
		skip = prefix_bytes(p, len, columns - tail, &skip_columns);
		if (columns - skip_columns > tail)
			skip += prefix_bytes(p + skip, len - skip, 2, &skip_columns);
		columns = text_columns(p + skip, len - skip);
	} else {
		columns = 0;
	}
	memmove(p + head + strlen(ELLIPSIS), p + skip, len - skip);
	memcpy(p + head, ELLIPSIS, strlen(ELLIPSIS));
	b->len = start + head + strlen(ELLIPSIS) + len - skip;
	return head_columns + 1 + columns;
}
