/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SYSCOUNT_H
#define IOSONDE_SYSCOUNT_H

#include "bpf/core/syscall_max.h"
#include "bpf/shared.h"

struct syscount_cfg {
	__u32 by_process;
	__u32 failed_only;
	__u32 err;	    /* 0: any */
	__u32 ppid;	    /* 0: any */
	__u32 selected;	    /* only the calls in @only */
	__u32 list;	    /* print the names instead */
	__u32 milliseconds; /* every duration has its unit */
	__u32 reserved;
	__u8 only[2][SYSCALL_MAX]; /* by ABI, as syscall_calls */
};

struct syscount_key {
	__u32 epoch;
	__u32 pid;  /* 0: by call */
	__u64 call; /* SYSCALL_IN_RECORD(), SYSCALL_NONE: by process */
	char comm[COMM_LEN];
};

struct syscount_value {
	__u64 count; /* first: how many events the row stands for */
	__u64 errors;
	__u64 total_ns;
	__u64 max_ns;
};

struct syscount_row {
	struct syscount_key key;
	struct syscount_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
};

#endif
