/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A run's parts, shared by core/run/ alone. The plan says what is wanted (plan.h); a source gives
 * records, maps and counters; the view shows them; the account adds up, or says so (account.h).
 */
#ifndef IOSONDE_RUN_INTERNAL_H
#define IOSONDE_RUN_INTERNAL_H

#include <string.h>

#include "core/base/clock.h"
#include "core/base/text_buf.h"
#include "core/base/writer.h"
#include "core/kernel/many.h"
#include "core/names/stack.h"
#include "core/rows/folded.h"
#include "core/run/account.h"
#include "core/run/child.h"
#include "core/run/plan.h"
#include "core/run/run.h"
#include "core/run/unwound.h"

/* What stands in the output up to byte @end shows @events more. */
struct mark {
	uint64_t end, events;
};

/* Where records, drained maps and counters come from: a kernel that runs. */
struct source {
	struct loaded *loaded;
	struct many many; /* targets of tool->many */
	struct ring_buffer *ring;
	struct unwound *unwound; /* NULL: no user stacks come as copies */
	int stats_fd;
	char blind[1024];	 /* what the hooks in use don't see; "" for nothing */
	uint64_t epoch_began_ns; /* of the aggregating maps */
};

/* How rows are shown: what numbers in them stand for, as of when, and by which sink. */
struct view {
	struct sink *sink;
	struct names names;
	struct clock_base clock;
	struct stack_names *symbols;
	struct text_buf stack_text;
};

/* The file that the sink's text goes to. */
struct output {
	int fd;
	struct writer *writer;
	struct mark *mark; /* which events stand where in it, until that is written */
	size_t n_marks, first_mark, mark_room;
	uint64_t unmarked;     /* events that the report under way shows */
	uint64_t handed;       /* what was handed to the writer */
	uint64_t next_look_ns; /* whether the file is still there */
	bool stalled;	       /* nobody takes the output: given up */
	int error;	       /* errno of the first write that failed */
};

/* The traced command, or -p's and -t's. */
struct watch {
	struct child child;
	bool forked;
	int untold; /* signal that could not be passed on to it: it isn't waited for */
	int pidfds[MAX_IDS];
	uint32_t n_alive;	  /* of the processes given with -p */
	uint32_t tgids[MAX_IDS];  /* of the threads given with -t; 0: ended */
	uint64_t next_threads_ns; /* when to look at those again */
	uint8_t *states;	  /* target_tgids, mapped; NULL: not in use */
};

struct loop {
	int epoll_fd, signal_fd;
	uint64_t next_report_ns, end_ns; /* CLOCK_MONOTONIC; 0: never */
	uint64_t reports;
	bool stop, abort_now; /* abort_now: rows are counted, but not shown any more */
	unsigned interrupts;
	int ended_by;	 /* the first signal that ended the run */
	bool report_now; /* SIGUSR1 */
	bool paused;	 /* the ring isn't read: nobody takes the output */
	bool reopen;	 /* SIGUSR2 */
	uint32_t since_check;
};

enum graph_format { GRAPH_SVG, GRAPH_SPEEDSCOPE, GRAPH_PPROF, N_GRAPHS };

/* --svg, --speedscope, --pprof: the stacks of the whole run, and the files that they go to. */
struct graph {
	char *file;	 /* NULL: it wasn't asked for */
	char *temporary; /* beside it; NULL: it is written to itself */
	int fd;
	bool open;
};

struct graphs {
	struct graph of[N_GRAPHS];
	bool open; /* one of them */
	struct folded stacks;
	struct folded before; /* --diff, sorted */
};

/* The kernel's counters and ours at one moment. @moved: ours while those were read. */
struct reading {
	uint64_t kernel[BOOKS_MAX];
	bool kept[BOOKS_MAX];
	struct booked ours[BOOKS_MAX];
	uint64_t moved[BOOKS_MAX];
};

/* --check */
struct books {
	int *fd;	    /* of books.c's files; NULL: it wasn't asked for */
	bool several_netns; /* targets elsewhere are in no book of the first one's */
	struct reading begin, end;
};

struct run {
	struct plan plan;
	struct source source;
	struct view view;
	struct output output;
	struct account account;
	struct watch watch;
	struct loop loop;
	struct graphs graphs;
	struct books books;
};

/* run.c */
bool begin_output(struct run *run); /* the clock of the rows begins, and the output is there */

/* feed.c */
bool feed_open(struct run *run);   /* in place of programs */
bool feed_attach(struct run *run); /* and of their hooks */

/* output.c */
bool output_names(struct run *run); /* opens the symbol tables that stacks need */
void output_row(struct run *run, const void *rec, size_t len);
void output_shown(struct run *run, uint64_t n); /* events that this report shows */
void output_report(struct run *run, bool last); /* --by's table, and the tool's own reports */
void output_by_clear(const struct run *run, struct by *by); /* the next interval's groups begin */
void output_close(struct run *run);

/* graph.c */
bool graph_open(struct run *run);  /* --svg and so on: where they are to go, as long as we may */
bool graph_write(struct run *run); /* after the last report; false: with a message */
void graph_close(struct run *run);

/* by.c */
/* The names of a stack's frames, innermost first, each with a NUL; good until the next call. */
const char *stack_list(struct run *run, bool user, uint32_t pid, const struct value *v,
		       size_t *len);
void by_report(struct run *run);

/* tables_show.c */
/* Adds a row, which lasts until the table is shown, unless --where drops it. */
void table_give(struct run_table *t, const void *rec, size_t len, uint64_t events);
void table_show(struct view *view, struct run_table *t);
/* Its title, if it has one, above those of @n rows that are shown. */
void table_title(const struct view *view, const struct run_table *t, size_t n);

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

/* books.c */
void books_prepare(struct run *run); /* before loading */
bool books_begin(struct run *run);   /* attached, with privileges; false: with a message */
void books_end(struct run *run);     /* still attached */
bool books_tell(struct run *run);    /* false: a pair that must agree doesn't, which was said */
void books_close(struct run *run);

/* targets.c */
bool targets_open(struct run *run);   /* who -p and -t name, whatever becomes of the numbers */
bool targets_mark(void *run);	      /* for loaded_attach() */
bool targets_follow(struct run *run); /* hands the threads of all to the tool's feed */
bool targets_adopt(struct run *run);  /* their children, when the programs see new ones */
bool targets_watch(struct run *run);  /* whether they end */
void targets_ended(struct run *run, int fd); /* one of -p's has */
void targets_look(struct run *run);	     /* -t's don't tell */
void targets_close(struct run *run);

/* command.c */
/* Looks at what became of the command's exec, and whether it has ended. */
void command_look(struct run *run);
void command_tell(struct run *run, int number); /* passes a signal on */
int command_wait(struct run *run);		/* after the run; its status is ours */
void command_give_up(struct run *run);		/* if it is still held */

/* loop.c */
bool loop_open(struct run *run);
bool loop_watch(struct run *run, int fd);
void loop_run(struct run *run);
void loop_consume(struct run *run);
void loop_signals(struct run *run); /* looks at those that have come */
void loop_drain(struct run *run);   /* reads what is left, as far as somebody takes it */
void loop_close(struct run *run);

/* fold.c */
void fold_report(struct run *run); /* into the groups of --by, before they are shown */

/* loss.c */
/* Says once on standard error that events are lost, if they are; @more were counted elsewhere. */
void loss_notice(struct run *run, uint64_t more);

/* memo.c */
void memo_collect(struct run *run, uint32_t epoch); /* into the map that is read next */

/* drain.c */
void drain_report(struct run *run, bool last);

#endif
