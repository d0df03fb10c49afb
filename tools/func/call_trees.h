/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Entries and returns of functions, in the order of time, become trees: by thread, each handed on
 * whole, when its outermost function returns. Who counts is told by what happens to tasks.
 */
#ifndef IOSONDE_CALL_TREES_H
#define IOSONDE_CALL_TREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/shared.h"

#define CALL_DEPTH_MAX 256
/* Larger trees are cut: what finds no room is counted. */
#define TREE_CALLS_MAX (1U << 20)
#define NOT_RETURNED   UINT64_MAX

struct call {
	uint64_t func;	   /* address */
	uint64_t begin_ns; /* of the buffer's clock */
	uint64_t lat_ns;   /* or NOT_RETURNED */
	uint64_t under_ns; /* of that, in functions that it called */
	/* The same by the clock of a CPU: what counts if the whole tree was on one. */
	uint64_t cpu_lat_ns, cpu_under_ns;
	uint32_t level; /* 0: outermost */
	uint32_t cpu;
};

struct call_thread {
	struct call_thread *next;
	uint32_t tid, pid;
	char comm[COMM_LEN];
	bool counts; /* it is one of the targets */
	bool skips;  /* what began before it was one, as deep as skip_depth */
	bool gap;    /* records of its were lost, or may have been */
	bool moved;  /* the tree was on more than one CPU */
	bool broken; /* records of the tree that is open were lost */
	bool alone;  /* it was named, without its process: those that it makes aren't targets */
	bool overrun_known;
	uint64_t overrun; /* that the kernel has counted of it */
	uint32_t cpu;	  /* of its last record */
	uint32_t skip_depth, base;
	struct call *calls; /* in the order of their begin */
	size_t n, room;
	uint32_t n_open;
	struct {
		uint32_t call; /* index into calls; UINT32_MAX: it found no room */
		uint32_t depth;
		uint64_t func;
	} open[CALL_DEPTH_MAX];
};

#define THREAD_SLOTS 1024

struct call_trees {
	/* What the targets are; see call_trees_task(). */
	bool follow;	    /* processes that targets start are targets */
	uint32_t n_threads; /* known now */
	/* A tree is whole; or, where some of its calls have NOT_RETURNED, it is all that came. */
	void (*tree)(void *arg, const struct call_thread *t);
	/* Can @func be the outermost one? Kernels let others through now and then. */
	bool (*begins)(void *arg, uint64_t func);
	/* A thread that isn't known: sets pid, comm and counts. */
	void (*ask)(void *arg, struct call_thread *t);
	/* Has thread @tid ended? NULL: all that are in no call have. */
	bool (*gone)(void *arg, uint32_t tid);
	void *arg;
	uint64_t children_left_out;
	uint64_t no_room; /* calls that found none, for the caller to count */
	uint64_t overrun; /* calls too deep for the kernel to see them */
	struct call_thread *slot[THREAD_SLOTS];
};

/* The thread @tid; made, and asked about, if it isn't known. NULL: out of memory. */
struct call_thread *call_thread(struct call_trees *trees, uint32_t tid);

struct call_event {
	uint64_t ts_ns;
	uint32_t tid, cpu;
	uint64_t func;
	uint32_t depth;
	uint64_t lat_ns;  /* of a return, by the clock of the CPU; 0: not known */
	uint64_t overrun; /* of a return: calls of the thread that were too deep, since ever */
};

void call_entered(struct call_trees *trees, const struct call_event *e);
void call_returned(struct call_trees *trees, const struct call_event *e);

/* Thread @tid has made thread @made, of its own process if @same. */
void call_task_made(struct call_trees *trees, uint32_t tid, uint32_t made, bool same,
		    const char *comm);
/* Process @pid runs another program, by what was thread @tid. If @begins, it counts from now on. */
void call_task_execs(struct call_trees *trees, uint32_t pid, uint32_t tid, bool begins);
void call_task_named(struct call_trees *trees, uint32_t tid, const char *comm);

/*
 * Records of @cpu were lost: what doesn't fit from now on is no surprise, and trees that were open
 * there end where they were.
 */
void call_trees_gap(struct call_trees *trees, uint32_t cpu);

/* Nothing comes any more: hands on the trees that are open, and frees everything. */
void call_trees_end(struct call_trees *trees);

#endif
