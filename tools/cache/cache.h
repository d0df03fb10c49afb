/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pages of files in memory, as cachestat and cachetop count them. */
#ifndef IOSONDE_CACHE_H
#define IOSONDE_CACHE_H

#include "bpf/files/fileid.h"
#include "bpf/shared.h"

struct cache_cfg {
	__u32 by_process;
	__u32 by_file;
	__u32 by_cgroup;
	__u32 no_clear;
};

struct cache_key {
	__u32 epoch;
	__u32 pid;
	__u64 group; /* file_id.id, or a cgroup's */
};

struct cache_sums {
	__u64 pages; /* reads and dirtied: how many events the row stands for */
	__u64 reads; /* hits and misses */
	__u64 hits;
	__u64 misses;
	__u64 dirtied;
	__u64 write_hits;
};

struct cache_value {
	struct cache_sums sums;
	/* set when the row begins */
	struct file_id file;
	char comm[COMM_LEN];
	__u32 uid;
	__u32 reserved;
};

struct cache_row {
	struct cache_key key;
	struct cache_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
	__u64 length_ns;
};

#endif
