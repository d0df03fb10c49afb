/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FILEGONE_H
#define IOSONDE_FILEGONE_H

#include "tools/vfs/names.h"

struct filegone_cfg {
	__u32 full; /* resolve to absolute paths */
	__u32 failed_only;
	__u32 show_full; /* text shows those instead */
	__u32 show_uid;
};

struct filegone_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 action; /* enum names_action */
	__u32 flags;
	__u32 uring;
	__u32 mntns;
	__u32 reserved;
	__s64 ret;
	char comm[COMM_LEN];
	struct vstr path;
	struct vstr new_path;
	struct vpath full;
	struct vpath new_full;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
