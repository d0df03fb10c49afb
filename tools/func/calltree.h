/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* calltree's options, and the kernel's tracer as it uses it. */
#ifndef IOSONDE_CALLTREE_H
#define IOSONDE_CALLTREE_H

#include "core/base/cpus.h"
#include "core/kernel/trace_page.h"
#include "core/kernel/tracefs.h"
#include "core/tool.h"

#define CALLTREE_FUNCTIONS 32

struct calltree_cfg {
	__u64 min_ns;
	__u64 trees; /* end after so many; 0: never */
	__u32 depth; /* levels; 0: all */
	__u32 irqs;
	__u32 n;
	__u32 n_only;
	const char *functions[CALLTREE_FUNCTIONS]; /* names and globs */
	const char *only[CALLTREE_FUNCTIONS];	   /* likewise: others are not hooked */
};

enum graph_kind { GRAPH_ENTRY, GRAPH_EXIT, GRAPH_NEWTASK, GRAPH_RENAME, GRAPH_EXEC, N_GRAPH_KINDS };

/* A record of one of those kinds; which members are set depends on it. */
struct graph_record {
	uint64_t ts_ns; /* CLOCK_MONOTONIC */
	uint64_t func, lat_ns, overrun;
	uint32_t kind; /* enum graph_kind */
	uint32_t tid, cpu, depth;
	uint32_t other; /* the thread that was made; who has executed a program */
	bool same;	/* process, of the thread that was made */
	bool gap;	/* records were lost before this one */
	char comm[16];
};

/* The tracer, set up and recording. Zeros and -1: graph_trace_init(). */
struct graph_trace {
	int top, dir, instances; /* tracefs; where the records are; -1: closed */
	char instance[32];	 /* "": the tracer works in no instance, dir is a copy of top */
	struct tracefs_kept kept;
	struct cpus cpus;
	struct graph_cpu *cpu; /* cpus.ids of them; NULL: closed */
	size_t page_size;
	unsigned char *page;
	uint64_t no_memory; /* records that found none */
	uint64_t lost;	    /* records; set by graph_trace_end() */
	uint32_t id[N_GRAPH_KINDS];
	struct trace_field func, depth, exit_func, exit_depth, overrun, calltime, rettime;
	struct trace_field made, made_comm, clone_flags, named, new_comm, exec_pid, exec_old;
};

/* Has the kernel what it takes? Else one line in @why. */
bool graph_trace_look(char *why, size_t size);

/* What stands before @name in the kernel's names, each to be tried: sys_NAME is __x64_sys_NAME. */
const char *const *graph_forms(const char *name);

void graph_trace_init(struct graph_trace *g);

/*
 * Sets everything up for the functions of @cfg and records of @buffer bytes, for no thread yet.
 * False with one line in @why; graph_trace_end() is due in any case.
 */
bool graph_trace_open(struct graph_trace *g, const struct calltree_cfg *cfg, uint64_t buffer,
		      char *why, size_t size);
bool graph_trace_thread(struct graph_trace *g, uint32_t tid); /* it, and whom it makes */
/* If everybody else is traced; kernels that can't do without trace it, too. */
bool graph_trace_without(struct graph_trace *g, uint32_t tid);
bool graph_trace_attach(struct graph_trace *g, char *why, size_t size); /* may take seconds */
bool graph_trace_begin(struct graph_trace *g);

/* Stops it. What was recorded can still be read. */
void graph_trace_stop(struct graph_trace *g);

/*
 * Stops it, takes all records out, and puts everything back as it was. False: that failed, with one
 * line in @why.
 */
bool graph_trace_end(struct graph_trace *g, char *why, size_t size);

/* --- functions that trees begin with: calltree_roots.c --- */

/* Their addresses, in order. */
struct graph_roots {
	uint64_t *address;
	size_t n; /* 0: the kernel hides them */
};

bool graph_roots_find(struct graph_roots *r, const struct calltree_cfg *cfg); /* or a message */
bool graph_roots_have(const struct graph_roots *r, uint64_t func);	      /* or nobody knows */

/* --- its buffers: calltree_read.c --- */

bool graph_buffers_open(struct graph_trace *g, char *why, size_t size);
void graph_buffers_take(struct graph_trace *g);		  /* what the kernel has by now */
uint64_t graph_buffers_lost(const struct graph_trace *g); /* records, so far */
void graph_buffers_close(struct graph_trace *g);	  /* what was taken stays */
void graph_buffers_free(struct graph_trace *g);

/* Hands what was taken on to @take, in the order of time, as far as it is from before @until_ns. */
void graph_buffers_give(struct graph_trace *g, uint64_t until_ns,
			void (*take)(void *arg, const struct graph_record *r), void *arg);

#endif
