/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rows on their way out: selection, --where, --by, reports. */
#include "core/run/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/run/drain.h"
#include "core/run/tables.h"

bool switch_on(const struct run *run, const struct column_switch *s)
{
	return field_is_set(run->cfg, &s->when);
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
static bool shown_after_switches(const struct run *run, const struct column *col, bool usual)
{
	bool shown = usual;

	if (run->opts.format == FORMAT_JSON && !(col->flags & COL_ASKED))
		return shown;
	for (const struct column_switch *s = run->tool->switches; s && s->columns; s++) {
		if (!switch_on(run, s))
			continue;
		if (switch_names(s, col->name, '+'))
			shown = true;
		if (switch_names(s, col->name, '-'))
			shown = false;
	}
	return shown;
}

/* Is @col of @t shown when nobody says --columns? */
static bool shown_by_default(const struct run *run, const struct run_table *t,
			     const struct column *col)
{
	if (by_of_table(t) && drain_identifies(&t->spec, col))
		return by_is_key(t->by, col);
	if (col->unit == U_STACK && t == run->main && t->spec.kind != TOOL_STACKS)
		return col->name[0] == 'k' ? run->opts.kstack : run->opts.ustack;
	return shown_after_switches(run, col, columns_usual(col, run->opts.format));
}

bool table_columns(const struct run *run, struct run_table *t, const char *list, char *err,
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
		usual[i] = shown_by_default(run, t, &t->spec.row.columns[i]);
	selection_free(&t->selection);
	ok = columns_select_from(&t->spec.row, of_groups ? NULL : list, run->opts.format, usual,
				 &t->selection, err, size);
	if (ok && of_groups) {
		selection_free(&t->by_selection);
		ok = columns_select(by_table(t->by), list, run->opts.format, &t->by_selection, err,
				    size);
	}
	free(usual);
	return ok;
}

/* Columns that cost something are computed only where they are used. */
static void enable_columns(struct run *run, const struct run_table *t)
{
	const struct column *cols = t->spec.row.columns;
	const char *texts[] = { run->opts.where, run->opts.by, run->opts.sort };
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
			memcpy((char *)run->cfg + cols[i].enable.off, &one, sizeof(one));
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

bool output_terms(struct run *run, const struct option_result *result)
{
	struct text_buf *to = &run->where_text;
	const char *and = "";

	if (!result->n_terms)
		return true;
	if (run->opts.where) {
		text_printf(to, "(%s)", run->opts.where);
		and = " && ";
	}
	for (size_t i = 0; i < result->n_terms; i++) {
		text_puts(to, and);
		add_term(to, result->terms[i].column, result->terms[i].value);
		and = " && ";
	}
	run->opts.where = text_cstr(to);
	return !to->failed;
}

bool output_open(struct run *run)
{
	stacks_choose(run);
	if (!tables_open(run))
		return false;
	for (size_t i = 0; i < run->n_tables; i++) {
		const struct run_table *t = &run->table[i];

		if (by_of_table(t) && !by_leaves_columns(t))
			return false;
		enable_columns(run, t);
	}
	fold_choose(run);
	return true;
}

bool output_names(struct run *run)
{
	if (!file_open(run))
		return false;
	for (size_t i = 0; i < run->n_tables; i++)
		if (run->table[i].where)
			where_set_view(run->table[i].where, &run->view_names, run->clock.start_ns);
	if (run->opts.kstack || run->opts.ustack || run->tool->kind == TOOL_STACKS)
		return run_kernel_names(run) != NULL;
	return true;
}

void output_row(struct run *run, const void *rec, size_t len)
{
	if (run->abort_now) {
		run->unread++;
		return;
	}
	if (run->main->where && !where_match(run->main->where, rec, len)) {
		run->filtered++;
		return;
	}
	if (run->main->by) {
		run->unmarked++;
		by_add(run->main->by, rec, len);
		return;
	}
	sink_row(run->sink, &run->main->selection, rec, len);
	file_mark(run, 1);
}

void output_shown(struct run *run, uint64_t n)
{
	run->unmarked += n;
}

void run_header_alone(struct run *run)
{
	if (!run->handed && !run->unmarked && !run->main->by)
		sink_table(run->sink, &run->main->selection, NULL, 0);
}

void output_report(struct run *run, bool last)
{
	const struct tool_ops *ops = run->tool->ops;

	if (fold_chosen(run))
		fold_report(run);
	if (run->main->by && !by_of_table(run->main))
		by_report(run);
	if (run->tool->drain.map)
		drain_report(run, last);
	if (ops && ops->report)
		ops->report(run, last);
	if (last && run->tool->kind == TOOL_EVENTS)
		run_header_alone(run);
	file_mark(run, run->unmarked);
	run->unmarked = 0;
	run->reports++;
	output_flush(run);
}

void output_close(struct run *run)
{
	file_close(run);
	tables_close(run);
	names_free(&run->view_names);
	text_free(&run->where_text);
	stack_names_close(run->names);
	text_free(&run->stack_text);
}
