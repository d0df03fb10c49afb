/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_PROFILE_H
#define IOSONDE_PROFILE_H

#include "bpf/core/stacks.h"

struct profile_cfg {
	__u64 period_ns; /* 0: hz */
	__u32 hz;
	__u32 cpu; /* 1 + the only one; 0: all */
	__u32 idle;
	__u32 user_only;
	__u32 kernel_only;
	__u32 stacks; /* that there is room for */
	__u32 counts;
	__u32 dwarf; /* user stacks are unwound in user space */
};

#endif
