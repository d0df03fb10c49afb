// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What the guide asks of a descriptor (docs/adding-a-tool.md): a failure says what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

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

static void columns_are_explained(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		struct tool_table spec[MAX_TABLES];
		size_t n = tables_of(catalogue[i], spec);

		for (size_t t = 0; t < n; t++)
			for (const struct column *c = spec[t].row.columns; c->name; c++)
				if (!c->help || !*c->help)
					fail_msg("%s: column '%s' of %s has no .help",
						 catalogue[i]->name, c->name, spec[t].name);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_known),
		cmocka_unit_test(help_has_examples),
		cmocka_unit_test(columns_are_explained),
		cmocka_unit_test(names_of_tables_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
