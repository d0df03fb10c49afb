/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the parts of core/run/drain*.c share. */
#ifndef IOSONDE_RUN_DRAIN_H
#define IOSONDE_RUN_DRAIN_H

#include "core/base/keymap.h"
#include "core/rows/hist.h"
#include "core/run/internal.h"

/* A report under construction: records of any length, one after the other. */
struct report {
	struct run *run;
	struct run_table *t;
	const struct drain *d; /* t->spec.drain */
	int map_fd, n_cpus;
	int reserve_fd; /* -1: the tool has none */
	uint32_t epoch;
	uint64_t ts_ns;	  /* ends every row: when the epoch was closed */
	uint64_t span_ns; /* and, after it, a table's: how long the epoch was */
	struct text_buf bytes;
	struct sort_row *row; /* rec is an offset into bytes until report_print() */
	size_t n, cap;
	uint64_t entries; /* of the map, before --where */
	bool failed;	  /* out of memory */
	bool last;	  /* of the run */
	bool ordered;	  /* row holds pointers, and the first @shown are shown */
	size_t shown;
	struct hist_view view; /* of values that hold a histogram */
	uint64_t whole;	       /* what they add up to: drain->whole */
	bool *is_max;	       /* per word of a value: merging takes the larger one */
	/* where the CPU is a part of the key, --by was given, or drain->by_function: all entries */
	struct keymap merged;
	bool counted;		/* rows to come went past --where already, as parts of others */
	struct text_buf totals; /* rows of drain->hist->totals, all of one length */
};

/* Is @col a part of the table's keys that identifies a row? The epoch isn't. */
bool drain_is_key(const struct tool_table *t, const struct column *col);

/* The same, or the key of a table whose map needs less than its rows tell? */
bool drain_identifies(const struct tool_table *t, const struct column *col);

/* The output's width if it is a terminal that may be drawn on, else 0. */
size_t drain_terminal(const struct run *run);

/* Adds the rows that stand for one entry of the map: @value summed over CPUs, @key as it is. */
void report_add_entry(struct report *r, const char *key, const uint64_t *value);

/* The same for each in report->merged. */
void report_add_merged(struct report *r);

/* What the histograms there add up to; 0 where no row asks: drain->whole. */
uint64_t report_whole(const struct report *r);

/* As report_add_entry(), or keeps it where others with that key are to be added: parts of CPUs, of
 * --by. */
void report_keep(struct report *r, const char *key, const uint64_t *value);

/* Adds the row of a stack. */
void report_add_stack(struct report *r, const char *key, const uint64_t *value);

/* Adds what was counted by user stacks that came as copies. */
void drain_unwound(struct report *r);

/* drain->by_function: adds a row for all stacks in report->merged that have the same functions. */
void drain_functions(struct report *r);

/* Of the command's rows; NULL: there is none of that name. */
const struct column *drain_column(const struct tool *tool, const char *name);

/* Adds the row of what found no room in the map. */
void drain_others(struct report *r);

/* Where the programs count that: drain->others, or the map of that name; NULL: nowhere. */
const struct bpf_map *drain_others_map(const struct run *run, const struct drain *d);

/* Room for a row of @len bytes; NULL when out of memory. */
char *report_add_row(struct report *r, size_t len);

/* Keeps or drops the newest row, which stands for @events events. */
void report_filter_row(struct report *r, const char *row, uint64_t events);

/* Key, value, time: in that order in every row. Returns where the time goes. */
char *report_put_row(char *row, const struct drain *d, const char *key, const void *value,
		     size_t size);

/* Sums one key's value over the CPUs, if the map is kept per CPU. */
void report_merge_cpus(const struct report *r, uint64_t *value);

/* Has the command's map a place per target, instead of the target in its keys? */
static inline bool drain_per_target(const struct tool *tool)
{
	return tool->many.prog && tool->kind == TOOL_TABLE;
}

/* The rows of such a map. Returns 0 or a negative error. */
int drain_targets(struct report *r);

/* In @key, a target becomes the pattern that selected it, unless they are to stand apart. */
void report_fold_target(const struct report *r, char *key);

/* What stands behind the time in rows that are about a target: drain->target. */
size_t report_target_size(const struct drain *d);
void report_put_target(const struct report *r, const char *key, char *at);

/* Adds @from to @to, as the same key's values on two CPUs. */
void report_merge(const struct report *r, uint64_t *to, const uint64_t *from);

/* --by: adds a row for each group of those in report->merged. */
void drain_by(struct report *r);

/* What sums up each key's histogram: always for machines, for people if they ask. */
void drain_totals(struct report *r);

/* One of report->totals, whose length is this. */
size_t report_totals_size(const struct drain *d);

/* Are stacks asked for as lines for flame graphs, or as a tree? Then draws the first @n rows. */
bool drain_draws_stacks(const struct run *run);
void drain_draw_stacks(struct report *r, size_t n);

/* What the command's stacks are measured in: the first number of its rows. */
const struct column *drain_measure(const struct tool *tool);

/* --root: leaves what runs under it, and says what it left out. */
void drain_take_root(struct run *run, struct folded *f);

/* --svg: keeps the report's stacks for the picture. Is nothing else asked for? */
bool drain_graph(struct report *r, size_t n);

/*
 * Text for people: histogram rows, sorted by key and slot, as a block of bars per key. Empty log2
 * slots between two in use are shown, too, for a gap is part of the shape.
 */
void drain_draw_histograms(const struct report *r, size_t n);

#endif
