/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Options are a table: a typed field, a unit, a default, a line of help. The same parser serves
 * the uniform options (struct common_opts) and a tool's own (its struct X_cfg, which becomes
 * .rodata of its programs).
 */
#ifndef IOSONDE_OPTION_H
#define IOSONDE_OPTION_H

#include "core/rows/unit.h"

enum option_kind {
	OPT_VALUE = 0, /* takes a value, parsed by its unit */
	OPT_FLAG,      /* takes none; sets the field (an integer or bool) to .value, or 1 */
	OPT_STRING,    /* const char * field: points into argv, not copied */
	OPT_CHOICE,    /* takes one of .names; the field gets its index */
	OPT_CUSTOM,    /* .parse() does it */
	OPT_EXPAND,    /* takes none; stands for the words in .names, as if typed in its place */
	/*
	 * A classic spelling that collides: answered with .help, exit 2. Where another option has
	 * the name or letter, .help is the advice for values that this one doesn't understand or
	 * misses; and, if .arg is set, for a number behind a letter that takes no value here.
	 */
	OPT_RENAMED,
	OPT_SAME, /* another name for the option that is called .arg; not in the help */
	/*
	 * A condition on the rows, besides --where: that the column .names[0] contains the value.
	 * It goes to option_result.terms.
	 */
	OPT_TERM,
};

struct option_spec;

/* Parses @arg for @spec into @cfg. On failure returns false with a message in @err. */
typedef bool (*option_parser)(const struct option_spec *spec, const char *arg, void *cfg, char *err,
			      size_t err_size);

/* A table of options ends with an entry whose name is NULL. */
struct option_spec {
	const char *name; /* without the dashes */
	char letter;	  /* 0: none */
	struct field field;
	enum unit unit;
	enum option_kind kind;
	uint64_t bare;	   /* what a bare number is multiplied by (see unit_parse()); 0: 1 */
	uint64_t min, max; /* inclusive, in the field's unit; max 0: what the field can hold */
	uint64_t value;	   /* OPT_FLAG */
	const char *deflt; /* parsed like a typed value; NULL leaves zero */
	const char *arg;   /* name of the value in help: "DURATION" */
	const char *help;
	const char *const *names; /* OPT_CHOICE, OPT_EXPAND: NULL-terminated */
	option_parser parse;
	bool positional; /* can also be given as a bare word, in table order */
};

/* One table with the struct it fills. */
struct option_set {
	const struct option_spec *specs;
	void *cfg;
	const char *title; /* heading in the help; NULL: under the one before */
	bool unlisted;	   /* known, to be refused with a reason: neither in help nor suggested */
};

#define OPTION_TERMS 8

struct option_result {
	char **command; /* what follows "--", or NULL */
	struct {
		const char *column, *value;
	} terms[OPTION_TERMS];
	size_t n_terms;
	char error[512]; /* empty, or one line: what was wrong and what to do */
};

/*
 * Applies the defaults of every set, then parses @argv[1..]. Long options take "--name value" and
 * "--name=value", letters "-d1", "-d 1" and groups "-xT"; "--" ends them and begins the command.
 * Names are never abbreviated; unknown ones get a suggestion. The last of a repeated option wins,
 * while OPT_CUSTOM sees each, and as a positional takes all bare words that follow. The value of
 * "-d" may begin with a dash, but is never "--" or the whole name of another option.
 *
 * Returns true, or false with result->error set (exit status 2); the structs are half filled then.
 * Nothing in the tables is written to.
 */
bool options_parse(const struct option_set *sets, size_t n_sets, int argc, char **argv,
		   struct option_result *result);

/* OPT_CUSTOM: the number of a CPU, and 1 more, into a __u32 of which 0 means all of them. */
bool option_cpu(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		size_t err_size);

/*
 * Writes @text word by word, beginning at column @at of 80, further lines at @indent. Returns the
 * column at which it ends.
 */
size_t help_wrapped(struct text_buf *out, const char *text, size_t at, size_t indent);

/* Writes the help of @n sets, aligned under each heading, 80 columns, to @out. */
struct text_buf;
void options_help(const struct option_set *sets, size_t n, struct text_buf *out);

#endif
