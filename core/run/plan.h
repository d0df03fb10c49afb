/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a run is to do, as the command's descriptor and its options have it: settled before the
 * kernel is asked for anything, and the same whatever the records come from.
 */
#ifndef IOSONDE_RUN_PLAN_H
#define IOSONDE_RUN_PLAN_H

#include <string.h>

#include "core/base/text_buf.h"
#include "core/rows/by.h"
#include "core/rows/columns.h"
#include "core/rows/vocabulary.h"
#include "core/rows/where.h"
#include "core/run/common.h"
#include "core/tool.h"

#define MAX_TABLES 16

/* One of a command's tables, and what the options ask of it. */
struct run_table {
	struct tool_table spec;
	bool idle; /* its rows come with an option that wasn't given */
	struct selection selection;
	bool chosen; /* --columns is about it */
	struct where *where;
	struct by *by;
	struct selection by_selection;
	struct sort sort;
	bool sorted;
	size_t top; /* rows that are shown; 0: all */
	/* rows of the report under way, which are their owner's */
	struct sort_row *row;
	size_t n, room;
	uint64_t dropped; /* events in rows that --where left out */
};

struct plan {
	const struct tool *tool;
	struct common_opts opts;
	const struct column
		*columns; /* of the rows, where the command line says; NULL: tool->row's */
	void *cfg;	  /* tool->cfg_size bytes, the programs' */
	void *tool_state; /* tool_ops.state_size bytes */
	struct target_cfg target;
	char **command;		    /* NULL: none */
	struct text_buf where_text; /* opts.where, where options added terms to it */
	struct run_table table[MAX_TABLES];
	size_t n_tables;
	struct run_table *main; /* of tool->row: the first */
};

/* Are the rows of a table added up by --by? (Rows of events are counted by it.) */
static inline bool by_of_table(const struct run_table *t)
{
	return t->by && t->spec.kind == TOOL_TABLE;
}

/* Does @text, an option's, name the column? One that only looks so costs time, never a row. */
static inline bool text_names(const char *text, const struct column *col)
{
	const char *also = column_also(col);

	return text && (strstr(text, col->name) || (col->classic && strstr(text, col->classic)) ||
			(also && strstr(text, also)));
}

/* Is @s in use, and does it bring ('+') or take away ('-') the column @name? */
bool switch_on(const struct plan *plan, const struct column_switch *s);
bool switch_names(const struct column_switch *s, const char *name, char sign);

/* What OPT_TERM options ask of the rows becomes a part of --where; false: out of memory. */
bool plan_terms(struct plan *plan, const struct option_result *result);

/* Columns, where, by, sort of every table; sets what cfg enables. False: what is wrong was said. */
bool plan_open(struct plan *plan);

/* Stacks that --columns or --by name, and those of TOOL_STACKS, are taken. */
void stacks_choose(struct plan *plan);

/* --by of one table: false with one line in @err. */
bool by_choose(const struct plan *plan, struct run_table *t, const char *keys, char *err,
	       size_t size);
bool by_leaves_columns(const struct run_table *t); /* those that --columns and --sort name */

/* Sets the tool's fold.when, if its programs may count rows by themselves: fold.c. */
void fold_choose(struct plan *plan);
bool fold_chosen(const struct plan *plan);

#endif
