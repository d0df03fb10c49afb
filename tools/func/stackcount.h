/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_STACKCOUNT_H
#define IOSONDE_STACKCOUNT_H

#include "bpf/core/many.h"
#include "bpf/core/stacks.h"

struct stackcount_cfg {
	__u32 per_process; /* kernel stacks, too, are those of a process each */
	__u32 user_only;
	__u32 kernel_only;
	__u32 cpu;    /* 1 + the only one; 0: all */
	__u32 stacks; /* that there is room for */
	__u32 counts;
};

#endif
