// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --where: running a compiled expression, and showing where one that can't be compiled is wrong. */
#include "core/rows/where_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/escape.h"
#include "core/base/glob.h"
#include "core/base/text_buf.h"
#include "core/names/user.h"
#include "core/rows/unit_addr.h"

/* Columns shown before and after the mistake in a long text. */
#define SHOWN_BEFORE 40
#define SHOWN_AFTER  30

static int compare_magnitudes(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Compares a number with the literal, both with their signs. */
static int compare_number(const struct value *v, const struct where_test *t)
{
	bool negative = v->kind == V_INT && v->i < 0;
	uint64_t size = negative ? 0 - (uint64_t)v->i : v->u;

	if (negative != (t->negative && t->number > 0))
		return negative ? -1 : 1;
	return negative ? compare_magnitudes(t->number, size) : compare_magnitudes(size, t->number);
}

static bool holds(enum where_op op, int order)
{
	switch (op) {
	case OP_EQ:
		return order == 0;
	case OP_NE:
		return order != 0;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	case OP_GE:
		return order >= 0;
	default:
		return false;
	}
}

static bool test_text(const struct where *w, const struct where_test *t, const char *s, size_t len)
{
	const char *literal = t->len ? w->text.data + t->off : "";

	switch (t->op) {
	case OP_GLOB:
		return glob_match(literal, t->len, s, len);
	case OP_NOT_GLOB:
		return !glob_match(literal, t->len, s, len);
	default:
		if (t->col->unit == U_ADDR && memchr(literal, '/', t->len))
			return holds(t->op, !addr_in_network(s, len, literal, t->len));
		return holds(t->op, len != t->len || memcmp(s, literal, len) != 0);
	}
}

static bool run_test(const struct where *w, const struct where_test *t, const void *rec, size_t len,
		     char *scratch)
{
	struct value v;

	column_value(w->names, t->col, rec, len, scratch, &v);
	if (v.kind == V_NONE)
		return t->op == OP_NE || t->op == OP_NOT_GLOB;
	if (t->is_text) {
		if (v.kind == V_BYTES)
			return test_text(w, t, v.bytes.p, v.bytes.len);
		/* The only numbers with a text are users. */
		const char *name = user_name(&w->names->users, (uint32_t)v.u);

		return test_text(w, t, name, strlen(name));
	}
	if (t->col->unit == U_CLOCK) {
		v.i = (int64_t)(v.u - w->start_ns);
		v.kind = V_INT;
	}
	return holds(t->op, compare_number(&v, t));
}

bool where_match(const struct where *w, const void *rec, size_t len)
{
	char scratch[VALUE_SCRATCH];
	bool answer = true;

	for (size_t pc = 0; pc < w->n_code;) {
		const struct where_insn *insn = &w->code[pc++];

		switch (insn->code) {
		case CODE_TEST:
			answer = run_test(w, &w->tests[insn->arg], rec, len, scratch);
			break;
		case CODE_NOT:
			answer = !answer;
			break;
		case CODE_JUMP_FALSE:
			if (!answer)
				pc = insn->arg;
			break;
		case CODE_JUMP_TRUE:
			if (answer)
				pc = insn->arg;
			break;
		}
	}
	return answer;
}

void where_set_view(struct where *w, struct names *names, uint64_t start_ns)
{
	w->names = names;
	w->start_ns = start_ns;
}

void where_free(struct where *w)
{
	if (!w)
		return;
	free(w->code);
	free(w->tests);
	text_free(&w->text);
	free(w);
}

/* Adds the text from @s to @end in one line: what a terminal might act on is escaped. */
static void add_visible(struct text_buf *out, const char *s, const char *end)
{
	while (s < end) {
		size_t plain = 0, other = 0;
		char *to;

		while (s + plain < end && s[plain] >= ' ' && s[plain] <= '~')
			plain++;
		text_add(out, s, plain);
		s += plain;
		while (s + other < end && !(s[other] >= ' ' && s[other] <= '~'))
			other++;
		to = text_room(out, other * ESCAPE_MAX);
		if (!to)
			return;
		out->len += escape_text(to, s, other);
		s += other;
	}
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Where the character that ends before @at begins; no more than 4 bytes, whatever they are. */
static const char *char_before(const struct where_parser *p, const char *at)
{
	const char *s = at - 1;

	while (s > p->text && at - s < 4 && continues(*s))
		s--;
	return s;
}

static const char *char_after(const struct where_parser *p, const char *at)
{
	const char *s = at + 1;

	while (s < p->end && s - at < 4 && continues(*s))
		s++;
	return s;
}

/* Columns that one character takes when shown; one that takes none counts as well. */
static size_t char_columns(const char *s, const char *end)
{
	struct text_buf shown = { 0 };
	size_t columns;

	add_visible(&shown, s, end);
	columns = shown.data ? text_columns(shown.data, shown.len) : 0;
	text_free(&shown);
	return columns ? columns : 1;
}

/* Goes back from the mistake, or on from it, by as many characters as fit into @columns. */
static const char *go_back(const struct where_parser *p, size_t columns)
{
	const char *at = p->error_at;

	while (at > p->text) {
		const char *before = char_before(p, at);
		size_t wide = char_columns(before, at);

		if (wide > columns)
			break;
		columns -= wide;
		at = before;
	}
	return at;
}

static const char *go_on(const struct where_parser *p, size_t columns)
{
	const char *at = p->error_at;

	while (at < p->end) {
		const char *after = char_after(p, at);
		size_t wide = char_columns(at, after);

		if (wide > columns)
			break;
		columns -= wide;
		at = after;
	}
	return at;
}

/* Three lines: what is wrong, the text around the place, and a caret under it. */
static void show_mistake(const struct where_parser *p, char *error, size_t error_size)
{
	const char *from = go_back(p, SHOWN_BEFORE);
	const char *to = go_on(p, SHOWN_AFTER);
	struct text_buf message = { 0 }, line = { 0 };
	size_t caret;

	/* A text that is short is shown whole, wherever the mistake is. */
	if (p->end - p->text <= SHOWN_BEFORE + SHOWN_AFTER) {
		from = p->text;
		to = p->end;
	}
	text_puts(&line, from > p->text ? "..." : "");
	add_visible(&line, from, p->error_at);
	caret = line.data ? text_columns(line.data, line.len) : 0;
	add_visible(&line, p->error_at, to);
	text_puts(&line, to < p->end ? "..." : "");
	add_visible(&message, p->message, p->message + strlen(p->message));
	snprintf(error, error_size, "%s\n%s\n%*s^", text_cstr(&message), text_cstr(&line),
		 (int)caret, "");
	text_free(&message);
	text_free(&line);
}

struct where *where_compile(const struct table *table, const char *text, char *error,
			    size_t error_size)
{
	size_t len = strlen(text);
	struct where_parser p = {
		.table = table,
		.text = text,
		.at = text,
		.end = text + len,
		.w = calloc(1, sizeof(*p.w)),
	};

	if (!p.w)
		where_fail(&p, text, "out of memory");
	else if (where_parse(&p))
		return p.w;
	show_mistake(&p, error, error_size);
	where_free(p.w);
	return NULL;
}
