// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --where: what stands on the right of a comparison. */
#include "core/rows/where_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/suggest.h"
#include "core/rows/unit_addr.h"

/* The literal as typed: p..p+len is what is inside the quotes, if there are any. */
struct typed {
	const char *start;
	const char *p;
	size_t len;
	bool quoted;
};

static bool is_glob(enum where_op op)
{
	return op == OP_GLOB || op == OP_NOT_GLOB;
}

static bool is_ordering(enum where_op op)
{
	return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
}

/* Does a bare word end at @s? Globs may hold "!" and flags a single "|". */
static bool ends_word(const char *s, const char *end)
{
	bool pair = s + 1 < end;

	if (isspace((unsigned char)*s) || strchr("()\"'<>=", *s))
		return true;
	if (*s == '!')
		return pair && (s[1] == '=' || s[1] == '~');
	return pair && (*s == '&' || *s == '|') && s[1] == *s;
}

static bool read_quoted(struct where_parser *p, struct typed *lit)
{
	char quote = *p->at++;

	lit->quoted = true;
	lit->p = p->at;
	while (p->at < p->end && *p->at != quote)
		p->at += *p->at == '\\' && p->at + 1 < p->end ? 2 : 1;
	if (p->at >= p->end)
		return where_fail(p, lit->start, "this quote is never closed");
	lit->len = (size_t)(p->at++ - lit->p);
	return true;
}

