/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_OFFCPUTIME_H
#define IOSONDE_OFFCPUTIME_H

#include "bpf/core/stacks.h"

struct offcputime_cfg {
	__u64 min_ns;
	__u64 max_ns; /* 0: none */
	__u64 states; /* of a task, any of these bits; 0: whichever */
	__u32 user_only;
	__u32 kernel_only;
	__u32 with_state; /* --state was given */
	__u32 wakers;	  /* who ended the wait, too */
	__u32 dwarf;	  /* user stacks are unwound in user space */
	__u32 reserved;
};

enum offcpu_cause {
	OFFCPU_BLOCKED = 1,
	OFFCPU_PREEMPTED,
};

#endif
