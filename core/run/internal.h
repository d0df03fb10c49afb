/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A run's parts, shared by core/run/ alone. */
#ifndef IOSONDE_RUN_INTERNAL_H
#define IOSONDE_RUN_INTERNAL_H

#include <string.h>

#include "core/base/clock.h"
#include "core/base/text_buf.h"
#include "core/base/writer.h"
#include "core/kernel/many.h"
#include "core/names/stack.h"
#include "core/rows/by.h"
#include "core/rows/columns.h"
#include "core/rows/vocabulary.h"
#include "core/rows/where.h"
#include "core/run/child.h"
#include "core/run/run.h"

#define MAX_EXTRA  16
#define MAX_TABLES 8

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

/* What stands in the output up to byte @end shows @events more. */
struct mark {
	uint64_t end, events;
};

struct run {
	const struct tool *tool;
	struct common_opts opts;
	void *cfg;
	void *tool_state;
	struct target_cfg target;

	/* output */
	int out_fd;
	struct sink *sink;
	struct names view_names; /* of what numbers in rows stand for */
	struct clock_base clock;
	struct run_table table[MAX_TABLES];
	size_t n_tables;
	struct run_table *main;	    /* of tool->row: the first */
	struct text_buf where_text; /* opts.where, where options added terms to it */
	struct stack_names *names;
	struct text_buf stack_text;
	struct writer *writer;
	struct mark *mark; /* which events stand where in the output, until that is written */
	size_t n_marks, first_mark, mark_room;
	uint64_t unmarked;     /* events that the report under way shows */
	uint64_t next_look_ns; /* whether the output's file is still there */
	bool stalled;	       /* nobody takes the output: given up */
	int out_error;	       /* errno of the first write that failed */

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
	int untold; /* signal that could not be passed on to it: it isn't waited for */
	int pidfds[MAX_IDS];
	uint32_t n_alive;	  /* of the processes given with -p */
	uint32_t tgids[MAX_IDS];  /* of the threads given with -t; 0: ended */
	uint64_t next_threads_ns; /* when to look at those again */
	uint8_t *states;	  /* target_tgids, mapped; NULL: not in use */

	/* the loop */
	int epoll_fd, signal_fd;
	uint64_t next_report_ns, end_ns; /* CLOCK_MONOTONIC; 0: never */
	uint64_t epoch_began_ns;	 /* of the aggregating maps */
	uint64_t reports;
	bool stop, abort_now; /* abort_now: rows are counted, but not shown any more */
	unsigned interrupts;
	int ended_by;	 /* the first signal that ended the run */
	bool report_now; /* SIGUSR1 */
	bool paused;	 /* the ring isn't read: nobody takes the output */
	bool reopen;	 /* SIGUSR2 */
	uint32_t since_check;

	/* rows, as user space counts them */
	uint64_t generated, filtered; /* as far as counters of the programs don't tell */
	uint64_t shown;		      /* what was written, to the last byte */
	uint64_t handed;	      /* what was handed to the writer */
	uint64_t unread;	      /* left in the ring by a run that was broken off: lost */
	uint64_t others; /* of those shown: in rows that stand for what found no room in a table */
	uint64_t loss_next_ns; /* when to look again whether much is lost */
	bool loss_told;
	struct json_pair extra[MAX_EXTRA];
	bool extra_text[MAX_EXTRA];
	size_t n_extra;
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

/* run_output.c */
/* What OPT_TERM options ask of the rows becomes a part of --where. */
bool output_terms(struct run *run, const struct option_result *result);
bool output_open(struct run *run);  /* sink, columns, where, by, sort; sets what cfg enables */
bool output_names(struct run *run); /* opens the symbol tables that stacks need */
void output_row(struct run *run, const void *rec, size_t len);
void output_shown(struct run *run, uint64_t n); /* events that this report shows */
void output_report(struct run *run, bool last); /* --by's table, and the tool's own reports */
void output_by_clear(const struct run *run, struct by *by); /* the next interval's groups begin */
void output_close(struct run *run);

/* Is @s in use, and does it bring ('+') or take away ('-') the column @name? */
bool switch_on(const struct run *run, const struct column_switch *s);
bool switch_names(const struct column_switch *s, const char *name, char sign);

/* run_by.c */
/* The names of a stack's frames, innermost first, each with a NUL; good until the next call. */
const char *stack_list(struct run *run, bool user, uint32_t pid, const struct value *v,
		       size_t *len);
void stacks_choose(struct run *run); /* stacks that --columns or --by name */
bool by_choose(const struct run *run, struct run_table *t, const char *keys, char *err,
	       size_t size);
bool by_leaves_columns(const struct run_table *t); /* those that --columns and --sort name */
void by_report(struct run *run);

/* tables.c */
bool tables_open(struct run *run); /* each with what --columns, --where ... ask of it */
void tables_close(struct run *run);
/* The table called @name, as JSON has it ("type") or as options have it; NULL: none. */
struct run_table *tables_find(struct run *run, const char *name, size_t len);
bool tables_any_where(const struct run *run);

/* tables_show.c */
/* Adds a row, which lasts until the table is shown, unless --where drops it. */
void table_give(struct run *run, struct run_table *t, const void *rec, size_t len, uint64_t events);
void table_show(struct run *run, struct run_table *t);
/* Its title, if it has one, above those of @n rows that are shown. */
void table_title(const struct run *run, const struct run_table *t, size_t n);

/* file.c */
bool file_open(struct run *run);		  /* of -O, or standard output; and its sink */
void file_mark(struct run *run, uint64_t events); /* what was put last stands for so many */
bool output_flush(struct run *run);		  /* false: no more output is possible */
/* Waits until the output has room, or is all written; false: nobody takes it. */
bool file_wait(struct run *run, bool all);
/* SIGUSR2, or somebody has moved the file: what follows goes to a new one of its name. */
void file_look(struct run *run, bool asked);
void file_close(struct run *run);

/* summary.c */
bool output_summary(struct run *run); /* false: the account does not add up, which was said */
void output_so_far(struct run *run);  /* for people alone, while the run goes on */

/* targets.c */
bool targets_open(struct run *run);  /* who -p and -t name, whatever becomes of the numbers */
bool targets_mark(void *run);	     /* for loaded_attach() */
bool targets_adopt(struct run *run); /* their children, when the programs see new ones */
bool targets_watch(struct run *run); /* whether they end */
void targets_ended(struct run *run, int fd); /* one of -p's has */
void targets_look(struct run *run);	     /* -t's don't tell */
void targets_close(struct run *run);

/* command.c */
/* Looks at what became of the command's exec, and whether it has ended. */
void command_look(struct run *run);
void command_tell(struct run *run, int number); /* passes a signal on */
int command_wait(struct run *run);		/* after the run; its status is ours */
void command_give_up(struct run *run);		/* if it is still held */

/* run_loop.c */
bool loop_open(struct run *run);
bool loop_watch(struct run *run, int fd);
void loop_run(struct run *run);
void loop_consume(struct run *run);
void loop_signals(struct run *run); /* looks at those that have come */
void loop_drain(struct run *run);   /* reads what is left, as far as somebody takes it */
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
