/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_STATSNOOP_H
#define IOSONDE_STATSNOOP_H

#include "bpf/shared.h"

/*
 * In the order of the descriptor's list of system calls. From CALL_OLD on they are what 32-bit
 * programs use besides: the same calls with another struct for the answer.
 */
enum stat_call {
	CALL_STAT = 1,
	CALL_LSTAT,
	CALL_FSTAT,
	CALL_FSTATAT,
	CALL_STATX,
	CALL_STATFS,
	CALL_FSTATFS,
	CALL_OLD,
	CALL_OLDSTAT = CALL_OLD,
	CALL_OLDLSTAT,
	CALL_OLDFSTAT,
	CALL_STAT64,
	CALL_LSTAT64,
	CALL_FSTAT64,
	CALL_FSTATAT64,
	CALL_STATFS64,
	CALL_FSTATFS64,
};

struct stat_cfg {
	__u32 full; /* resolve to the absolute path */
	__u32 failed_only;
	__u32 show_full; /* text shows it instead of the path */
};

struct stat_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 call; /* enum stat_call, none from CALL_OLD on */
	__s64 ret;
	__s32 dfd;   /* AT_FDCWD: none was passed */
	__u32 flags; /* AT_* */
	__u32 mntns;
	__u32 reserved;
	char comm[COMM_LEN];
	struct vpath path; /* as passed; the file's, where only a descriptor was */
	struct vpath full;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
