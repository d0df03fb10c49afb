/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pages that are read ahead of their use, as readahead counts them. */
#ifndef IOSONDE_READAHEAD_H
#define IOSONDE_READAHEAD_H

#include "bpf/core/hist.h"
#include "bpf/shared.h"

struct readahead_cfg {
	__u32 by_file;
	__u32 scale; /* enum hist_scale */
	__u32 totals;
	__u32 fine;
};

/* A histogram of ages. */
struct ages_key {
	__u32 epoch;
	__u32 cpu;
	__u64 file; /* file_id.id; 0 without -F */
};

/* What became of pages. */
struct ahead_key {
	__u32 epoch;
	__u32 reserved;
	__u64 file;
};

struct ahead_value {
	__u64 brought;
	__u64 used;
	__u64 dropped;
	__u64 left; /* of those that were brought in this epoch: used or dropped in it */
};

struct ahead_row {
	struct ahead_key key;
	struct ahead_value value;
	__u64 ts_ns;
	__u64 length_ns;
};

#endif
