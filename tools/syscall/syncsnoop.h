/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SYNCSNOOP_H
#define IOSONDE_SYNCSNOOP_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum sync_call {
	CALL_SYNC = 1,
	CALL_FSYNC,
	CALL_FDATASYNC,
	CALL_MSYNC,
	CALL_SYNC_FILE_RANGE,
	CALL_SYNCFS,
	CALL_WRITE, /* from here on: only if the write is a synchronous one */
	CALL_PWRITE,
	CALL_WRITEV,
	CALL_PWRITEV,
	CALL_PWRITEV2,
	CALL_SENDFILE,
	CALL_SENDFILE64,
	CALL_SPLICE,
	CALL_COPY_FILE_RANGE,
	CALL_URING_FSYNC,
	CALL_URING_FDATASYNC,
	CALL_URING_SYNC_FILE_RANGE,
	CALL_URING_WRITE,
};

/* What asked for it, or how. */
enum sync_how {
	HOW_O_SYNC = 1 << 0, /* contains HOW_O_DSYNC, as O_SYNC contains O_DSYNC */
	HOW_O_DSYNC = 1 << 1,
	HOW_RWF_SYNC = 1 << 2,
	HOW_RWF_DSYNC = 1 << 3,
	HOW_MOUNT = 1 << 4, /* mount -o sync */
	HOW_INODE = 1 << 5, /* chattr +S */
	HOW_MSYNC = 8,	    /* how far MS_* are shifted, */
	HOW_RANGE = 12,	    /* and SYNC_FILE_RANGE_* */
};

struct sync_cfg {
	__u32 failed_only;
};

struct sync_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 call; /* enum sync_call */
	__s64 ret;
	__u64 lat_ns;
	__s64 bytes; /* negative: the call doesn't say */
	__s32 fd;
	__u32 how; /* enum sync_how */
	__u32 mntns;
	__u32 reserved;
	char comm[COMM_LEN];
	struct vpath path;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
