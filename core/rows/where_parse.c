// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --where: from text to a program. Recursive descent, one level per parenthesis. */
#include "core/rows/where_impl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/suggest.h"
#include "core/rows/columns.h"

/* Nobody nests this deep by hand; it bounds the stack that parsing takes. */
#define DEPTH_MAX 64

/* Ends a chain of jumps that wait for their destination. */
#define NO_INSN SIZE_MAX

static bool parse_or(struct where_parser *p);

bool where_fail(struct where_parser *p, const char *at, const char *fmt, ...)
{
	va_list args;

	if (p->error_at)
		return false;
	p->error_at = at;
	va_start(args, fmt);
	vsnprintf(p->message, sizeof(p->message), fmt, args);
	va_end(args);
	return false;
}

void where_skip_blanks(struct where_parser *p)
{
	while (p->at < p->end && isspace((unsigned char)*p->at))
		p->at++;
}

static bool next_is(const struct where_parser *p, const char *token)
{
	size_t len = strlen(token);

	return (size_t)(p->end - p->at) >= len && memcmp(p->at, token, len) == 0;
}

/* Skips @token and returns true if it comes next. */
static bool accept(struct where_parser *p, const char *token)
{
	where_skip_blanks(p);
	if (!next_is(p, token))
		return false;
	p->at += strlen(token);
	return true;
}

static bool emit(struct where_parser *p, enum where_code code, size_t arg)
{
	struct where *w = p->w;

	if (w->n_code == w->code_cap) {
		size_t cap = w->code_cap ? 2 * w->code_cap : 8;
		struct where_insn *more = reallocarray(w->code, cap, sizeof(*more));

		if (!more)
			return where_fail(p, p->at, "out of memory");
		w->code = more;
		w->code_cap = cap;
	}
	w->code[w->n_code++] = (struct where_insn){ code, arg };
	return true;
}

static bool emit_test(struct where_parser *p, const struct where_test *t)
{
	struct where *w = p->w;

	if (w->n_tests == w->tests_cap) {
		size_t cap = w->tests_cap ? 2 * w->tests_cap : 4;
		struct where_test *more = reallocarray(w->tests, cap, sizeof(*more));

		if (!more)
			return where_fail(p, p->at, "out of memory");
		w->tests = more;
		w->tests_cap = cap;
	}
	w->tests[w->n_tests] = *t;
	return emit(p, CODE_TEST, w->n_tests++);
}

/* Sends the jumps that are chained through their arg to the next instruction. */
static void land(struct where *w, size_t chain)
{
	while (chain != NO_INSN) {
		size_t next = w->code[chain].arg;

		w->code[chain].arg = w->n_code;
		chain = next;
	}
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.%-/", c)) || (unsigned char)c >= 0x80;
}

static size_t name_len(const struct where_parser *p)
{
	size_t len = 0;

	while (p->at + len < p->end && is_name_byte(p->at[len]))
		len++;
	return len;
}

/*
 * Arguments have texts such as "file->f_path": the longest that stands here and holds something
 * that names don't. 0: none.
 */
static size_t text_len(const struct where_parser *p)
{
	size_t most = 0;

	for (const struct column *c = p->table->columns; c->name; c++) {
		size_t len = c->classic ? strlen(c->classic) : 0;
		bool odd = false;

		for (size_t i = 0; i < len; i++)
			odd |= !is_name_byte(c->classic[i]) || c->classic[i] == '-';
		if (odd && len > most && next_is(p, c->classic))
			most = len;
	}
	return most;
}

static bool unknown_column(struct where_parser *p, size_t len)
{
	char message[sizeof(p->message)];

	columns_unknown(p->table, p->at, len, message, sizeof(message));
	return where_fail(p, p->at, "%s", message);
}

static bool parse_column(struct where_parser *p, struct where_test *t)
{
	size_t len;
	int col;

	where_skip_blanks(p);
	len = text_len(p);
	if (!len)
		len = name_len(p);
	if (len == 0) {
		char found[SHOWN_MAX];

		if (p->at == p->end)
			return where_fail(p, p->at, "a column is missing here, as in pid == 1");
		return where_fail(p, p->at, "expected a column, found '%s'",
				  shown(found, p->at, 1));
	}
	col = columns_find(p->table, p->at, len);
	if (col < 0 && isdigit((unsigned char)*p->at))
		return where_fail(p, p->at, "a test begins with a column, as in pid == 1");
	if (col < 0)
		return unknown_column(p, len);
	t->col = &p->table->columns[col];
	if (t->col->unit == U_STACK)
		return where_fail(p, p->at, "'%s' is a stack, which --where can't test",
				  t->col->name);
	p->at += len;
	return true;
}

