/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_EXITSNOOP_H
#define IOSONDE_EXITSNOOP_H

#include "bpf/shared.h"

struct exit_cfg {
	__u32 failed_only;
	__u32 threads; /* every thread's end, not only the process's */
};

struct exit_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	__u64 age_ns;
	__s32 code; /* negative: it was ended by a signal */
	__u32 sig;
	__u32 core;
	__u32 reserved;
	char comm[COMM_LEN];
};

#endif
