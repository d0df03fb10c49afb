/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Aligned columns for people. Into a pipe every value is whole and pushes the rest when it is
 * long; on a terminal a line fits: COL_WIDE columns share what the others leave, and what still
 * doesn't fit is cut and shows "…".
 */
#include "out/text_fit.h"

#include <ctype.h>
#include <string.h>

#include "core/base/escape.h"
#include "core/names/user.h"

#define BOLD	   "\x1b[1m"
#define BAR_COLOUR "\x1b[36m"
#define PLAIN	   "\x1b[0m"
#define BAR	   "▇"

#define STACK_INDENT	"    "
#define STACK_SEPARATOR "--" /* between the kernel's frames and the user's */

/*
 * Pads the cell from @start to the end of the buffer, @columns wide, to its width, or @limit where
 * that is less. Returns its new width.
 */
static size_t align(struct text_buf *b, const struct cell *c, size_t start, size_t columns,
		    size_t limit)
{
	size_t width = c->width < limit ? c->width : limit, pad, len = b->len - start;

	if (columns >= width || (c->last && !c->right))
		return columns;
	pad = width - columns;
	if (!text_room(b, pad))
		return columns;
	if (c->right) {
		memmove(b->data + start + pad, b->data + start, len);
		memset(b->data + start, ' ', pad);
	} else {
		memset(b->data + start + len, ' ', pad);
	}
	b->len += pad;
	return width;
}

static size_t add_escaped(struct text_buf *b, const char *s, size_t len)
{
	char *to = text_room(b, ESCAPE_MAX * len + 1);
	size_t n;

	if (!to)
		return 0;
	n = escape_text(to, s, len);
	b->len += n;
	return text_columns(to, n);
}

static void add_bar(struct sink *s, const struct value *v)
{
	uint64_t share = v->kind == V_INT && v->i < 0 ? 0 : v->u;
	size_t bars = share >= 10000 ? BAR_COLUMNS : (share * BAR_COLUMNS + 5000) / 10000;

	if (bars && s->opts.colour)
		text_puts(&s->out, BAR_COLOUR);
	for (size_t i = 0; i < bars; i++)
		text_puts(&s->out, BAR);
	if (bars && s->opts.colour)
		text_puts(&s->out, PLAIN);
	text_pad(&s->out, ' ', BAR_COLUMNS + 1 - bars);
}

/* "▇▇▇▇   81.2%", or only the number where a bar doesn't fit or nobody would see it. */
static size_t add_number(struct sink *s, const struct cell *c, const struct value *v, size_t limit)
{
	char number[NUMBER_MAX];
	size_t n = put_number(number, c->col, v, &s->opts.clock), before = 0;

	if (c->bar) {
		size_t pad = n < SHARE_COLUMNS ? SHARE_COLUMNS - n : 0;

		if (limit >= BAR_COLUMNS + 1 + pad + n) {
			add_bar(s, v);
			text_pad(&s->out, ' ', pad);
			before = BAR_COLUMNS + 1 + pad;
		}
	}
	text_add(&s->out, number, n);
	return before + n;
}

size_t text_value(struct sink *s, const struct cell *c, const struct value *v, size_t limit)
{
	if (v->kind == V_BYTES && v->bytes.len)
		return add_escaped(&s->out, v->bytes.p, v->bytes.len);
	if (v->kind == V_NONE || v->kind == V_BYTES) {
		text_add(&s->out, "-", 1);
		return 1;
	}
	if (c->col->unit == U_USER) {
		const char *name = user_name(&s->opts.clock.names->users, (uint32_t)v->u);

		return add_escaped(&s->out, name, strlen(name));
	}
	return add_number(s, c, v, limit);
}

/* Appends one cell of a line that is written up to @pos; returns the new position. */
static size_t add_cell(struct sink *s, const struct cell *c, const struct value *v, size_t pos)
{
	size_t limit = cell_limit(s, c, pos + (pos > 0)), start, columns;

	if (limit == 0)
		return pos;
	if (pos) {
		text_pad(&s->out, ' ', 1);
		pos++;
	}
	start = s->out.len;
	columns = text_value(s, c, v, limit);
	if (s->out.failed)
		return pos;
	if (columns > limit)
		columns = text_cut(&s->out, start, columns, limit, c->fitted);
	return pos + align(&s->out, c, start, columns, limit);
}

/* Writes @n spaces and returns their end; up to 7 bytes more are scribbled on. */
static char *put_spaces(char *to, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		memcpy(to + i, "        ", 8);
	return to + n;
}

