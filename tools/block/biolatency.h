/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_BIOLATENCY_H
#define IOSONDE_BIOLATENCY_H

#include "bpf/block/blkio.h"
#include "bpf/core/hist.h"

struct biolatency_cfg {
	struct blk_cfg blk;
	__u32 bios;    /* must they be followed? One question for the programs instead of three */
	__u32 queued;  /* -Q */
	__u32 by_disk; /* -D */
	__u32 by_kind; /* -F */
	__u32 by_process;
	__u32 by_cgroup;
	__u32 totals; /* -e */
	__u32 scale;  /* enum hist_scale */
	__u32 fine;
	__u64 linear_ns;
};

struct biolatency_key {
	__u32 epoch;
	__u32 cpu;
	__u32 dev;
	__u32 kind;
	__u32 pid;
	__u32 reserved;
	__u64 cgroup;
	char comm[COMM_LEN];
};

#endif
