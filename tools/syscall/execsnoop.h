/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_EXECSNOOP_H
#define IOSONDE_EXECSNOOP_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum exec_call {
	CALL_EXECVE = 1,
	CALL_EXECVEAT,
	CALL_KERNEL, /* none: the kernel itself started the program */
};

struct exec_cfg {
	__u32 cwd; /* columns that take a walk */
	__u32 exe;
	__u32 failed_only;
	__u32 max_args;
	__u32 ppid; /* 0: any */
	__u32 quote;
	__u32 show_extended;
	__u32 show_uid; /* it always is */
};

struct exec_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 call; /* enum exec_call */
	__u32 mntns;
	__s64 ret;
	char comm[COMM_LEN];
	struct vargs args;
	struct vstr file;
	struct vpath cwd;
	struct vpath exe;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
