// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The command line: which word is an option, which is its value. */
#include "core/options/option_impl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/suggest.h"

struct parser {
	const struct option_set *sets;
	size_t n_sets;
	int argc;
	char **argv;
	int at;		     /* the word being parsed */
	size_t n_positional; /* positional options that bare words have filled */
	struct option_result *result;
};

/* An option and the struct that it belongs to; spec NULL: none. */
struct found {
	const struct option_spec *spec;
	void *cfg;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->result->error, sizeof(p->result->error), fmt, args);
	va_end(args);
	return false;
}

static bool has_name(const struct option_spec *spec, const char *name, size_t len)
{
	return strlen(spec->name) == len && memcmp(spec->name, name, len) == 0;
}

/* Looks by @letter, or else by @name. @renamed: among OPT_RENAMED only, else among the others. */
static struct found find(const struct parser *p, char letter, const char *name, size_t len,
			 bool renamed)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		for (const struct option_spec *s = p->sets[i].specs; s->name; s++) {
			if ((s->kind == OPT_RENAMED) != renamed)
				continue;
			if (letter ? s->letter != letter : !has_name(s, name, len))
				continue;
			if (s->kind == OPT_SAME)
				return find(p, 0, s->arg, strlen(s->arg), false);
			return (struct found){ s, p->sets[i].cfg };
		}
	}
	return (struct found){ 0 };
}

/* The option of which @word is a beginning ("--dur"), or that it resembles; NULL if none. */
static const char *near_option(const struct parser *p, const char *word, size_t len)
{
	const char **names = NULL, *near = NULL;
	char copy[64];
	size_t n = 0;

	if (len == 0 || len >= sizeof(copy))
		return NULL;
	memcpy(copy, word, len);
	copy[len] = '\0';
	for (size_t i = 0; i < p->n_sets; i++)
		for (const struct option_spec *s = p->sets[i].specs; s->name; s++)
			n++;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return NULL;
	n = 0;
	for (size_t i = 0; i < p->n_sets; i++)
		for (const struct option_spec *s = p->sets[i].specs; s->name; s++)
			if (s->kind != OPT_RENAMED && s->kind != OPT_SAME && !p->sets[i].unlisted)
				names[n++] = s->name;
	for (size_t i = 0; i < n && !near && len > 1; i++)
		if (strncmp(names[i], copy, len) == 0)
			near = names[i];
	if (!near)
		near = suggest(copy, names, n);
	free(names);
	return near;
}

static bool parse_one(struct parser *p);

/* The words that @spec stands for, parsed where it was typed: what follows it wins. */
static bool expand(struct parser *p, const struct option_spec *spec)
{
	struct parser words = *p;

	words.argv = (char **)spec->names;
	for (words.argc = 0; spec->names[words.argc];)
		words.argc++;
	for (words.at = 0; words.at < words.argc; words.at++)
		if (!parse_one(&words))
			return false;
	return true;
}

/* What a classic spelling is answered with; where that is about disks, with one that is here. */
static const char *advice(const struct option_spec *classic, char *buf, size_t size)
{
	const char *disks = classic->unit == U_DISK ? unit_examples(U_DISK) : NULL;

	snprintf(buf, size, "%s%s%s", classic->help, disks ? "; here: " : "", disks ? disks : "");
	return buf;
}

/* The classic spelling that shares its name or letter with the option typed as @name. */
static struct found find_classic(const struct parser *p, const char *name)
{
	if (name[0] == '-' && name[1] == '-')
		return find(p, 0, name + 2, strlen(name + 2), true);
	if (name[0] == '-')
		return find(p, name[1], NULL, 0, true);
	return (struct found){ 0 };
}

static bool add_term(struct parser *p, const struct option_spec *spec, const char *value)
{
	struct option_result *r = p->result;

	if (r->n_terms == OPTION_TERMS)
		return fail(p, "--%s: at most %d of them", spec->name, OPTION_TERMS);
	r->terms[r->n_terms].column = spec->names[0];
	r->terms[r->n_terms++].value = value;
	return true;
}

