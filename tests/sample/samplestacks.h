/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLESTACKS_H
#define IOSONDE_SAMPLESTACKS_H

#include "bpf/shared.h"

struct samplestacks_key {
	__u32 epoch;
	__u32 pid;
	char comm[COMM_LEN];
	__s32 kstack; /* an id in the map of stacks; negative: none could be taken */
	__u32 reserved;
};

#endif
