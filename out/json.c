/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* JSON Lines: one flat object per row, always valid UTF-8, numbers exact and in their base unit. */
#include "out/sink_internal.h"

#include <string.h>

#include "core/base/digits.h"
#include "core/base/escape.h"
#include "core/names/user.h"

static char *append(char *to, const char *s, size_t n)
{
	memcpy(to, s, n);
	return to + n;
}

/* Keys are names from the program's own tables: letters, digits and '_', never escaped. */
static char *put_key(char *to, const char *key)
{
	to = append(to, ",\"", 2);
	to = append(to, key, strlen(key));
	return append(to, "\":", 2);
}

static char *put_string(char *to, const char *s, size_t len, bool *was_valid)
{
	*to++ = '"';
	to += escape_json(to, s, len, was_valid);
	*to++ = '"';
	return to;
}

static void json_key(struct text_buf *b, const char *key)
{
	char *to = text_room(b, KEY_MAX + 4);

	if (to)
		b->len = (size_t)(put_key(to, key) - b->data);
}

static void json_string(struct text_buf *b, const char *s, size_t len, bool *was_valid)
{
	char *to = text_room(b, ESCAPE_MAX * len + 2);

	*was_valid = true;
	if (to)
		b->len = (size_t)(put_string(to, s, len, was_valid) - b->data);
}

static void json_head(struct text_buf *b, const char *type)
{
	bool valid;

	text_puts(b, "{\"type\":");
	json_string(b, type, strlen(type), &valid);
}

static void json_plan(struct sink *s)
{
	json_head(&s->plan.head, s->plan.table->type);
	for (size_t i = 0; i < s->plan.n; i++) {
		struct cell *c = &s->plan.cells[i];

		c->lead_len = (size_t)(put_key(c->lead, c->key) - c->lead);
	}
}

/* What U+FFFD stands for, for whoever has to open that file. */
static void json_raw(struct sink *s, const struct cell *c, const char *bytes, size_t len)
{
	struct text_buf *b = &s->out;
	char *to = text_room(b, KEY_MAX + 16 + 4 * ((len + 2) / 3));

	if (!to)
		return;
	to = append(to, ",\"", 2);
	to = append(to, c->key, strlen(c->key));
	to = append(to, "_raw\":\"", 7);
	to += base64(to, bytes, len);
	*to++ = '"';
	b->len = (size_t)(to - b->data);
}

static void json_text(struct sink *s, const struct cell *c, const struct value *v)
{
	bool valid;

	json_string(&s->out, v->bytes.p, v->bytes.len, &valid);
	if (!valid)
		json_raw(s, c, v->bytes.p, v->bytes.len);
}

static void json_null(struct sink *s, const struct cell *c)
{
	text_add(&s->out, "null", 4);
	if (c->col->unit == U_USER || is_args(c)) {
		json_key(&s->out, c->other);
		text_add(&s->out, "null", 4);
	}
}

static void json_user(struct sink *s, const struct cell *c, uint32_t uid)
{
	const char *name = user_name(&s->opts.clock.names->users, uid);
	bool valid;

	json_key(&s->out, c->other);
	json_string(&s->out, name, strlen(name), &valid);
}

static void json_number(struct sink *s, const struct cell *c, const struct value *v)
{
	struct text_buf *b = &s->out;
	bool quoted = c->col->unit == U_OCTAL;
	char *to = text_room(b, NUMBER_MAX + 2);

	if (!to)
		return;
	if (field_is_bool(&c->col->field)) {
		to = v->u ? append(to, "true", 4) : append(to, "false", 5);
	} else {
		if (quoted)
			*to++ = '"';
		to += put_machine_number(to, c->col, v, &s->opts.clock);
		if (quoted)
			*to++ = '"';
	}
	b->len = (size_t)(to - b->data);
	if (c->col->unit == U_USER)
		json_user(s, c, (uint32_t)v->u);
}

