/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLEHIST_H
#define IOSONDE_SAMPLEHIST_H

#include "bpf/core/hist.h"

struct samplehist_key {
	__u32 epoch;
	__u32 pid;
	char comm[COMM_LEN];
};

struct samplehist_value {
	__u64 slots[LOG2_SLOTS];
};

#endif
