/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_RWSNOOP_H
#define IOSONDE_RWSNOOP_H

#include "bpf/fileio/fileio_row.h"

struct rwsnoop_cfg {
	__u32 path; /* resolve it */
	__u32 fold; /* equal rows are counted, not sent */
	__u32 reads;
	__u32 writes;
};

/* Small, for it is hashed at every call: what it stands for is in the value. */
struct rwsnoop_key {
	__u32 epoch;
	__u32 tid;
	__u64 row; /* the other members of struct rwsnoop_group, mixed */
};

/* What folded rows have in common. */
struct rwsnoop_group {
	__u64 ids; /* tgid << 32 | tid */
	__s64 ret;
	__u64 comm[COMM_LEN / 8];
	__u32 uid;
	__s32 prio;
	__s32 fd;    /* negative: not known */
	__u32 route; /* enum fileio_route << 1 | is this file written */
	__u32 fs;    /* type of filesystem: the lower half of its struct's address */
	__u32 reserved;
};

struct rwsnoop_value {
	__u64 count;
	struct rwsnoop_group group;
	char fs[FS_NAME_LEN];
};

#endif
