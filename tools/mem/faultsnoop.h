/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FAULTSNOOP_H
#define IOSONDE_FAULTSNOOP_H

#include "bpf/shared.h"

enum fault_access {
	FAULT_UNKNOWN, /* nothing told how it began */
	FAULT_READ,
	FAULT_WRITE,
	FAULT_EXEC,
};

enum fault_kind {
	FAULT_FILE,  /* of a file on a disk */
	FAULT_SHMEM, /* of tmpfs or shared memory: what was in swap */
	FAULT_ANON,  /* of memory without a file: what was in swap */
	FAULT_MINOR, /* of any: what was in memory already */
};

struct faultsnoop_cfg {
	__u64 min_ns;
	struct check_cfg check;
	__u32 all; /* minor ones, too */
	__u32 reserved;
};

enum faultsnoop_book { BOOK_MAJOR };

struct fault_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 mntns;
	__u64 address;
	__u64 lat_ns;
	__u64 bytes;
	__s64 offset; /* in the file; negative: none */
	__u32 access; /* enum fault_access */
	__u32 kind;   /* enum fault_kind */
	__u32 call;   /* by the kernel, for a system call */
	__u32 reserved;
	char comm[COMM_LEN];
	struct vpath path;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
