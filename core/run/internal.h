/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A run's parts, shared by core/run/ alone. */
#ifndef IOSONDE_RUN_INTERNAL_H
#define IOSONDE_RUN_INTERNAL_H

#include <string.h>

#include "core/base/text_buf.h"
#include "core/kernel/many.h"
#include "core/names/stack.h"
#include "core/rows/by.h"
#include "core/rows/columns.h"
#include "core/rows/where.h"
#include "core/run/child.h"
#include "core/run/run.h"

#define MAX_EXTRA  16
#define MAX_TABLES 8

struct run {
	const struct tool *tool;
	struct common_opts opts;
	void *cfg;
	void *tool_state;
	struct target_cfg target;

	/* output */
	int out_fd;
	struct sink *sink;
	struct clock_base clock;
	struct selection selection;
	struct where *where;
	struct text_buf where_text; /* opts.where, where options added terms to it */
	struct by *by;
	struct selection by_selection;
	struct sort sort;
	bool sorted;
	struct selection
		defaults[MAX_TABLES]; /* of the tool's other tables, as they are first shown */
	size_t n_defaults;
	struct stack_names *names;
	struct text_buf stack_text;
	int out_error; /* errno of the first write that failed */

	/* the kernel side */
	struct loaded *loaded;
	struct many many; /* targets of tool->many */
	struct ring_buffer *ring;
	int stats_fd;
	char blind[1024]; /* what the hooks in use don't see; "" for nothing */

	/* the traced command, or -p's processes */
	char **command;
	struct child child;
	bool forked;
	sigset_t old_mask;
	void (*old_sigpipe)(int);
	int pidfds[MAX_IDS];
	uint32_t n_alive; /* of the processes given with -p */

	/* the loop */
	int epoll_fd, signal_fd, timer_fd;
	uint64_t next_report_ns, end_ns; /* CLOCK_MONOTONIC; 0: never */
	uint64_t epoch_began_ns;	 /* of the aggregating maps */
	uint64_t reports;
	bool stop, abort_now; /* abort_now: rows are counted, but not shown any more */
	unsigned interrupts;
	uint32_t since_check;

	/* rows, as user space counts them */
	uint64_t generated, shown, filtered; /* as far as counters of the programs don't tell */
	uint64_t others; /* of those shown: in rows that stand for what found no room in a table */
	uint64_t loss_next_ns; /* when to look again whether much is lost */
	bool loss_told;
	uint64_t unread; /* left in the ring by a run that was broken off: lost */
	struct json_pair extra[MAX_EXTRA];
	bool extra_text[MAX_EXTRA];
	size_t n_extra;
};

uint64_t now_ns(void);

/* Are the rows of a table added up by --by? (Rows of events are counted by it.) */
static inline bool by_of_table(const struct run *run)
{
	return run->by && run->tool->kind == TOOL_TABLE;
}

/* Does @text, an option's, name the column? One that only looks so costs time, never a row. */
static inline bool text_names(const char *text, const struct column *col)
{
	return text && (strstr(text, col->name) || (col->classic && strstr(text, col->classic)));
}

/* run_output.c */
/* What OPT_TERM options ask of the rows becomes a part of --where. */
bool output_terms(struct run *run, const struct option_result *result);
bool output_open(struct run *run);  /* sink, columns, where, by, sort; sets what cfg enables */
bool output_names(struct run *run); /* opens the symbol tables that stacks need */
void output_row(struct run *run, const void *rec, size_t len);
void output_report(struct run *run, bool last); /* --by's table, and the tool's own reports */
void output_by_clear(struct run *run);		/* the next interval's groups begin */
void output_summary(struct run *run);
bool output_flush(struct run *run); /* false: no more output is possible */
void output_close(struct run *run);

/* Is @s in use, and does it bring ('+') or take away ('-') the column @name? */
bool switch_on(const struct run *run, const struct column_switch *s);
bool switch_names(const struct column_switch *s, const char *name, char sign);

/* run_by.c */
void stacks_choose(struct run *run); /* stacks that --columns or --by name */
bool by_choose(struct run *run, char *err, size_t size);
bool by_leaves_columns(const struct run *run); /* those that --columns and --sort name */
void by_report(struct run *run);

/* run_loop.c */
bool loop_open(struct run *run);
void loop_run(struct run *run);
void loop_consume(struct run *run);
void loop_close(struct run *run);

/* run_fold.c */
void fold_choose(struct run *run); /* sets the tool's fold.when, if rows may be folded */
bool fold_chosen(const struct run *run);
void fold_report(struct run *run); /* into the groups of --by, before they are shown */

/* loss.c */
/* Says once on standard error that events are lost, if they are; @more were counted elsewhere. */
void loss_notice(struct run *run, uint64_t more);

/* memo.c */
void memo_collect(struct run *run, uint32_t epoch); /* into the map that is read next */

/* run_drain.c */
void drain_report(struct run *run, bool last);

#endif
