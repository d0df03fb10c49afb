/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a file is identified by, in keys of aggregating maps. */
#ifndef IOSONDE_FILEID_H
#define IOSONDE_FILEID_H

#include "bpf/shared.h"

/*
 * @id stands for all of device, inode, generation and, on btrfs, the inode in its subvolume; it is
 * what the file's path is known by (REC_NAME). On overlayfs these are the real file's.
 */
struct file_id {
	__u64 id;
	__u64 ino;
	__u32 dev; /* major << 20 | minor */
	__u32 gen; /* tells a file from a later one of the same number */
};

/* For a column's names: enum file_kind. */
#define FILE_KIND_NAMES "other", "reg", "dir", "fifo", "sock", "chr", "blk"

enum file_kind { KIND_OTHER, KIND_REG, KIND_DIR, KIND_FIFO, KIND_SOCK, KIND_CHR, KIND_BLK };

#endif
