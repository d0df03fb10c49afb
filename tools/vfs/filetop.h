/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_FILETOP_H
#define IOSONDE_FILETOP_H

#include "bpf/fileio/fileio.h"
#include "bpf/files/dirs.h"
#include "bpf/files/fileid.h"

struct filetop_cfg {
	__u32 all; /* every kind of file */
	__u32 reads;
	__u32 writes;
	__u32 asked; /* add up what was asked for */
	__u32 no_clear;
	__u32 some; /* reads, writes or dirs: not all of the I/O. One look for all three */
	struct dirs_cfg dirs;
};

/* Small, for it is hashed at every operation: what it stands for is in the value. */
struct filetop_key {
	__u32 epoch;
	__u32 tid;
	__u64 row; /* file_id.id and comm, mixed */
};

struct filetop_sums {
	struct fileio_sums io;
	__u64 read_asked;
	__u64 write_asked;
};

struct filetop_value {
	struct filetop_sums sums;
	__u64 named; /* not shown: see name_announce_once() */
	/* set when the row begins */
	struct file_id file;
	char comm[COMM_LEN];
	__u32 pid;
	__u32 kind; /* enum file_kind */
	__u32 mntns;
	__u32 reserved;
};

struct filetop_row {
	struct filetop_key key;
	struct filetop_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
	__u64 length_ns;
};

#endif
