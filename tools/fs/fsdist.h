/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FSDIST_H
#define IOSONDE_FSDIST_H

#include "bpf/core/hist.h"
#include "tools/fs/fs.h"

struct fsdist_cfg {
	struct fs_cfg fs; /* first: FS_OPTIONS() */
	__u32 by_fs;
	__u32 by_process;
	__u32 totals; /* -e */
	__u32 scale;  /* enum hist_scale */
	__u32 fine;
	__u32 reserved;
	__u64 linear_ns;
};

struct fsdist_key {
	__u32 epoch;
	__u32 cpu;
	__u32 op; /* enum fileio_op */
	__u32 pid;
	char fs[FS_NAME_LEN];
	char comm[COMM_LEN];
};

#endif
