/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_DIRTOP_H
#define IOSONDE_DIRTOP_H

#include "bpf/fileio/fileio.h"
#include "bpf/files/dirs.h"
#include "bpf/files/fileid.h"

struct dirtop_cfg {
	__u32 all; /* every kind of file */
	__u32 no_clear;
	struct dirs_cfg dirs;
};

struct dirtop_key {
	__u32 epoch;
	__u32 reserved;
	__u64 dir; /* file_id.id */
};

struct dirtop_value {
	struct fileio_sums sums;
	__u64 named;	    /* not shown: see name_announce_once() */
	struct file_id dir; /* set when the row begins */
};

struct dirtop_row {
	struct dirtop_key key;
	struct dirtop_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
	__u64 length_ns;
};

#endif
