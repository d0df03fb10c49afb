/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_BITESIZE_H
#define IOSONDE_BITESIZE_H

#include "bpf/block/blkio.h"
#include "bpf/core/hist.h"

struct bitesize_cfg {
	struct blk_cfg blk;
	__u32 by_disk; /* -D */
	__u32 totals;  /* -e */
	__u32 fine;
	__u32 reserved;
	__u64 linear_bytes;
};

struct bitesize_key {
	__u32 epoch;
	__u32 cpu;
	__u32 pid;
	__u32 dev;
	char comm[COMM_LEN];
};

#endif
