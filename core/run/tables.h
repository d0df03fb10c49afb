/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a command's tables are: for its options, its help, and a run. */
#ifndef IOSONDE_RUN_TABLES_H
#define IOSONDE_RUN_TABLES_H

#include "core/run/plan.h"

/* All of @tool's tables, tool->row first; returns how many. */
size_t tables_of(const struct tool *tool, struct tool_table spec[MAX_TABLES]);

/* What --columns and --sort name: of events, with --by, the groups' columns. */
static inline const struct table *table_of_columns(const struct run_table *t)
{
	return t->by && !by_of_table(t) ? by_table(t->by) : &t->spec.row;
}

/* Selects the columns in @list, or the usual ones (NULL), after options that bring some. */
bool table_columns(const struct plan *plan, struct run_table *t, const char *list, char *err,
		   size_t size);

/* Each table with what --columns, --where ... ask of it; false: what is wrong was said. */
bool tables_open(struct plan *plan);
void tables_close(struct plan *plan);

/* The table called @name, as JSON has it ("type") or as options have it; NULL: none. */
struct run_table *tables_find(struct plan *plan, const char *name, size_t len);
bool tables_any_where(const struct plan *plan);

#endif
