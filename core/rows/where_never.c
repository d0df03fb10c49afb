// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --where: comparisons that no row can ever decide otherwise, which are mistakes. */
#include "core/rows/where_impl.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digits.h"
#include "core/base/glob.h"
#include "core/base/suggest.h"
#include "core/names/user.h"
#include "core/rows/syscalls.h"
#include "core/rows/unit_format.h"

/* Numbers up to here are tried where one without a name is shown as itself. */
#define NUMBERS_TRIED 4096
#define COMPAT_MARK   " (32-bit)"

static bool is_glob(enum where_op op)
{
	return op == OP_GLOB || op == OP_NOT_GLOB;
}

static const char *text_of(const struct where_parser *p, const struct where_test *t)
{
	return t->len ? p->w->text.data + t->off : "";
}

/* Bytes that a text of @col has at most; 0: who knows. */
static size_t longest(const struct column *col)
{
	bool whole = col->unit == U_TEXT && col->field.kind == F_CHARS && !col->render;

	return whole ? col->field.size - 1 : 0;
}

/* "sixteen bytes*" of a name that is longer than a row's can be. */
static bool too_long(struct where_parser *p, const char *at, const struct where_test *t,
		     size_t most)
{
	const char *text = text_of(p, t);
	size_t cut = most > 2 ? most - 2 : most;
	char word[SHOWN_MAX];

	while (cut && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return where_fail(
		p, at, "%s has at most %zu bytes (the kernel cuts longer ones); try %s ~ \"%s*\"",
		t->col->name, most, t->col->name, shown(word, text, cut));
}

static bool is_text(const char *s, const char *text, size_t len)
{
	return strlen(s) == len && memcmp(s, text, len) == 0;
}

/* Does the glob or text match @name? */
static bool fits(const struct where_parser *p, const struct where_test *t, const char *name)
{
	const char *text = text_of(p, t);

	if (is_glob(t->op))
		return glob_match(text, t->len, name, strlen(name));
	return is_text(name, text, t->len);
}

/* Might it match the number that stands for a value without a name? */
static bool fits_number(const struct where_parser *p, const struct where_test *t)
{
	char number[DIGITS_MAX + 1];

	for (uint64_t i = 0; i < NUMBERS_TRIED; i++) {
		number[put_u64(number, i)] = '\0';
		if (fits(p, t, number))
			return true;
	}
	return false;
}

static bool fits_any(const struct where_parser *p, const struct where_test *t,
		     const char *const *names, size_t n)
{
	for (size_t i = 0; names && i < n; i++)
		if (names[i] && fits(p, t, names[i]))
			return true;
	return fits_number(p, t);
}

/* A glob for names of which there are only so many. */
static bool check_names(struct where_parser *p, const char *at, const struct where_test *t)
{
	const char *errors[ERRNO_MAX + 1], *const *names = t->col->names;
	char word[SHOWN_MAX];
	size_t n = 0;

	if (t->col->unit == U_ERRNO) {
		for (; n <= ERRNO_MAX; n++)
			errors[n] = errno_name((int)n);
		names = errors;
	} else {
		while (names && names[n])
			n++;
	}
	if (fits_any(p, t, names, n))
		return true;
	return where_fail(p, at, "no value of %s is like '%s'", t->col->name,
			  shown(word, text_of(p, t), t->len));
}

static bool check_flag(struct where_parser *p, const char *at, const struct where_test *t,
		       const char *word, size_t len)
{
	const struct flag_name *f = t->col->flag_names;
	const char *names[64];
	char shown_word[SHOWN_MAX];
	size_t n = 0;

	if (len > 2 && word[0] == '0' && word[1] == 'x')
		return true; /* bits without a name */
	for (; f && f->name; f++) {
		if (is_text(f->name, word, len))
			return true;
		if (n < sizeof(names) / sizeof(names[0]))
			names[n++] = f->name;
	}
	shown(shown_word, word, len);
	word = suggest(shown_word, names, n);
	return where_fail(p, at, "'%s' is none of the %s%s%s%s", shown_word, t->col->name,
			  word ? "; did you mean " : "", word ? word : "", word ? "?" : "");
}

/* All of "O_WRONLY|O_CREAT" has to be known. */
static bool check_flags(struct where_parser *p, const char *at, const struct where_test *t)
{
	const char *text = text_of(p, t), *end = text + t->len;

	while (text < end) {
		const char *bar = memchr(text, '|', (size_t)(end - text));
		size_t len = (size_t)((bar ? bar : end) - text);

		if (!check_flag(p, at, t, text, len))
			return false;
		text += len + (bar != NULL);
	}
	return true;
}

/* The name of a call of either ABI, a number, or one of these with the mark of the other ABI. */
static bool check_call(struct where_parser *p, const char *at, const struct where_test *t)
{
	const char *text = text_of(p, t);
	size_t len = t->len, mark = strlen(COMPAT_MARK);
	char name[64], word[SHOWN_MAX];

	if (len > mark && memcmp(text + len - mark, COMPAT_MARK, mark) == 0)
		len -= mark;
	if (len < sizeof(name)) {
		snprintf(name, sizeof(name), "%.*s", (int)len, text);
		if (syscall_number(name, 0) >= 0 || syscall_number(name, 1) >= 0 ||
		    (*name && !name[strspn(name, "-0123456789")]))
			return true;
	}
	return where_fail(p, at, "'%s' is no system call", shown(word, text, t->len));
}

static bool check_user(struct where_parser *p, const char *at, const struct where_test *t)
{
	char word[SHOWN_MAX];
	uint32_t uid;

	if (user_id(text_of(p, t), t->len, &uid))
		return true;
	return where_fail(p, at, "'%s' is no such user", shown(word, text_of(p, t), t->len));
}

bool where_check_text(struct where_parser *p, const char *at, const struct where_test *t)
{
	size_t most = longest(t->col), least = t->len;
	bool plain = true;

	if (is_glob(t->op)) {
		least = glob_shortest(text_of(p, t), t->len);
		plain = glob_is_plain(text_of(p, t), t->len);
	}
	if (most && least > most)
		return too_long(p, at, t, most);
	switch (t->col->unit) {
	case U_ENUM:
	case U_ERRNO:
		return !is_glob(t->op) || check_names(p, at, t);
	case U_FLAGS:
		return !plain || is_glob(t->op) || check_flags(p, at, t);
	case U_SYSCALL:
		return is_glob(t->op) || check_call(p, at, t);
	case U_USER:
		return !plain || check_user(p, at, t);
	default:
		return true;
	}
}

/* The largest number that the field holds; what is computed from it may be larger. */
static uint64_t largest(const struct column *col)
{
	if (col->render || col->of.kind != F_NONE || col->unit == U_RATE || col->unit == U_CLOCK)
		return UINT64_MAX;
	switch (col->field.kind) {
	case F_U8:
		return UINT8_MAX;
	case F_U16:
		return UINT16_MAX;
	case F_U32:
	case F_S32: /* or, of a negative one, less by half */
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

bool where_check_number(struct where_parser *p, const char *at, const struct where_test *t)
{
	const struct clock_base clock = { 0 };
	struct value most = { V_UINT, .u = largest(t->col) };
	char text[NUMBER_MAX];

	if ((t->op != OP_EQ && t->op != OP_NE) || t->number <= most.u)
		return true;
	text[put_number(text, t->col, &most, &clock)] = '\0';
	return where_fail(p, at, "%s is never more than %s", t->col->name, text);
}
