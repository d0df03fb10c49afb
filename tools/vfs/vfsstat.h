/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_VFSSTAT_H
#define IOSONDE_VFSSTAT_H

#include "bpf/shared.h"

/* In the order of the descriptor's list of system calls; those of a kind are neighbours. */
enum vfs_call {
	CALL_READ = 1,
	CALL_PREAD64,
	CALL_READV,
	CALL_PREADV,
	CALL_PREADV2,
	CALL_WRITE,
	CALL_PWRITE64,
	CALL_WRITEV,
	CALL_PWRITEV,
	CALL_PWRITEV2,
	CALL_FSYNC,
	CALL_FDATASYNC,
	CALL_MSYNC,
	CALL_OPEN,
	CALL_CREAT,
	CALL_OPENAT,
	CALL_OPENAT2,
	CALL_OPEN_BY_HANDLE,
	CALL_MKNOD,
	CALL_MKNODAT,
	CALL_UNLINK,
	CALL_UNLINKAT,
	CALL_MKDIR,
	CALL_MKDIRAT,
	CALL_RMDIR,
	CALL_RENAME,
	CALL_RENAMEAT,
	CALL_RENAMEAT2,
	CALL_IO_SUBMIT,
};

/* All of them, for the whole machine or the target. */
struct vfsstat_key {
	__u32 epoch;
	__u32 reserved;
};

struct vfsstat_value {
	__u64 calls; /* first: how many events the row stands for */
	__u64 read;
	__u64 write;
	__u64 fsync;
	__u64 open;
	__u64 create; /* made by an open, which counts as such, or by mknod */
	__u64 unlink;
	__u64 mkdir;
	__u64 rmdir;
	__u64 rename;
};

struct vfsstat_row {
	struct vfsstat_key key;
	struct vfsstat_value value;
	__u64 ts_ns;   /* the engine's: when the interval ended ... */
	__u64 span_ns; /* ... and how long it was */
};

#endif
