/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_DRSNOOP_H
#define IOSONDE_DRSNOOP_H

#include "bpf/shared.h"

/* After those of reclaim. */
enum drsnoop_book { BOOK_GROUP_STOLEN = 2 };

struct drsnoop_cfg {
	__u64 min_ns;
	struct check_cfg check;
	__u32 user;
	__u32 reserved;
};

struct drsnoop_event {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 kind; /* enum reclaim_kind */
	__u64 lat_ns;
	__u64 pages;
	__u64 cgroup;
	__u32 order;
	__u32 reserved;
	char comm[COMM_LEN];
};

#endif
