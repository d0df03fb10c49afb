/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger's rows and tables in user space, and what they are made of. */
#ifndef IOSONDE_LEDGER_H
#define IOSONDE_LEDGER_H

#include "core/base/keymap.h"
#include "core/base/text_buf.h"
#include "core/run/run.h"
#include "tools/layers/layers.h"

#define SLOWEST_KEPT 10

struct cells {
	uint64_t lat_ns;
	uint64_t ns[N_CELLS];
};

/* One operation: streamed with --slow, and in the list of the slowest. */
struct op_row {
	struct rec rec; /* ts_ns: when it returned */
	uint64_t start_ns;
	uint32_t pid, tid;
	char comm[COMM_LEN];
	uint32_t call;
	int64_t ret;
	int32_t fd;
	uint32_t restarts;
	uint32_t mntns;
	uint64_t flags;
	uint64_t bytes;
	struct cells cells;
	uint64_t longest_ns;
	const char *reason; /* of its longest wait; NULL: none */
	struct vstr path;
	struct vstack stack; /* where it waited longest */
};

/* A line of the tables by call, by file and by process. */
struct sum_row {
	const char *call;
	const char *path;
	char comm[COMM_LEN];
	uint32_t pid;
	uint64_t count, errors, bytes;
	struct cells cells;
	uint64_t p50_ns, p99_ns, max_ns;
};

struct wait_row {
	const char *reason;
	uint32_t call;
	uint32_t share; /* of all waiting */
	uint64_t count, wait_ns, max_ns;
	uint64_t shown_ns; /* of those with just these addresses: the longest of several */
	struct vstack stack;
	uint64_t frames[STACK_FRAMES];
};

#define TIME_NAME 32

/* A line of the table of whole lives. */
struct time_row {
	char call[TIME_NAME];
	uint64_t count, errors;
	uint64_t total_ns; /* of all lines */
	struct cells cells;
};

/* A line of the comparison with the kernel's own books. */
struct book_row {
	const char *book;
	uint64_t ours, kernel;
	uint64_t off;	  /* by how much they differ */
	uint64_t allowed; /* by how much they may */
};

/* What threads did in all the time in which they were watched. */
struct life {
	struct keymap rows;	/* by name: struct time_row */
	struct keymap failures; /* by name: struct layers_failure */
	struct keymap samples;	/* struct layers_sampled of all CPUs, by number */
	uint64_t sum_ns;	/* of the rows */
	uint64_t watched_ns, threads;
	uint64_t other_calls;		     /* that aren't followed by file */
	uint64_t books[N_BOOKS], books_kept; /* by the kernel */
	uint64_t blocked, preempted, again, faults, device_bytes;
};

#define WHO_NAME 48

/* Whose doing the time of one cell of a line of the table of whole lives was. */
struct cause_row {
	char call[TIME_NAME];
	const char *cell;
	char who[WHO_NAME]; /* "cc1 4711", "timer", "device vda" */
	uint32_t pid;	    /* of a task; 0: it is none */
	uint32_t kind;	    /* enum layers_who_kind */
	uint64_t count, ns;
	uint64_t total_ns; /* of all lines of that table */
};

#define WHERE_ROOM 1024 /* longer paths aren't told in the verdict */

/* With what calls failed, if with the same, and the path of one. */
struct failure {
	int64_t ret; /* 0: not known */
	char path[WHERE_ROOM];
};

/* A line of the tables of asynchronous operations. */
struct async_row {
	uint32_t kind, op; /* enum layers_async_kind, layers_async_op */
	const char *path;
	uint64_t count, errors, bytes;
	struct cells cells;
	uint64_t max_ns;
	uint64_t first_ns, last_ns, span_ns;
	uint64_t depth; /* how many there were at a time, in thousandths */
	uint64_t workers, collected, collect_ns;
	uint64_t by_request, by_collect;
	const char *ends; /* how their ends are known */
};

struct async {
	struct keymap ops;   /* by layers_async_key.what: struct async_row */
	struct keymap files; /* by struct layers_file: struct async_row */
	struct async_row all;
};

/* Where the time went, in one sentence or three, and its parts. */
struct verdict {
	char call[TIME_NAME]; /* the row of table Time that took the most */
	uint64_t ns, total_ns;
	uint64_t apart_ns; /* not in total_ns: waits for children, who are followed themselves */
	uint64_t io_ns;	   /* of calls that are followed by file */
	const char *path, *dir, *cell, *reason, *advice;
	const char *who; /* whose doing most of it was */
	int64_t err;	 /* with which most of a call failed */
	const char *said;
	uint64_t
		depth; /* in thousandths: of the asynchronous operations that it waited for, or 0 */
	const char *async_cell; /* where most of their time went */
	bool sleeps;		/* the call is one in which programs wait for work */
	bool loop; /* @ns has what the program does between its calls, which is little */
	char dir_room[WHERE_ROOM], path_room[WHERE_ROOM];
	struct failure failed;
	struct text_buf text;
};

extern const char *const layers_call_names[];
extern const struct column layers_op_columns[];
extern const struct tool_table layers_tables[];

