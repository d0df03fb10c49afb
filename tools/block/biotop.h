/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_BIOTOP_H
#define IOSONDE_BIOTOP_H

#include "bpf/attribution/attribution.h"
#include "bpf/block/blkio.h"
#include "bpf/core/hist.h"

struct biotop_cfg {
	struct blk_cfg blk;
	struct attr_cfg attr; /* -F */
	__u32 queued;	      /* -Q */
	__u32 reserve;	      /* room in the reserve (bpf/core/hist.bpf.h); 0: as it is */
};

struct biotop_key {
	__u32 epoch;
	__u32 cpu;
	__u32 dev;
	__u32 op;		 /* enum blk_kind without flags */
	struct attr_owner owner; /* without -F: who wanted it, and no file */
};

struct biotop_sums {
	__u64 ios;
	__u64 bytes;
	__u64 errors;
};

struct biotop_value {
	struct biotop_sums sums;
	struct hist_value lat; /* last: the engine turns it into percentiles */
};

#endif