/*
 * Gives @value to an option typed as @name. Where a classic spelling shares the letter, its help
 * says what to type instead.
 */
static bool apply(struct parser *p, struct found f, const char *name, const char *value)
{
	struct option_error err;
	char word[SHOWN_MAX];
	struct found classic;
	const char *remedy = err.remedy;
	char text[256];

	if (f.spec->kind == OPT_EXPAND)
		return expand(p, f.spec);
	if (f.spec->kind == OPT_TERM)
		return add_term(p, f.spec, value);
	if (option_apply(f.spec, f.cfg, value, &err))
		return true;
	classic = find_classic(p, name);
	if (classic.spec)
		remedy = advice(classic.spec, text, sizeof(text));
	return fail(p, "%s %s: %s%s%s", name,
		    value && *value ? shown(word, value, strlen(value)) : "\"\"", err.what,
		    *remedy ? "; " : "", remedy);
}

static bool apply_defaults(struct parser *p)
{
	for (size_t i = 0; i < p->n_sets; i++) {
		for (const struct option_spec *s = p->sets[i].specs; s->name; s++) {
			struct option_error err;

			if (!s->deflt || s->kind == OPT_RENAMED || !option_takes_value(s))
				continue;
			if (!option_apply(s, p->sets[i].cfg, s->deflt, &err))
				return fail(p, "default of --%s: %s", s->name, err.what);
		}
	}
	return true;
}

/*
 * Takes the next word as the value of the present option. A word that begins with a dash is one
 * too (-d -1 is a wrong duration), unless it is "--" or another option's whole name.
 */
static const char *next_value(struct parser *p)
{
	const char *word = p->at + 1 < p->argc ? p->argv[p->at + 1] : NULL;

	if (!word || strcmp(word, "--") == 0)
		return NULL;
	if (strncmp(word, "--", 2) == 0 && find(p, 0, word + 2, strcspn(word + 2, "="), false).spec)
		return NULL;
	p->at++;
	return word;
}

static bool missing_value(struct parser *p, const struct option_spec *spec, const char *name)
{
	const char *examples = spec->kind == OPT_VALUE ? unit_examples(spec->unit) : NULL;
	struct found classic = find_classic(p, name);
	char text[256];

	if (classic.spec)
		return fail(p, "%s needs a value: %s; %s", name, option_arg(spec),
			    advice(classic.spec, text, sizeof(text)));
	return fail(p, "%s needs a value: %s%s%s", name, option_arg(spec),
		    examples ? ", such as " : "", examples ? examples : "");
}

static bool unknown_option(struct parser *p, const char *arg, const char *name, size_t len)
{
	const char *near = near_option(p, name, len);
	char word[SHOWN_MAX];

	shown(word, arg, strlen(arg));
	if (near)
		return fail(p, "unknown option %s; did you mean --%s?", word, near);
	return fail(p, "unknown option %s; --help lists them", word);
}

static bool parse_long(struct parser *p, const char *arg)
{
	const char *body = arg + 2;
	size_t len = strcspn(body, "=");
	struct found f = find(p, 0, body, len, false);
	const char *value;
	char name[80], text[256];

	if (!f.spec) {
		f = find(p, 0, body, len, true);
		if (f.spec)
			return fail(p, "--%s: %s", f.spec->name,
				    advice(f.spec, text, sizeof(text)));
		return unknown_option(p, arg, body, len);
	}
	snprintf(name, sizeof(name), "--%s", f.spec->name);
	value = body[len] ? body + len + 1 : NULL;
	if (!option_takes_value(f.spec))
		return value ? fail(p, "%s takes no value", name) : apply(p, f, name, NULL);
	if (!value)
		value = next_value(p);
	return value ? apply(p, f, name, value) : missing_value(p, f.spec, name);
}