struct ledger {
	struct keymap paths; /* struct layers_file to char * */
	struct op_row *slowest[SLOWEST_KEPT];
	size_t n_slowest;
	struct stack_names *names;
	struct text_buf row;  /* the row that is being put together */
	int end_iter;	      /* looks at every thread when watching ends */
	struct keymap waits;  /* of the report under way: struct wait_kind to struct wait_row */
	struct keymap causes; /* the same: struct cause_row by what tells them apart */
};

/* The path of @file, or "dev:ino" for one whose path was lost; NULL for no file. */
const char *ledger_path(struct ledger *l, const struct layers_file *file);
void ledger_learn_path(struct run *run, struct ledger *l, const struct layers_file_event *e,
		       size_t len);
void ledger_paths_free(struct ledger *l);

/*
 * Reads stack @id without the frames of the probe that took it: up to STACK_FRAMES addresses;
 * returns how many.
 */
size_t ledger_stack(struct run *run, struct ledger *l, int32_t id, uint64_t *frames);

/* What a thread with this stack waits for: "journal commit"; never NULL. */
const char *ledger_reason(struct ledger *l, const uint64_t *frames, size_t n);

/* Makes room for waits that find none of their own; before many threads wait. */
void ledger_waits_start(struct run *run);
/* Gives the rows of the table of waits, which last until ledger_waits_done(). */
void ledger_give_waits(struct run *run, struct ledger *l);
void ledger_waits_done(struct ledger *l);

/* --- ledger_who.c --- */
/* Before the programs are loaded: where an interrupt is told from a task. */
void ledger_who_prepare(struct layers_cfg *cfg, const char *btf);
/* Gives the rows of the table of causes, which last until ledger_who_done(). */
void ledger_give_causes(struct run *run, struct ledger *l, const struct life *life);
/* Whose doing most of the time of @cell of the line @call was; NULL: nobody's who has a name. */
const struct cause_row *ledger_most_to_blame(struct ledger *l, const char *call, const char *cell);
void ledger_who_done(struct ledger *l);
extern const char *const ledger_cell_names[];

/* @ns for people: "1.27s". Returns @text. */
const char *ledger_duration(uint64_t ns, char *text, size_t size);

/* --- ledger_life.c --- */
/* Before anything counts: finds the threads that are there. False after a message. */
bool ledger_life_begin(struct run *run, struct ledger *l);
/* When nothing counts any more: ends the account of those that still are. */
void ledger_life_end(struct ledger *l);
/* Adds what the record of a CPU has; @end_ns: when watching ended, 0 if it goes on. */
void ledger_life_add(struct life *life, const struct layers_cpu *c, uint64_t end_ns);
/* Adds a call that is followed by file. */
void ledger_life_add_call(struct life *life, const struct sum_row *calls);
void ledger_life_give(struct run *run, struct life *life);
/* Is all the time there? Said in the summary and to people. */
void ledger_life_check(struct run *run, const struct life *life);
/*
 * ledger_books.c: gives @rows, of N_BOOKS and zeroed, which compare with the kernel's own books.
 */
void ledger_books_give(struct run *run, struct life *life, struct keymap *calls,
		       struct book_row *rows);
/* Of an enum layers_call, or layers_part but PART_OTHER. */
const char *ledger_part_name(uint32_t call);
/* Of a layers_entry.slot of PART_OTHER: may use @name. */
const char *ledger_call_name(uint32_t slot, char *name, size_t size);

/* --- ledger_async.c --- */
/* Reads the sums, which last until ledger_async_done(). */
void ledger_async_read(struct run *run, struct ledger *l, struct async *a);
void ledger_async_give(struct run *run, struct async *a);
/* Adds to the summary how many there were. */
void ledger_async_add(struct run *run, const struct async *a);
/* The file that most of their time went to; NULL: no single one. */
const char *ledger_async_path(struct async *a);
void ledger_async_done(struct async *a);
extern const char *const ledger_async_kinds[];
extern const char *const ledger_async_ops[];

/*
 * Fills @v, whose @text is freed by the caller. @family: children are followed. False: there was
 * nothing to judge.
 */
bool ledger_judge(struct ledger *l, struct life *life, bool family, struct keymap *calls,
		  struct keymap *files, struct async *async, struct verdict *v);

/* --- ledger_where.c --- */
/* Fills v->path or v->dir: that which has more than half of @io_ns. */
void ledger_where(struct keymap *files, uint64_t io_ns, struct verdict *v);
/* Adds what the record of a CPU has. */
void ledger_add_failures(struct life *life, const struct layers_failure *failures);
/* Why @call failed, as far as that is known. */
void ledger_explain_failures(struct ledger *l, struct life *life, const char *call,
			     struct failure *out);
/* Adds what the record of a CPU has. */
void ledger_add_samples(struct life *life, const struct layers_sampled *sampled);
/*
 * For a v->call that isn't followed by file: fills v->path or v->dir where the samples of what it
 * was about tell one that took nearly all of its time.
 */
void ledger_sampled_where(struct ledger *l, struct life *life, struct verdict *v);
/* Before the programs are loaded. */
void ledger_arguments(struct layers_cfg *cfg);

/* ledger_report.c: everything that the tables show, from the maps and the threads' own sums. */
void ledger_report(struct run *run, struct ledger *l, bool last);

#endif
