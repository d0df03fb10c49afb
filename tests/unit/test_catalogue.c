// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the guide asks of a descriptor (docs/adding-a-tool.md): a failure says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/rows/vocabulary.h"
#include "core/run/help.h"
#include "core/run/tables.h"

static void layers_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++)
		if (!help_layer(catalogue[i]->layer))
			fail_msg("%s: its layer '%s' is not in the overview, so nobody would find "
				 "it; add the layer to layers[] in core/run/help.c",
				 catalogue[i]->name, catalogue[i]->layer);
}

static void help_has_examples(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		const struct tool *t = catalogue[i];
		char line[80];

		snprintf(line, sizeof(line), "  iosonde %s ", t->name);
		if (!t->examples || (!strstr(t->examples, line) && !t->aliases))
			fail_msg("%s: help has no example; .examples wants two or three lines such "
				 "as \"%s-p 1234   what that shows\"",
				 t->name, line);
		if (!t->summary || !t->text)
			fail_msg(
				"%s: .summary is its line in 'iosonde list', .text begins its help",
				t->name);
	}
}

static void check_word(const char *command, const struct column *c)
{
	const struct word *word = vocabulary_find(c->name, strlen(c->name));

	if (!word)
		fail_msg("%s: no column is called '%s' yet; is there a word for it ('iosonde help "
			 "columns')? Otherwise add it to core/rows/vocabulary.c, with its meaning",
			 command, c->name);
	else if (!vocabulary_fits(word, c->unit))
		fail_msg("%s: '%s' (%s) has no such unit in other commands; call it by another "
			 "word, or add the unit in core/rows/vocabulary.c",
			 command, c->name, word->meaning);
}

/* One word, one meaning: --columns, --where and JSON's readers know them in every command. */
static void columns_are_in_the_vocabulary(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		struct tool_table spec[MAX_TABLES];
		size_t n = tables_of(catalogue[i], spec);

		for (size_t t = 0; t < n; t++)
			for (const struct column *c = spec[t].row.columns; c->name; c++)
				check_word(catalogue[i]->name, c);
	}
}

static bool is_used(const struct word *word)
{
	struct tool_table spec[MAX_TABLES];

	for (size_t i = 0; catalogue[i]; i++)
		for (size_t t = 0, n = tables_of(catalogue[i], spec); t < n; t++)
			for (const struct column *c = spec[t].row.columns; c->name; c++)
				if (!strcmp(c->name, word->name))
					return true;
	return false;
}

static void words_are_sorted_and_used(void **state)
{
	(void)state;
	for (const struct word *w = vocabulary(); w->name; w++) {
		if (w[1].name && strcmp(w->name, w[1].name) >= 0)
			fail_msg("core/rows/vocabulary.c: '%s' comes before '%s'", w[1].name,
				 w->name);
		if (!w->meaning || !w->units)
			fail_msg("core/rows/vocabulary.c: '%s' has no unit or no meaning", w->name);
		if (!is_used(w))
			fail_msg("core/rows/vocabulary.c: no command has a column '%s' any more; "
				 "delete it",
				 w->name);
	}
}

/* What a column was called before, or is called elsewhere, finds it; its own name comes first. */
static void old_names_are_understood(void **state)
{
	static const struct column both[] = { { "user" }, { "dir", .unit = U_PATH }, { "op" }, {} };
	static const struct column one[] = { { "op" }, { "ino" }, {} };
	const struct table two = { "x", both }, few = { "x", one };

	(void)state;
	assert_int_equal(columns_find(&two, "uid", 3), 0);
	assert_int_equal(columns_find(&two, "dir", 3), 1);
	assert_int_equal(columns_find(&few, "dir", 3), 0);
	assert_int_equal(columns_find(&few, "inode", 5), 1);
	assert_int_equal(columns_find(&few, "inod", 4), -1);
}

/* Options reach a table by its name, or by its rows' type. */
static void names_of_tables_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		struct tool_table spec[MAX_TABLES];
		size_t n = tables_of(catalogue[i], spec);

		for (size_t a = 0; a < n; a++)
			for (size_t b = 0; b < a; b++)
				if (!strcmp(spec[a].name, spec[b].name) ||
				    !strcmp(spec[a].name, spec[b].row.type) ||
				    !strcmp(spec[a].row.type, spec[b].name) ||
				    !strcmp(spec[a].row.type, spec[b].row.type))
					fail_msg("%s: two tables are called '%s'; each needs a "
						 ".name "
						 "and a type of its own",
						 catalogue[i]->name, spec[a].name);
	}
}

static void tables_find_room(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		const struct tool *tool = catalogue[i];
		struct tool_table spec[MAX_TABLES];
		size_t n = tables_of(tool, spec);

		for (const struct tool_table *t = tool->tables; t && t->name; t++)
			if (!strcmp(spec[n - 1].name, t->name) && t[1].name)
				fail_msg("%s: more tables than MAX_TABLES, '%s' and what follows "
					 "finds no room",
					 tool->name, t[1].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_known),
		cmocka_unit_test(help_has_examples),
		cmocka_unit_test(columns_are_in_the_vocabulary),
		cmocka_unit_test(words_are_sorted_and_used),
		cmocka_unit_test(old_names_are_understood),
		cmocka_unit_test(names_of_tables_are_unique),
		cmocka_unit_test(tables_find_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
