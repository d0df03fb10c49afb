/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A command's tables, and what --columns, --where, --by, --sort and --top say of each. */
#include "core/run/tables.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/suggest.h"
#include "core/rows/parts.h"
#include "core/run/drain.h"

size_t tables_of(const struct tool *tool, struct tool_table spec[MAX_TABLES])
{
	const struct hist_style *hist = tool->drain.hist;
	size_t n = 0;

	spec[n++] = (struct tool_table){
		.name = tool->row.type,
		.row = tool->row,
		.kind = tool->kind,
		.drain = tool->drain.map ? &tool->drain : NULL,
	};
	if (hist && hist->totals.columns)
		spec[n++] = (struct tool_table){
			.name = "totals",
			.row = hist->totals,
			.order = "",
			.whole = true,
			.when = hist->show_totals,
			.kind = TOOL_LEDGER,
		};
	for (const struct tool_table *t = tool->tables; t && t->name && n < MAX_TABLES; t++)
		spec[n++] = *t;
	return n;
}

struct run_table *tables_find(struct plan *plan, const char *name, size_t len)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct tool_table *t = &plan->table[i].spec;

		if ((strlen(t->name) == len && !memcmp(t->name, name, len)) ||
		    (strlen(t->row.type) == len && !memcmp(t->row.type, name, len)))
			return &plan->table[i];
	}
	return NULL;
}

bool tables_any_where(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tables; i++)
		if (plan->table[i].where)
			return true;
	return false;
}

/* --- one option of one table: without @apply, whether the table has what @text names --- */

static bool columns_of(struct plan *plan, struct run_table *t, const char *text, bool apply,
		       char *err, size_t size)
{
	struct selection sel;

	if (apply) {
		t->chosen = true;
		return table_columns(plan, t, text, err, size);
	}
	if (!columns_select(table_of_columns(t), text, plan->opts.format, &sel, err, size))
		return false;
	selection_free(&sel);
	return true;
}

static bool where_of(struct plan *plan, struct run_table *t, const char *text, bool apply,
		     char *err, size_t size)
{
	struct where *where = where_compile(&t->spec.row, text, err, size);

	(void)plan;
	if (!where)
		return false;
	if (apply) {
		where_free(t->where);
		t->where = where;
	} else {
		where_free(where);
	}
	return true;
}

static bool by_of(struct plan *plan, struct run_table *t, const char *text, bool apply, char *err,
		  size_t size)
{
	if (apply)
		return by_choose(plan, t, text, err, size);
	return columns_find(&t->spec.row, text, strcspn(text, ",")) >= 0;
}

/* Rows as they happen have no order, and no end. */
static bool is_stream(const struct plan *plan, const struct run_table *t, char *err, size_t size)
{
	if (t->spec.kind != TOOL_LEDGER || t != plan->main)
		return false;
	snprintf(err, size, "%s: these are rows as they happen", t->spec.name);
	return true;
}

static bool sort_of(struct plan *plan, struct run_table *t, const char *text, bool apply, char *err,
		    size_t size)
{
	struct sort sort;

	if (is_stream(plan, t, err, size) ||
	    !sort_parse(table_of_columns(t), text, &sort, err, size))
		return false;
	if (apply) {
		t->sort = sort;
		t->sorted = true;
	}
	return true;
}

static bool top_of(struct plan *plan, struct run_table *t, const char *text, bool apply, char *err,
		   size_t size)
{
	const char *why = "0";
	uint64_t top = 0;

	if (is_stream(plan, t, err, size))
		return false;
	if (!unit_parse(U_COUNT, text, strlen(text), 0, &top, &why) || !top) {
		snprintf(err, size, "\"%s\" is %s; it takes a number of rows, from 1", text, why);
		return false;
	}
	if (apply)
		t->top = top;
	return true;
}

/* An option that is about tables. */
struct about {
	const char *name;
	bool (*of)(struct plan *plan, struct run_table *t, const char *text, bool apply, char *err,
		   size_t size);
	bool each; /* without a table's name: is it about each that has it? Else about one */
};

/* --- which tables --- */

static void fail(const struct about *a, const char *err)
{
	if (a->of == where_of)
		log_error_lines("--where: %s", err);
	else
		log_error("--%s: %s", a->name, err);
}

/* "calls, files, op (with --slow MIN)": those that have what is asked for, or all. */
static void list_tables(struct plan *plan, const struct about *a, const char *text,
			struct text_buf *to)
{
	const char *with = plan->tool->rows_with;
	char err[1024];

	for (size_t i = 0; i < plan->n_tables; i++) {
		struct run_table *t = &plan->table[i];

		if (text && !a->of(plan, t, text, false, err, sizeof(err)))
			continue;
		text_printf(to, "%s%s", to->len ? ", " : "", t->spec.name);
		if (t->idle && with)
			text_printf(to, " (%c%s)", tolower(*with), with + 1);
	}
}

static bool unknown_table(struct plan *plan, const struct about *a, const struct part *p)
{
	const char *names[MAX_TABLES], *near;
	struct text_buf list = { 0 };
	char word[SHOWN_MAX];

	for (size_t i = 0; i < plan->n_tables; i++)
		names[i] = plan->table[i].spec.name;
	near = suggest(shown(word, p->table, p->table_len), names, plan->n_tables);
	list_tables(plan, a, NULL, &list);
	log_error("--%s: no table '%s';%s%s%s tables: %s", a->name, word,
		  near ? " did you mean '" : "", near ? near : "", near ? "'?" : "",
		  text_cstr(&list));
	text_free(&list);
	return false;
}