static void json_stack(struct sink *s, const struct cell *c, const void *rec, size_t len,
		       const struct value *v)
{
	struct text_buf *b = &s->out;
	size_t n, name_len, frames = 0;
	const char *list = stack_frames(s, c, rec, len, v, &n), *name;
	bool valid;

	text_pad(b, '[', 1);
	while (next_frame(&list, &n, &name, &name_len)) {
		if (frames++)
			text_pad(b, ',', 1);
		json_string(b, name, name_len, &valid);
	}
	text_pad(b, ']', 1);
}

/* Arguments as they were passed, one by one, and whether there were more. */
static void json_args(struct sink *s, const struct cell *c, const void *rec, size_t len)
{
	struct text_buf *b = &s->out;
	bool valid = true, this_valid;
	const char *arg, *first = NULL;
	struct args args;
	size_t n;

	if (!args_open(&args, c->col, rec, len))
		return;
	text_pad(b, '[', 1);
	while (args_next(&args, &arg, &n)) {
		if (first)
			text_pad(b, ',', 1);
		first = first ? first : arg;
		json_string(b, arg, n, &this_valid);
		valid &= this_valid;
	}
	text_pad(b, ']', 1);
	json_key(b, c->other);
	text_puts(b, args.cut ? "true" : "false");
	if (!valid)
		json_raw(s, c, first, (size_t)(args.at - first));
}

/* With -T a clock column comes twice: for people, and to reckon with. */
static void json_wall_clock(struct sink *s, const struct cell *c, const struct value *v)
{
	struct text_buf *b = &s->out;
	char *to;

	json_key(b, c->other);
	to = text_room(b, NUMBER_MAX + 2);
	if (!to)
		return;
	*to++ = '"';
	to += put_iso_time(to, &s->opts.clock, v->u);
	*to++ = '"';
	b->len = (size_t)(to - b->data);
}

static bool is_number(const struct value *v)
{
	return v->kind == V_INT || v->kind == V_UINT;
}

static void json_cell(struct sink *s, const struct cell *c, const void *rec, size_t len)
{
	struct value v;

	cell_value(s, c, rec, len, &v);
	if (c->col->unit == U_CLOCK && s->opts.clock.wall && is_number(&v))
		json_wall_clock(s, c, &v);
	text_add(&s->out, c->lead, c->lead_len);
	if (v.kind == V_NONE)
		json_null(s, c);
	else if (is_number(&v))
		json_number(s, c, &v);
	else if (is_stack(c))
		json_stack(s, c, rec, len, &v);
	else if (is_args(c))
		json_args(s, c, rec, len);
	else
		json_text(s, c, &v);
}

static void json_row(struct sink *s, const void *rec, size_t len)
{
	text_add(&s->out, s->plan.head.data, s->plan.head.len);
	for (size_t i = 0; i < s->plan.n; i++)
		json_cell(s, &s->plan.cells[i], rec, len);
	text_add(&s->out, "}\n", 2);
}

static void json_pair_value(struct text_buf *b, const struct json_pair *p)
{
	bool valid;
	char *to;

	switch (p->kind) {
	case JP_UINT:
	case JP_INT:
		to = text_room(b, DIGITS_MAX);
		if (to)
			b->len += p->kind == JP_UINT ? put_u64(to, p->u) : put_i64(to, p->i);
		break;
	case JP_TEXT:
		if (p->text)
			json_string(b, p->text, strlen(p->text), &valid);
		else
			text_puts(b, "null");
		break;
	case JP_BOOL:
		text_puts(b, p->b ? "true" : "false");
		break;
	}
}

static void json_record(struct sink *s, const char *type, const struct json_pair *pairs, size_t n)
{
	struct text_buf *b = &s->out;

	json_head(b, type);
	for (size_t i = 0; i < n; i++) {
		bool valid;

		text_pad(b, ',', 1);
		json_string(b, pairs[i].key, strlen(pairs[i].key), &valid);
		text_pad(b, ':', 1);
		json_pair_value(b, &pairs[i]);
	}
	text_add(b, "}\n", 2);
}

const struct sink_ops json_ops = {
	.plan = json_plan,
	.row = json_row,
	.record = json_record,
};
