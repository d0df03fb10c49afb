/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FUNCLATENCY_H
#define IOSONDE_FUNCLATENCY_H

#include "bpf/core/hist.h"
#include "bpf/core/many.h"

struct funclatency_cfg {
	__u32 apart;  /* a histogram per function, not per pattern */
	__u32 totals; /* -e: figures below */
	__u32 unit;   /* enum funclatency_unit */
	__u32 fine;
	__u64 linear_ns;
	__u32 scale; /* enum hist_scale, by unit */
	__u32 reserved;
};

enum funclatency_unit {
	FUNCLATENCY_NSECS,
	FUNCLATENCY_USECS,
	FUNCLATENCY_MSECS,
};

struct funclatency_key {
	__u32 epoch;
	__u32 cpu;
	__u32 target; /* 1 + its index */
	__u32 reserved;
};

#endif
