/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Look-ups of names among the dentries in memory, as dcstat counts and dcsnoop shows them. */
#ifndef IOSONDE_DENTRIES_H
#define IOSONDE_DENTRIES_H

#include "bpf/shared.h"

enum dentry_kind {
	DENTRY_POSITIVE = 1, /* found, and there is such a file */
	DENTRY_NEGATIVE,     /* found, and there is none */
	DENTRY_MISSING,	     /* not in memory: the filesystem was asked */
};

struct dcsnoop_cfg {
	__u32 all;
	__u32 reserved;
};

struct dcsnoop_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 mntns;
	__u64 lat_ns; /* until the filesystem had answered */
	__u32 kind;   /* enum dentry_kind */
	__u32 slow;   /* not found by the walk without locks */
	char comm[COMM_LEN];
	struct vpath path;
	struct vstack kstack;
	struct vstack ustack;
};

struct dcstat_key {
	__u32 epoch;
	__u32 reserved;
};

struct dcstat_value {
	__u64 refs;
	__u64 slow;
	__u64 misses;
	__u64 negative;
	__u64 hits; /* negative ones included */
};

struct dcstat_row {
	struct dcstat_key key;
	struct dcstat_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
	__u64 length_ns;
};

#endif