static bool read_literal(struct where_parser *p, const char *op_text, struct typed *lit)
{
	where_skip_blanks(p);
	*lit = (struct typed){ .start = p->at, .p = p->at };
	if (p->at < p->end && (*p->at == '"' || *p->at == '\''))
		return read_quoted(p, lit);
	while (p->at < p->end && !ends_word(p->at, p->end))
		p->at++;
	lit->len = (size_t)(p->at - lit->p);
	if (lit->len == 0)
		return where_fail(p, lit->start, "a value is missing after '%s'", op_text);
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that the escape after the backslash at @s stands for; *@used counts past it. */
static bool read_escape(struct where_parser *p, const char *s, const char *end, char *byte,
			size_t *used)
{
	static const char names[] = "n\nt\tr\re\033";

	*used = 2;
	for (const char *n = names; *n; n += 2) {
		if (s[1] == *n) {
			*byte = n[1];
			return true;
		}
	}
	if (s[1] == 'x') {
		int high = s + 2 < end ? hex_digit(s[2]) : -1;
		int low = s + 3 < end ? hex_digit(s[3]) : -1;

		if (high < 0 || low < 0)
			return where_fail(p, s, "\\x needs two hexadecimal digits, as in \\x1b");
		*byte = (char)(high << 4 | low);
		*used = 4;
		return true;
	}
	if (isalnum((unsigned char)s[1]))
		return where_fail(p, s, "'\\%c' means nothing; write \\\\ for a backslash", s[1]);
	*byte = s[1];
	return true;
}

/* Copies the literal's bytes to where.text; escapes keep their backslash in a glob. */
static bool store_text(struct where_parser *p, const struct typed *lit, struct where_test *t)
{
	const char *s = lit->p, *end = lit->p + lit->len;
	struct text_buf *to = &p->w->text;

	t->is_text = true;
	t->off = to->len;
	while (s < end) {
		size_t used = 1;
		char byte = *s;

		/* In a bare word the backslash is the glob's own, or itself. */
		if (*s == '\\' && lit->quoted && s + 1 < end) {
			if (!read_escape(p, s, end, &byte, &used))
				return false;
			if (is_glob(t->op))
				text_add(to, "\\", 1);
		}
		text_add(to, &byte, 1);
		s += used;
	}
	t->len = to->len - t->off;
	return !to->failed || where_fail(p, lit->start, "out of memory");
}

static bool unknown_name(struct where_parser *p, const struct typed *lit, const char *what,
			 const char *const *names, size_t n)
{
	char word[SHOWN_MAX], copy[64];
	const char *near = NULL;

	shown(word, lit->p, lit->len);
	if (lit->len < sizeof(copy)) {
		memcpy(copy, lit->p, lit->len);
		copy[lit->len] = '\0';
		near = suggest(copy, names, n);
	}
	if (near)
		return where_fail(p, lit->start, "'%s' is not %s; did you mean %s?", word, what,
				  near);
	return where_fail(p, lit->start, "'%s' is not %s", word, what);
}

/* An errno: its name, or its number, which becomes the name. */
static bool errno_literal(struct where_parser *p, const struct typed *lit, struct where_test *t)
{
	const char *names[ERRNO_MAX + 1], *problem, *digits = lit->p;
	size_t len = lit->len;
	uint64_t number;

	if (len > 1 && *digits == '-') {
		digits++;
		len--;
	}
	if (len && isdigit((unsigned char)*digits) &&
	    unit_parse(U_COUNT, digits, len, 0, &number, &problem)) {
		const char *name = number <= INT32_MAX ? errno_name((int)number) : NULL;
		struct typed same = *lit;

		/* One without a name is shown, and compared, as its number. */
		same.p = name ? name : digits;
		same.len = name ? strlen(name) : len;
		return store_text(p, &same, t);
	}
	if (errno_number(lit->p, lit->len) >= 0)
		return store_text(p, lit, t);
	for (int i = 0; i <= ERRNO_MAX; i++)
		names[i] = errno_name(i);
	return unknown_name(p, lit, "the name of an error", names, ERRNO_MAX + 1);
}

/* An address, in its one spelling, or a network. */
static bool addr_literal(struct where_parser *p, const struct typed *lit, struct where_test *t)
{
	char text[ADDR_TEXT], word[SHOWN_MAX];
	struct typed same = *lit;

	if (!addr_canonical(lit->p, lit->len, text))
		return where_fail(p, lit->start, "'%s' is not an address; try %s",
				  shown(word, lit->p, lit->len), unit_examples(U_ADDR));
	same.p = text;
	same.len = strlen(text);
	return store_text(p, &same, t);
}

static bool check_enum(struct where_parser *p, const struct typed *lit, const struct where_test *t)
{
	const char *const *names = t->col->names;
	char what[80];
	size_t n = 0;

	for (; names && names[n]; n++)
		if (strlen(names[n]) == t->len &&
		    memcmp(names[n], p->w->text.data + t->off, t->len) == 0)
			return true;
	snprintf(what, sizeof(what), "a value of %s", t->col->name);
	return unknown_name(p, lit, what, names, n);
}

static bool text_literal(struct where_parser *p, const char *op_text, const struct typed *lit,
			 struct where_test *t)
{
	if (is_ordering(t->op))
		return where_fail(p, lit->start,
				  "'%s' compares numbers, and %s is text; try ==, "
				  "!= or ~",
				  op_text, t->col->name);
	if (t->col->unit == U_ERRNO && !is_glob(t->op))
		return errno_literal(p, lit, t);
	if (t->col->unit == U_ADDR && !is_glob(t->op))
		return addr_literal(p, lit, t);
	if (!store_text(p, lit, t))
		return false;
	if (t->col->unit == U_ENUM && !is_glob(t->op))
		return check_enum(p, lit, t);
	return where_check_text(p, lit->start, t);
}

static bool is_signed(const struct column *col)
{
	switch (col->field.kind) {
	case F_S8:
	case F_S16:
	case F_S32:
	case F_S64:
	case F_KEPT:
		return true;
	default:
		return col->unit == U_CLOCK; /* counted from the start: some came before */
	}
}

/* 0x1f for any unit whose values are plain numbers. */
static enum unit literal_unit(const struct column *col, const char *s, size_t len)
{
	bool hex = len > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

	return hex && col->unit != U_USER ? U_HEX : col->unit;
}

static bool is_word(const struct typed *lit, const char *word)
{
	return strlen(word) == lit->len && memcmp(word, lit->p, lit->len) == 0;
}

static bool number_literal(struct where_parser *p, const struct typed *lit, struct where_test *t)
{
	const char *s = lit->p, *problem, *examples = unit_examples(t->col->unit);
	size_t len = lit->len;
	char word[SHOWN_MAX];

	if (field_is_bool(&t->col->field) && (is_word(lit, "true") || is_word(lit, "false"))) {
		t->number = is_word(lit, "true");
		return true;
	}
	t->negative = len > 1 && *s == '-';
	if (t->negative) {
		s++;
		len--;
	}
	if (len && unit_parse(literal_unit(t->col, s, len), s, len, 0, &t->number, &problem)) {
		if (!t->negative || is_signed(t->col))
			return where_check_number(p, lit->start, t);
		return where_fail(p, lit->start, "%s is never negative", t->col->name);
	}
	shown(word, lit->p, lit->len);
	if (len == 0)
		problem = "not a number";
	return where_fail(p, lit->start, "'%s' is %s%s%s", word, problem, examples ? "; try " : "",
			  examples ? examples : "");
}

bool where_literal(struct where_parser *p, const char *op_text, struct where_test *t)
{
	const char *op_at = p->at - strlen(op_text);
	struct typed lit;

	if (!read_literal(p, op_text, &lit))
		return false;
	if (unit_is_text(t->col->unit))
		return text_literal(p, op_text, &lit, t);
	if (!is_glob(t->op))
		return number_literal(p, &lit, t);
	if (t->col->unit == U_USER)
		return store_text(p, &lit, t) && where_check_text(p, lit.start, t);
	return where_fail(p, op_at, "'%s' matches text, and %s is a number", op_text, t->col->name);
}