/* No table has it, or several have, and the option can only be about one. */
static bool unclear(struct plan *plan, const struct about *a, const char *text, size_t n)
{
	struct text_buf list = { 0 };
	char word[SHOWN_MAX], err[1024];

	shown(word, text, strlen(text));
	if (!n && a->of == where_of && !a->of(plan, plan->main, text, false, err, sizeof(err))) {
		fail(a, err);
		return false;
	}
	list_tables(plan, a, text, &list);
	if (list.len) {
		log_error("--%s: '%s' is in several tables, or in one that isn't shown: %s; say "
			  "which, as in 'TABLE: %s'",
			  a->name, word, text_cstr(&list), word);
	} else {
		list_tables(plan, a, NULL, &list);
		log_error("--%s: no table has '%s'; tables: %s; iosonde help %s lists their "
			  "columns",
			  a->name, word, text_cstr(&list), plan->tool->name);
	}
	text_free(&list);
	return false;
}

/* Without a name: each that has it; or the command's rows if they have it, else the only one. */
static bool apply_plain(struct plan *plan, const struct about *a, const char *text)
{
	struct run_table *only = NULL;
	char err[4096];
	size_t n = 0;

	if (plan->n_tables == 1 || (!a->each && !plan->main->idle &&
				    a->of(plan, plan->main, text, false, err, sizeof(err)))) {
		if (a->of(plan, plan->main, text, true, err, sizeof(err)))
			return true;
		fail(a, err);
		return false;
	}
	for (size_t i = plan->main->idle || !a->each; i < plan->n_tables; i++) {
		struct run_table *t = &plan->table[i];

		if ((a->of == top_of && t->spec.whole) ||
		    !a->of(plan, t, text, false, err, sizeof(err)))
			continue;
		only = t;
		n++;
		if (a->each)
			a->of(plan, t, text, true, err, sizeof(err));
	}
	if (a->each && n)
		return true;
	if (n == 1)
		return a->of(plan, only, text, true, err, sizeof(err));
	if (!n && a->of == top_of) {
		fail(a, err);
		return false;
	}
	return unclear(plan, a, text, n);
}

static bool apply_part(struct plan *plan, const struct about *a, const struct part *p,
		       const char *text)
{
	struct run_table *t;
	char err[4096];

	if (!p->table)
		return apply_plain(plan, a, text);
	t = tables_find(plan, p->table, p->table_len);
	if (!t)
		return unknown_table(plan, a, p);
	if (t->idle) {
		log_error("--%s: '%s' has no rows now; they come %c%s", a->name, t->spec.name,
			  tolower(*plan->tool->rows_with), plan->tool->rows_with + 1);
		return false;
	}
	if (a->of(plan, t, text, true, err, sizeof(err)))
		return true;
	fail(a, err);
	return false;
}

/* @said: what was typed; NULL: nothing. */
static bool apply_option(struct plan *plan, const struct about *a, const char *said)
{
	struct part p;
	bool ok = true;

	if (said && plan->n_tables == 1)
		return apply_plain(plan, a, said);
	while (ok && part_next(&said, &p)) {
		char *text = strndup(p.text, p.len);

		ok = text && apply_part(plan, a, &p, text);
		free(text);
	}
	return ok;
}

/* --- at the beginning --- */

/* What is known before anything was typed. */
static void begin_table(struct plan *plan, struct run_table *t)
{
	char err[256];

	if (plan->opts.format == FORMAT_TEXT)
		t->top = t->spec.people;
	if (!t->spec.order)
		return;
	if (*t->spec.order)
		t->sorted = sort_parse(&t->spec.row, t->spec.order, &t->sort, err, sizeof(err));
	else /* the first column's */
		t->sorted = true;
}

bool tables_open(struct plan *plan)
{
	static const struct about by = { "by", by_of, false },
				  columns = { "columns", columns_of, false },
				  where = { "where", where_of, false },
				  sort = { "sort", sort_of, true }, top = { "top", top_of, true };
	struct tool_table spec[MAX_TABLES];
	char err[4096];

	plan->n_tables = tables_of(plan->tool, spec);
	plan->main = &plan->table[0];
	if (plan->columns)
		spec[0].row.columns = plan->columns;
	for (size_t i = 0; i < plan->n_tables; i++) {
		plan->table[i].spec = spec[i];
		begin_table(plan, &plan->table[i]);
	}
	plan->main->idle = plan->tool->row_when.kind != F_NONE &&
			   !field_is_set(plan->cfg, &plan->tool->row_when);
	plan->main->top = plan->opts.top;
	if (!apply_option(plan, &by, plan->opts.by))
		return false;
	for (size_t i = 0; i < plan->n_tables; i++)
		if (!table_columns(plan, &plan->table[i], NULL, err, sizeof(err))) {
			log_error("%s", err);
			return false;
		}
	return apply_option(plan, &columns, plan->opts.columns) &&
	       apply_option(plan, &where, plan->opts.where) &&
	       apply_option(plan, &sort, plan->opts.sort) &&
	       apply_option(plan, &top, plan->opts.tops);
}

void tables_close(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_tables; i++) {
		struct run_table *t = &plan->table[i];

		selection_free(&t->selection);
		selection_free(&t->by_selection);
		where_free(t->where);
		if (t->by)
			by_free(t->by);
		free(t->row);
	}
}
