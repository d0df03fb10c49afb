/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The tables of all commands, on terminals of usual widths: what tells rows apart stays. */
#include <stdio.h>

#include "core/tool.h"
#include "out/sink_internal.h"
#include "tests/unit/sink_row.h"

static const int widths[] = { 60, 80, 100, 132 };

/* What people look for first, whatever a table may say of its own. */
static const char *const wanted[] = { "path",	  "file", "reason", "err",  "lat", "full",
				      "function", "args", "dir",    "call", NULL };

static bool is_wanted(const char *name)
{
	for (size_t i = 0; wanted[i]; i++)
		if (!strcmp(name, wanted[i]))
			return true;
	return false;
}

static struct sink *plan(int width, const struct selection *sel, const struct sort_row *rows,
			 char **text, struct capture *c)
{
	struct sink_opts o = options(FORMAT_TEXT, -1);

	o.terminal = true;
	o.width = width;
	o.choosable = sel->table;
	*c = start(&o);
	if (rows)
		sink_table(c->sink, sel, rows, 1);
	else
		sink_row(c->sink, sel, NULL, 0);
	*text = strndup(c->sink->out.data, c->sink->out.len);
	return c->sink;
}

/* Is each column that is left out named, below the table or above the rows? */
static void check(int width, const struct selection *sel, const struct sort_row *rows,
		  size_t *shown)
{
	struct capture c;
	char *text, *flat;
	const struct sink *s = plan(width, sel, rows, &text, &c);

	*shown = 0;
	flat = strstr(text, "left out");
	for (size_t i = 0; i < s->plan.n; i++) {
		const struct cell *cell = &s->plan.cells[i];
		char name[KEY_MAX];
		size_t n = 0;

		*shown += !is_off_line(cell);
		if (!cell->left_out)
			continue;
		if (width >= 80 && !cell->none &&
		    (is_wanted(cell->col->name) || cell->keep == KEEP))
			fail_msg("%s: no %s at %d", sel->table->type, cell->col->name, width);
		for (; cell->col->name[n]; n++)
			name[n] = (char)(cell->col->name[n] >= 'a' && cell->col->name[n] <= 'z'
						 ? cell->col->name[n] - 32
						 : cell->col->name[n]);
		name[n] = '\0';
		if (!flat || !strstr(flat, name))
			fail_msg("%s: not told that %s is left out at %d", sel->table->type, name,
				 width);
	}
	free(text);
	finish(&c);
	free(c.text);
}

static void check_table(const struct table *t, const struct sort_row *rows)
{
	struct selection sel;
	size_t shown, before = 0;
	char err[256];

	assert_true(columns_select(t, NULL, FORMAT_TEXT, &sel, err, sizeof(err)));
	for (size_t i = 0; i < COUNT(widths); i++) {
		check(widths[i], &sel, rows, &shown);
		if (shown < before)
			fail_msg("%s: less is shown at %d", t->type, widths[i]);
		before = shown;
	}
	selection_free(&sel);
}

/* Of a stream nobody knows what the rows will need. */
static void events_keep_what_tells_them_apart(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++)
		if (catalogue[i]->kind == TOOL_EVENTS || catalogue[i]->kind == TOOL_LEDGER)
			check_table(&catalogue[i]->row, NULL);
}

/* A row of zeros: short values, and no names. */
static void tables_keep_what_tells_them_apart(void **state)
{
	static const char zeros[65536];
	const struct sort_row row = { zeros, sizeof(zeros) };
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		for (const struct tool_table *t = catalogue[i]->tables; t && t->name; t++) {
			if (t->when.kind != F_NONE)
				continue; /* for machines */
			check_table(&t->row, &row);
			check_table(&t->row, NULL);
		}
		if (catalogue[i]->kind == TOOL_EVENTS || catalogue[i]->kind == TOOL_LEDGER)
			continue;
		check_table(&catalogue[i]->row, &row);
		if (catalogue[i]->drain.hist && catalogue[i]->drain.hist->totals.columns)
			check_table(&catalogue[i]->drain.hist->totals, &row);
	}
}

/* A table's order is what its shares are numbered by. */
static void parts_stand_side_by_side(void **state)
{
	(void)state;
	for (size_t i = 0; catalogue[i]; i++) {
		const struct column *c = catalogue[i]->row.columns;

		for (; c->name; c++) {
			assert_true(c->part <= PARTS_MAX && c->keep <= KEEP);
			if (!c->part)
				continue;
			assert_true(c->of.kind != F_NONE && c->field.kind != F_NONE);
			assert_true(c->part == 1 || c[-1].part == c->part - 1);
			assert_int_equal(c[1 - (int)c->part].of.off, c->of.off);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_keep_what_tells_them_apart),
		cmocka_unit_test(tables_keep_what_tells_them_apart),
		cmocka_unit_test(parts_stand_side_by_side),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