static bool unknown_letter(struct parser *p, const char *arg, const char *at)
{
	struct found f = find(p, *at, NULL, 0, true);
	char word[SHOWN_MAX], text[256];

	if (f.spec)
		return fail(p, "-%c: %s", *at, advice(f.spec, text, sizeof(text)));
	if (!isgraph((unsigned char)*at))
		return fail(p, "unknown option %s; --help lists them",
			    shown(word, arg, strlen(arg)));
	if (!arg[2])
		return fail(p, "unknown option -%c; --help lists them", *at);
	/* "-columns" is a long name with a dash missing rather than seven letters. */
	if (near_option(p, arg + 1, strcspn(arg + 1, "=")))
		return unknown_option(p, arg, arg + 1, strcspn(arg + 1, "="));
	return fail(p, "unknown option -%c in %s; --help lists them", *at,
		    shown(word, arg, strlen(arg)));
}

/* "-T 5": a number that the classic letter took, and that would be taken for an interval. */
static bool is_classic_value(const struct parser *p, const char *name)
{
	struct found classic = find_classic(p, name);
	const char *next = p->at + 1 < p->argc ? p->argv[p->at + 1] : "";

	return classic.spec && classic.spec->arg && isdigit((unsigned char)*next);
}

/* "-d1", "-d 1", "-xT" and "-xd1". */
static bool parse_letters(struct parser *p, const char *arg)
{
	for (const char *at = arg + 1; *at; at++) {
		struct found f = find(p, *at, NULL, 0, false);
		const char name[] = { '-', *at, '\0' };
		const char *value;

		if (!f.spec)
			return unknown_letter(p, arg, at);
		if (!option_takes_value(f.spec)) {
			if (!at[1] && is_classic_value(p, name))
				return fail(p, "%s takes no value: %s", name,
					    find_classic(p, name).spec->help);
			if (!apply(p, f, name, NULL))
				return false;
			continue;
		}
		value = at[1] ? at + 1 : next_value(p);
		return value ? apply(p, f, name, value) : missing_value(p, f.spec, name);
	}
	return true;
}

static struct found next_positional(const struct parser *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_sets; i++)
		for (const struct option_spec *s = p->sets[i].specs; s->name; s++)
			if (s->positional && n++ == p->n_positional)
				return (struct found){ s, p->sets[i].cfg };
	return (struct found){ 0 };
}

static bool parse_word(struct parser *p, const char *arg)
{
	struct found f = next_positional(p);
	char word[SHOWN_MAX];

	if (!f.spec) {
		shown(word, arg, strlen(arg));
		return fail(p, "unexpected argument \"%s\"; a command to trace follows \"--\"",
			    word);
	}
	/* One with a parser of its own takes all the words that follow. */
	if (f.spec->kind != OPT_CUSTOM)
		p->n_positional++;
	return apply(p, f, f.spec->name, arg);
}

/* "-5" where no option has that letter: a number, and a wrong one. */
static bool is_negative(const struct parser *p, const char *arg)
{
	const char *digits = arg + 1 + (arg[1] == '.');

	return isdigit((unsigned char)*digits) && !find(p, arg[1], NULL, 0, false).spec;
}

static bool parse_negative(struct parser *p, const char *arg)
{
	struct found f = next_positional(p);
	char word[SHOWN_MAX];

	shown(word, arg, strlen(arg));
	if (f.spec)
		return fail(p, "%s: \"%s\" is negative", f.spec->name, word);
	return fail(p, "unexpected negative number %s", word);
}

static bool parse_one(struct parser *p)
{
	const char *arg = p->argv[p->at];

	if (arg[0] != '-' || !arg[1])
		return parse_word(p, arg);
	if (arg[1] == '-')
		return parse_long(p, arg);
	return is_negative(p, arg) ? parse_negative(p, arg) : parse_letters(p, arg);
}

bool options_parse(const struct option_set *sets, size_t n_sets, int argc, char **argv,
		   struct option_result *result)
{
	struct parser p = { sets, n_sets, argc, argv, .result = result };

	*result = (struct option_result){ 0 };
	if (!apply_defaults(&p))
		return false;
	for (p.at = 1; p.at < argc; p.at++) {
		if (strcmp(argv[p.at], "--") == 0) {
			if (p.at + 1 >= argc)
				return fail(&p, "a command is missing after \"--\"");
			result->command = &argv[p.at + 1];
			return true;
		}
		if (!parse_one(&p))
			return false;
	}
	return true;
}
