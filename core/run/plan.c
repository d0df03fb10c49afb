/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What options make of a command's tables and columns. */
#include "core/run/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/run/drain.h"
#include "core/run/tables.h"

bool switch_on(const struct plan *plan, const struct column_switch *s)
{
	return field_is_set(plan->cfg, &s->when);
}

bool switch_names(const struct column_switch *s, const char *name, char sign)
{
	size_t len = strlen(name);

	for (const char *p = s->columns; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (*p == sign && !strncmp(p + 1, name, len) && (!p[1 + len] || p[1 + len] == ','))
			return true;
	return false;
}

/* Options bring columns, of whichever table, and take them away: is @col, if @usual, shown? */
static bool shown_after_switches(const struct plan *plan, const struct column *col, bool usual)
{
	bool shown = usual;

	if (plan->opts.format == FORMAT_JSON && !(col->flags & COL_ASKED))
		return shown;
	for (const struct column_switch *s = plan->tool->switches; s && s->columns; s++) {
		if (!switch_on(plan, s))
			continue;
		if (switch_names(s, col->name, '+'))
			shown = true;
		if (switch_names(s, col->name, '-'))
			shown = false;
	}
	return shown;
}

/* Is @col of @t shown when nobody says --columns? */
static bool shown_by_default(const struct plan *plan, const struct run_table *t,
			     const struct column *col)
{
	if (by_of_table(t) && drain_identifies(&t->spec, col))
		return by_is_key(t->by, col);
	if (col->unit == U_STACK && t == plan->main && t->spec.kind != TOOL_STACKS)
		return col->name[0] == 'k' ? plan->opts.kstack : plan->opts.ustack;
	return shown_after_switches(plan, col, columns_usual(col, plan->opts.format));
}

bool table_columns(const struct plan *plan, struct run_table *t, const char *list, char *err,
		   size_t size)
{
	size_t n = columns_count(&t->spec.row);
	bool *usual = calloc(n + 1, sizeof(*usual));
	bool of_groups = t->by && !by_of_table(t); /* what --columns names */
	bool ok;

	if (!usual) {
		snprintf(err, size, "out of memory");
		return false;
	}
	for (size_t i = 0; i < n; i++)
		usual[i] = shown_by_default(plan, t, &t->spec.row.columns[i]);
	selection_free(&t->selection);
	ok = columns_select_from(&t->spec.row, of_groups ? NULL : list, plan->opts.format, usual,
				 &t->selection, err, size);
	if (ok && of_groups) {
		selection_free(&t->by_selection);
		ok = columns_select(by_table(t->by), list, plan->opts.format, &t->by_selection, err,
				    size);
	}
	free(usual);
	return ok;
}

/* Columns that cost something are computed only where they are used. */
static void enable_columns(struct plan *plan, const struct run_table *t)
{
	const struct column *cols = t->spec.row.columns;
	const char *texts[] = { plan->opts.where, plan->opts.by, plan->opts.sort };
	const uint32_t one = 1;

	for (size_t i = 0; cols[i].name; i++) {
		bool used = false;

		if (cols[i].enable.kind == F_NONE)
			continue;
		for (size_t s = 0; (!t->by || by_of_table(t)) && s < t->selection.n; s++)
			used |= t->selection.index[s] == i;
		for (size_t x = 0; x < sizeof(texts) / sizeof(texts[0]); x++)
			used |= text_names(texts[x], &cols[i]);
		if (used)
			memcpy((char *)plan->cfg + cols[i].enable.off, &one, sizeof(one));
	}
}

/* column ~ "*value*", the value being plain text */
static void add_term(struct text_buf *to, const char *column, const char *value)
{
	text_printf(to, "%s ~ \"*", column);
	for (; *value; value++)
		text_printf(to, strchr("\"\\*?[]", *value) ? "\\%c" : "%c", *value);
	text_puts(to, "*\"");
}

bool plan_terms(struct plan *plan, const struct option_result *result)
{
	struct text_buf *to = &plan->where_text;
	const char *and = "";

	if (!result->n_terms)
		return true;
	if (plan->opts.where) {
		text_printf(to, "(%s)", plan->opts.where);
		and = " && ";
	}
	for (size_t i = 0; i < result->n_terms; i++) {
		text_puts(to, and);
		add_term(to, result->terms[i].column, result->terms[i].value);
		and = " && ";
	}
	plan->opts.where = text_cstr(to);
	return !to->failed;
}

bool plan_open(struct plan *plan)
{
	stacks_choose(plan);
	if (!tables_open(plan))
		return false;
	for (size_t i = 0; i < plan->n_tables; i++) {
		const struct run_table *t = &plan->table[i];

		if (by_of_table(t) && !by_leaves_columns(t))
			return false;
		enable_columns(plan, t);
	}
	fold_choose(plan);
	return true;
}