static bool parse_op(struct where_parser *p, struct where_test *t, const char **text)
{
	/* Longer ones first. */
	static const struct {
		const char *text;
		enum where_op op;
	} ops[] = {
		{ "==", OP_EQ }, { "!=", OP_NE },  { "<=", OP_LE },
		{ ">=", OP_GE }, { "<", OP_LT },   { "!~", OP_NOT_GLOB },
		{ ">", OP_GT },	 { "~", OP_GLOB }, { "=", OP_EQ },
	};

	where_skip_blanks(p);
	if (next_is(p, "=~"))
		return where_fail(p, p->at, "write ~ instead of =~");
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (next_is(p, ops[i].text)) {
			p->at += strlen(ops[i].text);
			t->op = ops[i].op;
			*text = ops[i].text;
			return true;
		}
	}
	return where_fail(p, p->at, "expected a comparison after '%s': == != < <= > >= ~ !~",
			  t->col->name);
}

static bool parse_test(struct where_parser *p)
{
	struct where_test t = { 0 };
	const char *op_text = "";

	return parse_column(p, &t) && parse_op(p, &t, &op_text) && where_literal(p, op_text, &t) &&
	       emit_test(p, &t);
}

static bool parse_parens(struct where_parser *p)
{
	const char *opened = p->at - 1;

	if (++p->depth > DEPTH_MAX)
		return where_fail(p, opened, "too many parentheses inside each other; at most %d",
				  DEPTH_MAX);
	if (!parse_or(p))
		return false;
	p->depth--;
	where_skip_blanks(p);
	if (p->at == p->end)
		return where_fail(p, opened, "this '(' is never closed");
	return accept(p, ")") || where_fail(p, p->at, "expected && or || or ')' here");
}

static bool parse_not(struct where_parser *p)
{
	bool negated = false;

	while (accept(p, "!"))
		negated = !negated;
	if (!(accept(p, "(") ? parse_parens(p) : parse_test(p)))
		return false;
	return !negated || emit(p, CODE_NOT, 0);
}

/* @operand { @token @operand }, leaving at the first answer that makes @jump go. */
static bool parse_chain(struct where_parser *p, const char *token, enum where_code jump,
			bool (*operand)(struct where_parser *p))
{
	size_t chain = NO_INSN;

	for (;;) {
		if (!operand(p))
			return false;
		if (!accept(p, token))
			break;
		if (!emit(p, jump, chain))
			return false;
		chain = p->w->n_code - 1;
	}
	land(p->w, chain);
	return true;
}

static bool parse_and(struct where_parser *p)
{
	return parse_chain(p, "&&", CODE_JUMP_FALSE, parse_not);
}

static bool parse_or(struct where_parser *p)
{
	return parse_chain(p, "||", CODE_JUMP_TRUE, parse_and);
}

/* What stands where only && or || could. */
static bool unexpected(struct where_parser *p)
{
	static const char *const words[][2] = { { "and", "&&" }, { "or", "||" }, { "AND", "&&" },
						{ "OR", "||" },	 { "&", "&&" },	 { "|", "||" } };
	size_t len = name_len(p);

	if (*p->at == ')')
		return where_fail(p, p->at, "this ')' closes nothing");
	if (len == 0)
		len = 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i][0]) == len && memcmp(words[i][0], p->at, len) == 0)
			return where_fail(p, p->at, "write %s instead of '%s'", words[i][1],
					  words[i][0]);
	return where_fail(p, p->at, "expected && or || here");
}

bool where_parse(struct where_parser *p)
{
	where_skip_blanks(p);
	if (p->at == p->end)
		return where_fail(p, p->at, "the expression is empty; try one such as pid == 1");
	if (!parse_or(p))
		return false;
	where_skip_blanks(p);
	return p->at == p->end || unexpected(p);
}
