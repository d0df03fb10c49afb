/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_BIOSNOOP_H
#define IOSONDE_BIOSNOOP_H

#include "bpf/attribution/attribution.h"
#include "bpf/block/blkio.h"

struct biosnoop_cfg {
	struct blk_cfg blk;
	struct attr_cfg attr; /* -F */
	__u64 min_ns;
	__u32 queued;  /* -Q */
	__u32 pattern; /* enum blk_pattern: only these */
	__u32 failed;  /* -x */
	__u32 reserved;
};

/* A request, as far as one owner is concerned. */
struct biosnoop_event {
	struct rec rec;
	__u64 req;
	__u64 sector;
	__u64 queue_ns;
	__u64 lat_ns;
	__u64 cgroup;
	__u32 pid;
	__u32 tid;
	__u32 dev;
	__u32 upper_dev;
	__u32 kind;
	__u32 bytes;
	__u32 request_bytes;
	__u32 bios;
	__u32 pattern;
	__s32 error; /* negative errno or 0 */
	char comm[COMM_LEN];
	struct attr_owner owner; /* whose the bytes are */
};

#endif
