/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_MOUNTSNOOP_H
#define IOSONDE_MOUNTSNOOP_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum mount_call {
	CALL_MOUNT = 1,
	CALL_UMOUNT, /* the old one, without flags */
	CALL_UMOUNT2,
	CALL_FSOPEN,
	CALL_FSCONFIG,
	CALL_FSMOUNT,
	CALL_MOVE_MOUNT,
	CALL_OPEN_TREE,
	CALL_FSPICK,
	CALL_MOUNT_SETATTR,
	CALL_PIVOT_ROOT,
};

/* enum fsconfig_command of include/uapi/linux/mount.h */
enum { CONFIG_STRING = 1, CONFIG_BINARY, CONFIG_PATH, CONFIG_PATH_EMPTY, CONFIG_FD, CONFIG_CMD };

/* What the strings are. */
enum mount_text {
	TEXT_SOURCE, /* mount, move_mount, open_tree, fspick; pivot_root: put_old */
	TEXT_TARGET, /* mount, umount, move_mount, mount_setattr; pivot_root: new_root */
	TEXT_TYPE,   /* mount, fsopen; fsconfig: the key */
	TEXT_DATA,   /* mount; fsconfig: the value */
	MOUNT_TEXTS,
};

struct mount_cfg {
	__u32 failed_only;
	__u32 show_parent;
};

struct mount_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u32 call; /* enum mount_call */
	__u32 mnt_ns;
	__u32 cut;     /* bits by enum mount_text: it was longer than the kernel takes */
	__u32 present; /* bits by enum mount_text: it could be read */
	__s64 ret;
	char comm[COMM_LEN];
	char pcomm[COMM_LEN];
	__u64 arg[5];
	__u64 attr[4]; /* struct mount_attr */
	struct vstr text[MOUNT_TEXTS];
	struct vpath resolved; /* the target */
	struct vstack kstack;
	struct vstack ustack;
};

#endif
