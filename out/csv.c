/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * CSV after RFC 4180, with \n between lines. Text is escaped as for a terminal (a newline is \n, a
 * backslash \\, a byte that isn't UTF-8 \xNN), so that a row is always one line; numbers are in
 * their base unit and users are uids. Another table begins with an empty line and its own header.
 */
#include "out/sink_internal.h"

#include <string.h>

#include "core/base/escape.h"

/*
 * Puts the field that begins at @start of the buffer into quotes if it needs them: a separator or
 * quote in it, or spaces at an end, which some readers drop.
 */
static void quote_field(struct text_buf *b, size_t start)
{
	size_t len = b->len - start, quotes = 0;
	char *p = b->data + start, *to;

	if (b->failed || len == 0)
		return;
	if (!memchr(p, ',', len) && !memchr(p, '"', len) && p[0] != ' ' && p[len - 1] != ' ')
		return;
	for (size_t i = 0; i < len; i++)
		quotes += p[i] == '"';
	if (!text_room(b, quotes + 2))
		return;
	p = b->data + start;
	to = p + len + quotes + 2;
	*--to = '"';
	for (size_t i = len; i-- > 0;) {
		*--to = p[i];
		if (p[i] == '"')
			*--to = '"';
	}
	*--to = '"';
	b->len += quotes + 2;
}

static void add_escaped(struct text_buf *b, const char *s, size_t len)
{
	char *to = text_room(b, ESCAPE_MAX * len);

	if (to)
		b->len += escape_text(to, s, len);
}

static void csv_text(struct sink *s, const struct value *v)
{
	size_t start = s->out.len;

	if (v->bytes.len == 0) {
		text_add(&s->out, "\"\"", 2); /* empty, where nothing at all is "no value" */
		return;
	}
	add_escaped(&s->out, v->bytes.p, v->bytes.len);
	quote_field(&s->out, start);
}

/* A frame's name. What separates frames is \x3b inside one: symbols come from programs' files. */
static void add_frame(struct text_buf *b, const char *s, size_t len)
{
	for (const char *end = s + len; s < end;) {
		const char *mark = memchr(s, ';', (size_t)(end - s));

		add_escaped(b, s, (size_t)((mark ? mark : end) - s));
		if (!mark)
			return;
		text_puts(b, "\\x3b");
		s = mark + 1;
	}
}

static void csv_stack(struct sink *s, const struct cell *c, const void *rec, size_t len,
		      const struct value *v)
{
	size_t n, name_len, start = s->out.len;
	const char *list = stack_frames(s, c, rec, len, v, &n), *name;

	while (next_frame(&list, &n, &name, &name_len)) {
		if (s->out.len > start)
			text_pad(&s->out, ';', 1);
		add_frame(&s->out, name, name_len);
	}
	quote_field(&s->out, start);
}

static void csv_number(struct sink *s, const struct cell *c, const struct value *v)
{
	char *to = text_room(&s->out, NUMBER_MAX);

	if (to)
		s->out.len += put_machine_number(to, c->col, v, &s->opts.clock);
}

static bool comes_twice(const struct sink *s, const struct cell *c)
{
	return c->col->unit == U_CLOCK && s->opts.clock.wall;
}

static void csv_cell(struct sink *s, const struct cell *c, const void *rec, size_t len)
{
	struct value v;
	char *to;

	cell_value(s, c, rec, len, &v);
	if (comes_twice(s, c)) {
		to = text_room(&s->out, NUMBER_MAX);
		if (to && (v.kind == V_INT || v.kind == V_UINT))
			s->out.len += put_iso_time(to, &s->opts.clock, v.u);
		text_pad(&s->out, ',', 1);
	}
	if (v.kind == V_INT || v.kind == V_UINT)
		csv_number(s, c, &v);
	else if (v.kind == V_BYTES && is_stack(c))
		csv_stack(s, c, rec, len, &v);
	else if (v.kind == V_BYTES)
		csv_text(s, &v);
	else if (s->plan.n == 1)
		text_add(&s->out, "\"\"", 2); /* readers skip an empty line */
}

static void csv_row(struct sink *s, const void *rec, size_t len)
{
	for (size_t i = 0; i < s->plan.n; i++) {
		if (i)
			text_pad(&s->out, ',', 1);
		csv_cell(s, &s->plan.cells[i], rec, len);
	}
	text_pad(&s->out, '\n', 1);
}

static void csv_header(struct sink *s)
{
	if (s->printed)
		text_pad(&s->out, '\n', 1);
	s->printed = true;
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct cell *c = &s->plan.cells[i];

		if (i)
			text_pad(&s->out, ',', 1);
		if (comes_twice(s, c)) {
			text_puts(&s->out, c->other);
			text_pad(&s->out, ',', 1);
		}
		text_puts(&s->out, c->key);
	}
	text_pad(&s->out, '\n', 1);
}

const struct sink_ops csv_ops = {
	.header = csv_header,
	.row = csv_row,
};
