/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What runqlat and cpudist share: whose time is counted apart, and in which slots. */
#ifndef IOSONDE_SCHED_HIST_H
#define IOSONDE_SCHED_HIST_H

#include "bpf/core/hist.h"

struct sched_hist_cfg {
	__u32 by_process;
	__u32 by_thread;
	__u32 by_pidns;
	__u32 by_cgroup;
	__u32 extended; /* -e: by cause, and figures below */
	__u32 off_cpu;	/* cpudist --offcpu */
	__u32 idle;	/* cpudist -I */
	__u32 scale;	/* enum hist_scale */
	__u32 fine;
	__u32 reserved;
	__u64 linear_ns;
	__u64 keys; /* set by sched_hist_prepare(): room of the map */
};

/* Why a stretch of time began (runqlat) or ended (cpudist). */
enum sched_cause {
	SCHED_ANY, /* not told apart */
	SCHED_WOKEN,
	SCHED_PREEMPTED,
	SCHED_BLOCKED,
};

struct sched_hist_key {
	__u32 epoch;
	__u32 cpu;
	__u32 pid;
	__u32 tid;
	__u32 cause; /* enum sched_cause */
	__u32 pidns;
	__u64 cgroup;
	char comm[COMM_LEN];
};

#endif
