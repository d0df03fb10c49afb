/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLESTACKS_H
#define IOSONDE_SAMPLESTACKS_H

#include "bpf/core/stacks.h"

struct samplestacks_cfg {
	__u32 lose; /* as if the kernel's stacks found no room */
};

#endif