/* add_cell() for a pipe, where nothing is cut or drawn: the path that has to be fast. */
static void pipe_cell(struct sink *s, const struct cell *c, const struct value *v, bool first)
{
	const char *text = "-";
	char number[NUMBER_MAX];
	size_t len = 1, columns;
	char *to;

	if (v->kind == V_BYTES && v->bytes.len) {
		text = v->bytes.p;
		len = v->bytes.len;
	} else if (v->kind == V_INT || v->kind == V_UINT) {
		if (c->col->unit == U_USER) {
			text = user_name(&s->opts.clock.names->users, (uint32_t)v->u);
			len = strlen(text);
		} else {
			text = number;
			len = put_number(number, c->col, v, &s->opts.clock);
		}
	}
	to = text_room(&s->out, 1 + ESCAPE_MAX * len + c->width + 8);
	if (!to)
		return;
	if (!first)
		*to++ = ' ';
	if (c->right && v->kind != V_BYTES) {
		to = put_spaces(to, len < c->width ? c->width - len : 0);
		memcpy(to, text, len);
		to += len;
	} else {
		size_t n = escape_text(to, text, len);

		columns = text_columns(to, n);
		to += n;
		if (!c->last && columns < c->width)
			to = put_spaces(to, c->width - columns);
	}
	s->out.len = (size_t)(to - s->out.data);
}

void text_end_line(struct sink *s, size_t columns)
{
	text_pad(&s->out, '\n', 1);
	s->lines += 1;
	if (fits_terminal(s) && columns)
		s->lines += (columns - 1) / (size_t)s->opts.width;
	s->printed = true;
	s->titled = false;
}

void text_names(struct sink *s)
{
	size_t pos = 0;

	if (s->opts.colour)
		text_puts(&s->out, BOLD);
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct cell *c = &s->plan.cells[i];
		char name[KEY_MAX];
		size_t n = 0;

		if (is_off_line(c))
			continue;
		for (; n < sizeof(name) && c->col->name[n]; n++)
			name[n] = (char)toupper((unsigned char)c->col->name[n]);
		pos = add_cell(s, c, &(struct value){ V_BYTES, .bytes = { name, n } }, pos);
	}
	if (s->opts.colour)
		text_puts(&s->out, PLAIN);
	text_end_line(s, pos);
}

/* Returns whether a frame was printed. */
static bool text_stack(struct sink *s, const struct cell *c, const void *rec, size_t len,
		       bool separate)
{
	const char *list, *name;
	size_t n, name_len;
	struct value v;
	bool any = false;

	cell_value(s, c, rec, len, &v);
	if (v.kind != V_BYTES)
		return false;
	list = stack_frames(s, c, rec, len, &v, &n);
	while (next_frame(&list, &n, &name, &name_len)) {
		if (separate && !any) {
			text_puts(&s->out, STACK_INDENT STACK_SEPARATOR);
			text_end_line(s, strlen(STACK_INDENT STACK_SEPARATOR));
		}
		any = true;
		text_puts(&s->out, STACK_INDENT);
		text_end_line(s, strlen(STACK_INDENT) + add_escaped(&s->out, name, name_len));
	}
	return any;
}

/* Of parts of a whole, tenths of a percent are what has to add up: they are what is shown. */
void text_cell_value(struct sink *s, const struct cell *c, const void *rec, size_t len,
		     struct value *v)
{
	uint64_t tenths;

	cell_value(s, c, rec, len, v);
	if (c->col->part && v->kind == V_UINT && column_part(c->col, rec, len, 1000, &tenths))
		v->u = 10 * tenths;
}

void text_row(struct sink *s, const void *rec, size_t len)
{
	bool stacks = false;
	size_t pos = 0;

	for (size_t i = 0; i < s->plan.n; i++) {
		const struct cell *c = &s->plan.cells[i];
		struct value v;

		if (is_off_line(c))
			continue;
		text_cell_value(s, c, rec, len, &v);
		if (s->opts.terminal)
			pos = add_cell(s, c, &v, pos);
		else
			pipe_cell(s, c, &v, pos++ == 0);
	}
	text_end_line(s, pos);
	for (size_t i = 0; i < s->plan.n; i++)
		if (is_stack(&s->plan.cells[i]))
			stacks |= text_stack(s, &s->plan.cells[i], rec, len, stacks);
}

void text_title_line(struct sink *s, const char *title)
{
	size_t start, columns;

	if (s->printed)
		text_end_line(s, 0);
	if (s->opts.colour)
		text_puts(&s->out, BOLD);
	start = s->out.len;
	columns = add_escaped(&s->out, title, strlen(title));
	if (fits_terminal(s) && columns > (size_t)s->opts.width && !s->out.failed)
		columns = text_cut(&s->out, start, columns, (size_t)s->opts.width, false);
	if (s->opts.colour)
		text_puts(&s->out, PLAIN);
	text_end_line(s, columns);
	s->titled = true;
	s->plan.table = NULL; /* a table under a title has its header */
}

static void text_line(struct sink *s, const char *line)
{
	text_puts(&s->out, line);
	text_end_line(s, text_columns(line, strlen(line)));
}

/* Rows to come one by one: what had no room is said now, for the end may be far. */
static void text_header(struct sink *s)
{
	if (s->printed && !s->titled)
		text_end_line(s, 0);
	text_left_out(s);
	text_names(s);
}

const struct sink_ops text_ops = {
	.plan = text_plan,
	.header = text_header,
	.row = text_row,
	.table = text_table,
	.resized = text_resized,
	.title = text_title,
	.line = text_line,
	.note = text_note,
	.clear = text_clear,
	.frame = text_frame,
	.frame_end = text_frame_end,
};
