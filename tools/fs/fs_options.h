/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Options, calls and names of fsslower and fsdist. */
#ifndef IOSONDE_FS_OPTIONS_H
#define IOSONDE_FS_OPTIONS_H

#include "core/tool.h"
#include "tools/fs/fs.h"

/* --fs ext4,xfs and --ops read,fsync: into the struct fs_cfg that spec->field lies in. */
bool fs_parse_types(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		    size_t size);
bool fs_parse_ops(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		  size_t size);

extern const char *const fs_calls[];
extern const char *const fs_ops[];

/* What the classic tools for one filesystem each are. NFS knows no fsync of its own there. */
extern const char *const fs_ext4_words[],
	*const fs_xfs_words[], *const fs_btrfs_words[],
				       *const fs_nfs_words[],
					       *const fs_f2fs_words[],
						       *const fs_fuse_words[],
							       *const fs_overlay_words[],
								       *const fs_zfs_words[];

/* clang-format off */
/* @field: of a struct fs_cfg at the beginning of the command's. */
#define FS_OPTIONS(field)                                                                          \
	{ "fs", 0, field, .kind = OPT_CUSTOM, .parse = fs_parse_types, .arg = "TYPE[,TYPE]",       \
	  .help = "only files on filesystems of these types: ext4, xfs, nfs4, overlay ..." },      \
	{ "ops", 0, field, .kind = OPT_CUSTOM, .parse = fs_parse_ops, .arg = "OP[,OP]",            \
	  .deflt = "read,write,open,fsync",                                                        \
	  .help = "only these: read, write, open, fsync, getattr (fstat)" }
/* clang-format on */

#endif
