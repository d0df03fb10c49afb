/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Block requests, as both sides see them. */
#ifndef IOSONDE_BLKIO_H
#define IOSONDE_BLKIO_H

#include "bpf/shared.h"

/* Options that the users of blkio_request.bpf.h share: `cfg` has it as its member blk. */
struct blk_cfg {
	__u32 disk; /* only this one, major << 20 | minor; 0: all */
	__u32 reserved;
};

/* What a request is for: an operation, and flags. 0: not told. */
enum blk_kind {
	BLK_READ = 1,
	BLK_WRITE,
	BLK_FLUSH,
	BLK_DISCARD,
	BLK_SECURE_ERASE,
	BLK_WRITE_ZEROES,
	BLK_OTHER, /* zones, and what newer kernels have */
	BLK_OP = 0xff,
	BLK_SYNC = 1 << 8,
	BLK_META = 1 << 9,
	BLK_RAHEAD = 1 << 10,
	BLK_FUA = 1 << 11,
	BLK_PREFLUSH = 1 << 12,
};

/* counters.tool[] */
enum blk_counter {
	BLK_SPLITS,	/* bios that were too large for their device */
	BLK_CHAINS_CUT, /* requests of more bios than are looked at: bytes of theirs are missing */
};

enum blk_pattern { BLK_PATTERN_NONE, BLK_RANDOM, BLK_SEQUENTIAL };

#endif
