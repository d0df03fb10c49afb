/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The columns of functrace: what the functions that it was given are passed. */
#ifndef IOSONDE_FUNCTRACE_ARGS_H
#define IOSONDE_FUNCTRACE_ARGS_H

#include "core/kernel/args.h"
#include "core/run/run.h"
#include "tools/func/functrace.h"

#define FUNCTRACE_COLUMNS 64 /* of arguments; more are in the column args alone */

/* A value of a row; the column knows which. */
union functrace_value {
	struct kept number;
	struct vstr str;
	struct vpath path;
};

struct functrace_row {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	const char *function;
	struct kept ret;
	struct kept err;
	struct kept lat_ns;
	struct vargs args;
	struct vstack kstack;
	struct vstack ustack;
	char comm[COMM_LEN];
	union functrace_value arg[ARGS_MAX];		/* of this function, in their order */
	union functrace_value value[FUNCTRACE_COLUMNS]; /* the same by column */
};

struct functrace_arg {
	struct arg arg;
	struct column col; /* its own, of functrace_row.arg */
	int shared;	   /* index of functrace_row.value; -1: none */
};

/* What is known of a target. */
struct functrace_target {
	struct functrace_arg *args;
	size_t n;
	struct arg ret;
	int32_t ret_slot;
	bool call; /* arguments are the user's registers */
};

struct functrace_state {
	struct functrace_target *target;
	size_t n_targets;
	struct column *columns;
	size_t n_fixed, n_columns; /* those that every row has, and all */
	struct btf *btf, *module[16];
	size_t n_modules;
	struct taken *taken; /* memory, until the end */
	bool nameless;	     /* of a system call nothing tells what it is passed */
	char *row;
};

/* Resolves what the patterns of @run say, or all arguments. False after a message. */
bool functrace_find(struct run *run, const struct column *fixed);

/* What programs need to reach the arguments of target @i, hooked by @how (its end by @end_how). */
void functrace_walks(const struct functrace_state *s, size_t i, enum hook_how how,
		     enum hook_how end_how, struct arg_walks *out);

void functrace_forget(struct functrace_state *s);

#endif
