/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which files count as files of a filesystem: for commands that leave out all the rest. */
#ifndef IOSONDE_FILEIO_ORDINARY_BPF_H
#define IOSONDE_FILEIO_ORDINARY_BPF_H

#include "bpf/fileio/fileio.bpf.h"

#define PROC_SUPER_MAGIC 0x9fa0

/* A regular file with data of its own, which is read and written through iterators. */
static __always_inline bool ordinary(const struct file_io *io)
{
	u64 inode = io->inode, file = file_still(io);
	const struct file_operations *ops;
	struct super_block *sb;

	if ((inode_mode(inode) & S_IFMT) != S_IFREG)
		return false;
	sb = LOAD(struct inode, inode, i_sb);
	if (LOAD(struct super_block, sb, s_magic) == PROC_SUPER_MAGIC)
		return false;
	if (!file)
		return true;
	ops = LOAD(struct file, file, f_op);
	return io->write ? LOAD(struct file_operations, ops, write_iter) != NULL
			 : LOAD(struct file_operations, ops, read_iter) != NULL;
}

#endif
