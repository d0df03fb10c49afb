/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rows on their way out: selection, --where, --by, reports. */
#include "core/run/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/run/drain.h"

bool switch_on(const struct run *run, const struct column_switch *s)
{
	const unsigned char *p = (const unsigned char *)run->cfg + s->when.off;

	for (uint32_t i = 0; i < s->when.size; i++)
		if (p[i])
			return true;
	return false;
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

/* Is @col of the command's rows shown when nobody says --columns? */
static bool shown_by_default(const struct run *run, const struct column *col)
{
	if (by_of_table(run) && drain_identifies(run->tool, col))
		return by_is_key(run->by, col);
	if (col->unit == U_STACK && run->tool->kind != TOOL_STACKS)
		return col->name[0] == 'k' ? run->opts.kstack : run->opts.ustack;
	return shown_after_switches(run, col, columns_usual(col, run->opts.format));
}

static bool select_columns(struct run *run)
{
	const struct table *table = &run->tool->row;
	size_t n = columns_count(table);
	bool *usual = calloc(n + 1, sizeof(*usual));
	bool of_groups = run->by && !by_of_table(run); /* what --columns names */
	char err[512] = "out of memory";
	bool ok;

	for (size_t i = 0; usual && i < n; i++)
		usual[i] = shown_by_default(run, &table->columns[i]);
	ok = usual &&
	     columns_select_from(table, of_groups ? NULL : run->opts.columns, run->opts.format,
				 usual, &run->selection, err, sizeof(err));
	if (!ok)
		log_error("%s", err);
	free(usual);
	return ok;
}

/* Columns that cost something are computed only where they are used. */
static void enable_columns(struct run *run)
{
	const struct column *cols = run->tool->row.columns;
	const char *texts[] = { run->opts.where, run->opts.by, run->opts.sort };
	const uint32_t one = 1;

	for (size_t i = 0; cols[i].name; i++) {
		bool used = false;

		if (cols[i].enable.kind == F_NONE)
			continue;
		for (size_t s = 0; (!run->by || by_of_table(run)) && s < run->selection.n; s++)
			used |= run->selection.index[s] == i;
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
			used |= text_names(texts[t], &cols[i]);
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
	const struct table *sorted = &run->tool->row;
	char err[4096];

	stacks_choose(run);
	if (run->opts.by && !by_choose(run, err, sizeof(err))) {
		log_error("--by: %s", err);
		return false;
	}
	if (!select_columns(run))
		return false;
	if (run->opts.where) {
		run->where = where_compile(&run->tool->row, run->opts.where, err, sizeof(err));
		if (!run->where) {
			log_error_lines("--where: %s", err);
			return false;
		}
	}
	if (run->by && !by_of_table(run))
		sorted = by_table(run->by);
	if (run->opts.sort && run->tool->kind != TOOL_LEDGER) { /* its tables are its own */
		if (!sort_parse(sorted, run->opts.sort, &run->sort, err, sizeof(err))) {
			log_error("--sort: %s", err);
			return false;
		}
		run->sorted = true;
	}
	if (by_of_table(run) && !by_leaves_columns(run))
		return false;
	enable_columns(run);
	fold_choose(run);
	return true;
}

bool output_names(struct run *run)
{
	if (!file_open(run))
		return false;
	if (run->where)
		where_set_start(run->where, run->clock.start_ns);
	if (run->opts.kstack || run->opts.ustack || run->tool->kind == TOOL_STACKS)
		return run_kernel_names(run) != NULL;
	return true;
}

const struct selection *run_default_columns(struct run *run, const struct table *table)
{
	struct selection *sel;
	bool *usual;
	size_t n;
	char err[256];

	for (size_t i = 0; i < run->n_defaults; i++)
		if (run->defaults[i].table == table)
			return &run->defaults[i];
	if (run->n_defaults == MAX_TABLES)
		return NULL;
	sel = &run->defaults[run->n_defaults];
	n = columns_count(table);
	usual = calloc(n + 1, sizeof(*usual));
	for (size_t i = 0; usual && i < n; i++)
		usual[i] =
			shown_after_switches(run, &table->columns[i],
					     columns_usual(&table->columns[i], run->opts.format));
	if (!usual ||
	    !columns_select_from(table, NULL, run->opts.format, usual, sel, err, sizeof(err)))
		sel = NULL;
	else
		run->n_defaults++;
	free(usual);
	return sel;
}

bool run_sort(const struct run *run, const struct table *table, struct sort *sort)
{
	char err[256];

	return run->opts.sort && sort_parse(table, run->opts.sort, sort, err, sizeof(err));
}

void output_row(struct run *run, const void *rec, size_t len)
{
	if (run->abort_now) {
		run->unread++;
		return;
	}
	if (run->where && !where_match(run->where, rec, len)) {
		run->filtered++;
		return;
	}
	if (run->by) {
		run->unmarked++;
		by_add(run->by, rec, len);
		return;
	}
	sink_row(run->sink, &run->selection, rec, len);
	file_mark(run, 1);
}

void output_shown(struct run *run, uint64_t n)
{
	run->unmarked += n;
}

void run_header_alone(struct run *run)
{
	if (!run->handed && !run->unmarked && !run->by)
		sink_table(run->sink, &run->selection, NULL, 0);
}

void output_report(struct run *run, bool last)
{
	const struct tool_ops *ops = run->tool->ops;

	if (fold_chosen(run))
		fold_report(run);
	if (run->by && !by_of_table(run))
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
	selection_free(&run->selection);
	selection_free(&run->by_selection);
	for (size_t i = 0; i < run->n_defaults; i++)
		selection_free(&run->defaults[i]);
	where_free(run->where);
	text_free(&run->where_text);
	if (run->by)
		by_free(run->by);
	stack_names_close(run->names);
	text_free(&run->stack_text);
}
