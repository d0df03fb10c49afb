/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_MEMTOP_H
#define IOSONDE_MEMTOP_H

#include "bpf/shared.h"

struct memtop_cfg {
	struct check_cfg check;
	__u32 by_cgroup; /* else by process */
	__u32 no_clear;
};

/* After those of reclaim. */
enum memtop_book {
	BOOK_SWAP_IN = 2,
	BOOK_SWAP_OUT,
	BOOK_FAULTS,
	BOOK_REFAULTS,
};

struct memtop_key {
	__u32 epoch;
	__u32 pid;
	__u64 group; /* a cgroup's id */
};

struct memtop_value {
	__u64 count; /* first: how many events the row stands for */
	__u64 faults;
	__u64 major;
	__u64 reclaims;
	__u64 reclaim_ns;
	__u64 pages; /* that were freed meanwhile */
	__u64 swap_in;
	__u64 swap_out;
	__u64 refaults;
	__u32 uid;
	__u32 reserved;
	char comm[COMM_LEN];
};

#endif
