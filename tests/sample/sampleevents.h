/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_SAMPLEEVENTS_H
#define IOSONDE_SAMPLEEVENTS_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls. */
enum sample_call {
	CALL_GETPPID = 1,
	CALL_UMASK,
};

/* What the options set; read-only for the programs. */
struct sampleevents_cfg {
	__u32 only; /* enum sample_call; 0: both */
};

/* One row. */
struct sampleevents_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 call; /* enum sample_call */
	__u32 reserved;
	__s64 ret;
	char comm[COMM_LEN];
};

#endif
