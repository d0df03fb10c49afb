/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which operations on which filesystems: what fsslower and fsdist share. */
#ifndef IOSONDE_FS_H
#define IOSONDE_FS_H

#include "bpf/fileio/fileio_row.h"

#define FS_TYPES 4

struct fs_cfg {
	char types[FS_TYPES][FS_NAME_LEN]; /* the rest of each is zeroes */
	__u32 n_types;			   /* 0: all of them */
	__u32 ops;			   /* bits: 1 << enum fileio_op */
};

#endif
