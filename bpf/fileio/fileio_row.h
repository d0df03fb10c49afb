/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The row of commands that show each operation on a file. */
#ifndef IOSONDE_FILEIO_ROW_H
#define IOSONDE_FILEIO_ROW_H

#include "bpf/fileio/fileio.h"

#define FS_NAME_LEN 16

struct fileio_row {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__s32 prio;  /* the kernel's: 120 is nice 0 */
	__u32 route; /* enum fileio_route */
	__u32 flags; /* enum fileio_flags */
	__s64 fd;
	__u64 asked;
	__s64 ret;
	__u64 bytes; /* ret, or 0 for an error and where no data is moved */
	__u64 lat_ns;
	__s64 offset; /* negative: none */
	__u64 ino;
	__u32 dev; /* major << 20 | minor; of the filesystem */
	__u32 mode;
	__u32 op; /* enum fileio_op */
	__u32 mntns;
	char comm[COMM_LEN];
	char fs[FS_NAME_LEN]; /* type of the filesystem */
	struct vpath path;
	struct vstack kstack;
	struct vstack ustack;
};

#endif
