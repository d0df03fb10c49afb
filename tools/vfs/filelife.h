/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FILELIFE_H
#define IOSONDE_FILELIFE_H

#include "tools/vfs/names.h"

/* After those of NAMES_CALLS. */
enum life_call {
	CALL_OPEN = CALL_NAMES_END,
	CALL_CREAT,
	CALL_OPENAT,
	CALL_OPENAT2,
	CALL_MKNOD,
	CALL_MKNODAT,
};

enum life_reason {
	LIFE_UNLINKED = 1,
	LIFE_RENAMED_OVER,
	LIFE_LAST_LINK, /* unlinked, after others of its names */
	LIFE_TEMPORARY, /* never had a name, and was closed */
};

struct filelife_cfg {
	__u32 all; /* files whose birth was not seen, too */
	__u32 show_creator;
	__u32 show_uid;
};

struct filelife_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 reason; /* enum life_reason */
	__s64 age_ns; /* negative: the birth was not seen */
	__u64 ino;
	__u32 dev;
	__s32 creator_pid; /* negative: not known */
	__u32 mntns;
	__u32 reserved;
	char comm[COMM_LEN];
	char creator[COMM_LEN];
	struct vpath path;
	struct vstr first; /* the names as they were passed, of which one ends the path */
	struct vstr other;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
