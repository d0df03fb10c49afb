/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ways that reads take through the page cache, as readpath counts them. */
#ifndef IOSONDE_READPATH_H
#define IOSONDE_READPATH_H

#include "bpf/core/hist.h"
#include "bpf/files/fileid.h"
#include "bpf/shared.h"

/* A read that took several of those through the cache is the last of them, in this order. */
enum read_way {
	WAY_HIT = 1, /* all was there */
	WAY_OWN,     /* it waited for a page that its thread had begun to bring before */
	WAY_OTHER,   /* or somebody else */
	WAY_MISS,    /* it brought what it was asked for */
	WAY_DIRECT,
	WAY_MIXED, /* direct, and the rest through the cache */
	WAY_MAPPED,
	WAY_APART,   /* it looked for no pages: its filesystem has none, or another way to them */
	WAY_NOTHING, /* it got no bytes */
};

struct readpath_cfg {
	__u32 by_file;
	__u32 by_process;
};

struct readpath_key {
	__u32 epoch;
	__u32 cpu;
	__u32 way; /* enum read_way */
	__u32 pid;
	struct file_id file;
	char comm[COMM_LEN];
};

struct readpath_sums {
	__u64 count;
	__u64 bytes;
	__u64 whole_ns; /* of a row: the time of all rows */
};

struct readpath_value {
	struct readpath_sums sums;
	struct hist_value lat; /* last: the engine turns it into percentiles */
};

#endif
