/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_OOMKILL_H
#define IOSONDE_OOMKILL_H

#include "bpf/shared.h"

enum oom_reason {
	OOM_UNKNOWN, /* nothing was reclaimed before: SysRq-f, or tracing began in between */
	OOM_GLOBAL,
	OOM_MEMCG,
};

enum oomkill_book {
	BOOK_KILLS,
	BOOK_GROUP_KILLS, /* of victims that are targets */
};

struct oomkill_cfg {
	struct check_cfg check;
	__u64 machine_pages; /* memory and swap */
	__u64 swap_pages;
};

struct oomkill_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 trigger_pid;
	__u32 trigger_tid;
	__u32 reason; /* enum oom_reason */
	__u32 exiting;
	__s32 adj;
	__u32 reserved;
	__u64 cgroup;
	__u64 trigger_cgroup;
	__u64 limit; /* the memory cgroup that is full; 0: the machine is */
	__u64 pages; /* that it, or the machine, may have */
	__u64 rss_pages;
	__u64 anon_pages;
	__u64 file_pages;
	__u64 shmem_pages;
	__u64 swap_pages;
	__u64 pgtables_bytes;
	char comm[COMM_LEN];
	char trigger[COMM_LEN];
};

#endif
