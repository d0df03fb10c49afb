/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FUNCTRACE_H
#define IOSONDE_FUNCTRACE_H

#include "bpf/calls/args.h"
#include "bpf/core/many.h"

struct functrace_cfg {
	__u32 timed;   /* a row is that of a return */
	__u32 targets; /* that there are walks for */
	__u32 pending; /* calls that may be under way */
	__u32 cpu;     /* -C: show it */
};

enum functrace_rec {
	FUNCTRACE_CALL = REC_TOOL,
};

/* Strings, paths and stacks follow. */
struct functrace_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 target; /* its index */
	__u32 n;      /* of args */
	__u64 lat_ns;
	__s64 ret;
	__u32 has_ret;
	__u32 len; /* of all */
	struct vstack kstack;
	struct vstack ustack;
	char comm[COMM_LEN];
	struct arg_slot args[ARGS_MAX];
};

/* An event that waits for its end: longer ones lose their tails. */
#define FUNCTRACE_PENDING 4096

#endif
