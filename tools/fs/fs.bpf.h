/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which operations are wanted: what fsslower and fsdist share. */
#ifndef IOSONDE_FS_BPF_H
#define IOSONDE_FS_BPF_H

#include "tools/fs/fs.h"

#define FILE_IO_ALL_OPS
#include "bpf/fileio/fileio_ordinary.bpf.h"

#define S_IFDIR 0040000

union fs_name {
	char text[FS_NAME_LEN];
	u64 words[FS_NAME_LEN / sizeof(u64)];
};

_Static_assert(sizeof(union fs_name) == FS_NAME_LEN, "compared by words");

/* The type of the inode's filesystem. */
static __always_inline void fs_name_of(u64 inode, union fs_name *name)
{
	struct super_block *sb = LOAD(struct inode, inode, i_sb);
	struct file_system_type *type = LOAD(struct super_block, sb, s_type);

	name->words[0] = name->words[1] = 0;
	bpf_probe_read_kernel_str(name->text, sizeof(name->text),
				  LOAD(struct file_system_type, type, name));
}

static __always_inline bool fs_name_wanted(const volatile struct fs_cfg *cfg,
					   const union fs_name *name)
{
	for (u32 i = 0; i < FS_TYPES; i++) {
		const volatile u64 *type = (const volatile u64 *)cfg->types[i];

		if (i < cfg->n_types && type[0] == name->words[0] && type[1] == name->words[1])
			return true;
	}
	return !cfg->n_types;
}

/* A file that a filesystem keeps: regular; of syncs and attributes, directories as well. */
static __always_inline bool fs_keeps(const struct file_io *io, u32 op)
{
	if (op >= FILEIO_FSYNC && (inode_mode(io->inode) & S_IFMT) == S_IFDIR)
		return true;
	return ordinary(io);
}

/* Is the operation one to show? Sets *@name for one that is, to the type of its filesystem. */
static __always_inline bool fs_wanted(const volatile struct fs_cfg *cfg, const struct file_io *io,
				      union fs_name *name)
{
	u32 op = file_io_op(io);

	if (!(cfg->ops & 1 << op) || !io->inode || !fs_keeps(io, op))
		return false;
	fs_name_of(io->inode, name);
	return fs_name_wanted(cfg, name);
}

#endif
