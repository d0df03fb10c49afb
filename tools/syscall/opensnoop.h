/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_OPENSNOOP_H
#define IOSONDE_OPENSNOOP_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum open_call {
	CALL_OPEN = 1,
	CALL_CREAT,
	CALL_OPENAT,
	CALL_OPENAT2,
	CALL_OPEN_BY_HANDLE,
	CALL_URING_OPENAT,
	CALL_URING_OPENAT2,
};

struct open_cfg {
	__u32 full; /* resolve to the absolute path */
	__u32 failed_only;
	__u32 flags_any;    /* only opens with one of these flags ... */
	__u32 access_modes; /* ... or with one of these access modes (bit 0 O_RDONLY, 1 O_WRONLY
			       ...) */
	/* which columns text shows besides the usual ones */
	__u32 show_uid;
	__u32 show_flags;
	__u32 show_full;
};

struct open_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 call; /* enum open_call */
	__s64 ret;
	__s64 fd; /* negative: none, or a slot of io_uring's own table */
	__u64 flags;
	__s32 mode; /* -1: none was asked for */
	__s32 dfd;
	__u32 mntns;
	__u32 reserved;
	char comm[COMM_LEN];
	struct vstr path;
	struct vpath full;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
