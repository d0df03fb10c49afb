/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_BIOPATTERN_H
#define IOSONDE_BIOPATTERN_H

#include "bpf/block/blkio.h"

struct biopattern_cfg {
	struct blk_cfg blk;
};

struct biopattern_key {
	__u32 epoch;
	__u32 dev;
};

struct biopattern_value {
	__u64 count;
	__u64 random;
	__u64 sequential;
	__u64 bytes;
};

#endif
