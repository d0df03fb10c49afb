/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_RUNQSLOWER_H
#define IOSONDE_RUNQSLOWER_H

#include "bpf/shared.h"

struct runqslower_cfg {
	__u64 min_ns;
	__u32 previous; /* show who had the CPU */
	__u32 reserved;
};

struct runqslower_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 prev_pid;
	__u32 prev_tid;
	__u64 lat_ns;
	__u32 preempted;
	__u32 reserved;
	char comm[COMM_LEN];
	char prev_comm[COMM_LEN];
};

#endif
