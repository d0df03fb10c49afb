/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLETABLE_H
#define IOSONDE_SAMPLETABLE_H

#include "bpf/shared.h"

struct sampletable_key {
	__u32 epoch;
	__u32 pid;
	char comm[COMM_LEN];
};

struct sampletable_value {
	__u64 calls; /* first: how many events the row stands for */
	__u64 errors;
	__u64 bytes;
	__u64 largest;
};

struct sampletable_row {
	struct sampletable_key key;
	struct sampletable_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
};

#endif
