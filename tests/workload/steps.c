// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * workload steps 'open a rwc' '5*fsync' 'rename a b noreplace' ...
 *
 * Does what it is told and nothing else, and prints the result of each step in the list of opens:
 * id is the step, ret that of its last call. Of 'N*...' every call is made; a % in a name becomes
 * the number of the turn. Each call also counts in the tally of its name.
 */
#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct step_kind *kind_of(const char *name)
{
	for (const struct step_kind *k = step_kinds; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	fprintf(stderr, "workload: no such step: %s\n", name);
	_exit(2);
}

/* Copies @text, with @turn for %, cut into words; the missing ones are empty. */
static void split(const char *text, long turn, char *buf, size_t size, char **word)
{
	static char empty[1];
	size_t n = 0;
	char *save = NULL;

	for (const char *p = text; *p && n + 24 < size; p++) {
		if (*p == '%')
			n += (size_t)snprintf(buf + n, size - n, "%ld", turn);
		else
			buf[n++] = *p;
	}
	buf[n] = '\0';
	for (int i = 0; i < STEP_WORDS; i++) {
		word[i] = strtok_r(i ? NULL : buf, " ", &save);
		if (!word[i])
			word[i] = empty;
	}
}

static void run_step(struct steps *s, const char *text)
{
	char buf[8192], *word[STEP_WORDS], *rest;
	struct want want = { .id = text, .flags = -1, .mode = -1 };
	long times = strtol(text, &rest, 10), ret = 0;
	const struct step_kind *kind;
	struct tally *tally;

	if (*rest == '*') {
		text = rest + 1;
	} else {
		times = 1;
	}
	split(text, 0, buf, sizeof(buf), word);
	kind = kind_of(word[0]);
	tally = tally_get(s->c, kind->name);
	for (long i = 0; i < times; i++) {
		split(text, i, buf, sizeof(buf), word);
		ret = TIMED(tally, kind->run(s, word));
	}
	want.call = kind->name;
	op_record(s->c, &want, ret);
}

int cmd_steps(struct ctx *c)
{
	struct steps s = { .c = c, .fd = -1, .dfd = AT_FDCWD };

	for (int i = 0; i < c->argc; i++)
		run_step(&s, c->argv[i]);
	return 0;
}
