/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An expression is compiled to a flat program: tests that set the answer, jumps over what no
 * longer matters, and inversions. Running it needs no recursion, however long the text was.
 */
#ifndef IOSONDE_WHERE_IMPL_H
#define IOSONDE_WHERE_IMPL_H

#include "core/base/text_buf.h"
#include "core/rows/where.h"

enum where_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE, OP_GLOB, OP_NOT_GLOB };

struct where_test {
	const struct column *col;
	enum where_op op;
	bool is_text;
	bool negative;	 /* of the number */
	uint64_t number; /* its magnitude */
	size_t off, len; /* of the text, in where.text */
};

enum where_code { CODE_TEST, CODE_NOT, CODE_JUMP_FALSE, CODE_JUMP_TRUE };

struct where_insn {
	enum where_code code;
	size_t arg; /* index of the test, or of the instruction to go on with */
};

struct where {
	struct where_insn *code;
	size_t n_code, code_cap;
	struct where_test *tests;
	size_t n_tests, tests_cap;
	struct text_buf text; /* the literals' bytes */
	struct names *names;
	uint64_t start_ns;
};

struct where_parser {
	const struct table *table;
	const char *text, *at, *end;
	struct where *w;
	unsigned depth;
	const char *error_at; /* in text; NULL: no mistake so far */
	char message[320];
};

/* Notes the mistake at @at, unless there was one before. Returns false. */
__attribute__((format(printf, 3, 4))) bool where_fail(struct where_parser *p, const char *at,
						      const char *fmt, ...);

/* Compiles p->text into p->w. Returns false with error_at and message set. */
bool where_parse(struct where_parser *p);

/*
 * Reads the literal at p->at, just behind the operator @op_text, for @t->col and @t->op, and
 * advances. Returns false with the mistake noted.
 */
bool where_literal(struct where_parser *p, const char *op_text, struct where_test *t);

/*
 * Refuses, with the mistake noted at @at, a text or a number that no row of @t->col can have: its
 * test would decide nothing.
 */
bool where_check_text(struct where_parser *p, const char *at, const struct where_test *t);
bool where_check_number(struct where_parser *p, const char *at, const struct where_test *t);

/* Errors are numbered up to here on every architecture; gaps have no name. */
#define ERRNO_MAX 133

void where_skip_blanks(struct where_parser *p);

#endif
