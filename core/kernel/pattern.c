/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/glob.h"

/* Longer than any name of the kernel's. */
#define TEXT_MAX 1024
/* regcomp() takes stack for each level, and memory and time for each copy that {n,m} makes. */
#define NESTED_MAX 64
#define COPIES_MAX 1000

/* How often the last number between the braces at @p lets the part before it be there. */
static unsigned long copies(const char *p, const char *end)
{
	unsigned long n = 0;

	for (; p < end && *p != '}'; p++) {
		if (*p == ',')
			n = 0;
		else if (*p >= '0' && *p <= '9' && n <= COPIES_MAX)
			n = 10 * n + (unsigned long)(*p - '0');
	}
	return n > 1 ? n : 1;
}

/* NULL, or why the library isn't given this expression. Brackets count, too: it is cautious. */
static const char *too_much(const char *text, size_t len)
{
	unsigned long repeated = 1;
	int nested = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\' && i + 1 < len) {
			i++;
			if (text[i] >= '1' && text[i] <= '9')
				return "it refers back to what was matched";
		} else if (text[i] == '(') {
			if (++nested > NESTED_MAX)
				return "more than 64 parentheses are open at a time";
		} else if (text[i] == ')') {
			nested -= nested > 0;
		} else if (text[i] == '{') {
			repeated *= copies(text + i + 1, text + len);
			if (repeated > COPIES_MAX)
				return "its {repetitions} make more than 1,000 copies";
		}
	}
	return NULL;
}

static bool compile_regex(struct pattern *p, const char *text, size_t len, char *err, size_t size)
{
	const char *refused = too_much(text, len);
	char *copy = refused ? NULL : strndup(text, len), why[128];
	int error;

	if (!copy) {
		snprintf(err, size, "\"%.40s%s\" can't be used: %s", text, len > 40 ? "..." : "",
			 refused ? refused : "out of memory");
		return false;
	}
	error = regcomp(&p->regex, copy, REG_EXTENDED | REG_NOSUB);
	free(copy);
	p->is_regex = !error;
	if (!error)
		return true;
	regerror(error, &p->regex, why, sizeof(why));
	snprintf(err, size, "\"%s\" is not a regular expression: %s", text, why);
	return false;
}

bool pattern_compile(struct pattern *p, const char *text, char *err, size_t err_size)
{
	size_t len = strlen(text);

	*p = (struct pattern){ .text = text };
	if (!len || len > TEXT_MAX) {
		snprintf(err, err_size, "%s",
			 len ? "the pattern is longer than any name can be"
			     : "an empty pattern matches nothing");
		return false;
	}
	if (len > 2 && text[0] == '/' && text[len - 1] == '/')
		return compile_regex(p, text + 1, len - 2, err, err_size);
	if (text[0] == '^')
		return compile_regex(p, text, len, err, err_size);
	return true;
}

/*
 * Where the arguments begin behind a name or a regular expression between slashes, which may have
 * parentheses of its own; NULL: there are none.
 */
static const char *arguments_of(const char *typed)
{
	const char *open = *typed == '/' ? strrchr(typed + 1, '/') : typed;

	if (*typed == '^' || !open || typed[strlen(typed) - 1] != ')')
		return NULL;
	if (*typed == '/')
		return open[1] == '(' ? open + 1 : NULL;
	return strchr(open, '(');
}

/* What bcc's trace took: formats, conditions, types of arguments, offsets, returns. */
static bool refuse_classic(const char *typed, char *err, size_t err_size)
{
	snprintf(err, err_size,
		 "\"%s\" has a format, a condition, types or an offset: name what a call is "
		 "passed, as in "
		 "'vfs_read(file->f_path, count)', give conditions as --where 'count > 20000', and "
		 "ask for returns with -R",
		 typed);
	return false;
}

/* "kfree_skb+0x12": a place inside of a function. */
static bool has_offset(const char *typed)
{
	const char *plus = strchr(typed, '+');

	return plus && !strpbrk(typed, "/^*?[(") && isdigit((unsigned char)plus[1]);
}

/* "file->f_path, *pos, arg3[0]": names, and how to go on from there. */
static bool are_arguments(const char *s, size_t len)
{
	bool word = false, gap = false;

	for (size_t i = 0; i < len; i++) {
		bool part = isalnum((unsigned char)s[i]) || s[i] == '_';

		if (isspace((unsigned char)s[i])) {
			gap = word;
			continue;
		}
		if (!part && !strchr("->.[]*,", s[i]))
			return false;
		if (gap && (part || s[i] == '*')) /* a type stands before it */
			return false;
		word = part;
		gap = false;
	}
	return true;
}

static bool take_arguments(struct pattern *p, const char *typed, const char *open, char *err,
			   size_t err_size)
{
	char *own = strndup(typed, (size_t)(open - typed));

	if (!are_arguments(open + 1, strlen(open) - 2)) {
		free(own);
		return refuse_classic(typed, err, err_size);
	}
	if (!own || !pattern_take(p, own, err, err_size)) {
		if (!own)
			snprintf(err, err_size, "out of memory");
		free(own);
		return false;
	}
	p->own = own;
	p->args = open + 1;
	p->args_len = strlen(open) - 2;
	return true;
}

bool pattern_take(struct pattern *p, const char *typed, char *err, size_t err_size)
{
	bool tracepoint = !strncmp(typed, "t:", 2), event = !strncmp(typed, "e:", 2);
	const char *open = *typed ? arguments_of(typed) : NULL;

	if (strchr(typed, '"') || !strncmp(typed, "r::", 3) || has_offset(typed))
		return refuse_classic(typed, err, err_size);
	if (open)
		return take_arguments(p, typed, open, err, err_size);
	if (tracepoint || event)
		typed += 2;
	else if (!strncmp(typed, "p::", 3))
		typed += 3;
	else if (!strncmp(typed, "::", 2))
		typed += 2;
	if (!tracepoint && strchr(typed, ':') && *typed != '^' && typed[strlen(typed) - 1] != '/') {
		snprintf(err, err_size,
			 "\"%s\" is in a program or library; only the kernel's functions, and "
			 "tracepoints as t:CATEGORY:NAME, can be given",
			 typed);
		return false;
	}
	if (!pattern_compile(p, typed, err, err_size))
		return false;
	p->tracepoint = tracepoint;
	p->event = event;
	return true;
}

bool pattern_match(const struct pattern *p, const char *name)
{
	if (p->is_regex)
		return !regexec(&p->regex, name, 0, NULL, 0);
	return glob_match(p->text, strlen(p->text), name, strlen(name));
}

bool pattern_names_calls(const struct pattern *p)
{
	const char *text = p->text;

	text += *text == '/';
	text += *text == '^';
	return !p->tracepoint && !p->event && !strncmp(text, "sys_", 4);
}

void pattern_free(struct pattern *p)
{
	if (p->is_regex)
		regfree(&p->regex);
	free(p->own);
	p->own = NULL;
	p->is_regex = false;
}
