/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/fs/fs_options.h"

#include <stdio.h>
#include <string.h>

const char *const fs_calls[] = { FILEIO_CALLS, FILEIO_OPS_CALLS, NULL };
const char *const fs_ops[] = { FILEIO_OP_NAMES, NULL };

const char *const fs_ext4_words[] = { "--fs", "ext4", NULL };
const char *const fs_xfs_words[] = { "--fs", "xfs", NULL };
const char *const fs_btrfs_words[] = { "--fs", "btrfs", NULL };
const char *const fs_nfs_words[] = { "--fs", "nfs,nfs4", "--ops", "read,write,open,fsync,getattr",
				     NULL };
const char *const fs_f2fs_words[] = { "--fs", "f2fs", NULL };
const char *const fs_fuse_words[] = { "--fs", "fuse,fuseblk", NULL };
const char *const fs_overlay_words[] = { "--fs", "overlay", NULL };
const char *const fs_zfs_words[] = { "--fs", "zfs", NULL };

bool fs_parse_types(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
		    size_t size)
{
	struct fs_cfg *cfg = cfg_;

	(void)spec;
	cfg->n_types = 0;
	for (const char *p = arg; *p; p += strcspn(p, ","), p += *p != '\0') {
		size_t len = strcspn(p, ",");

		if (!len || len >= FS_NAME_LEN) {
			snprintf(err, size, "\"%.*s\" is not a type of filesystem; try ext4",
				 (int)len, p);
			return false;
		}
		if (cfg->n_types == FS_TYPES) {
			snprintf(err, size, "at most %d types of filesystem", FS_TYPES);
			return false;
		}
		memset(cfg->types[cfg->n_types], 0, FS_NAME_LEN);
		memcpy(cfg->types[cfg->n_types++], p, len);
	}
	if (!cfg->n_types)
		snprintf(err, size, "\"\" is not a type of filesystem; try ext4");
	return cfg->n_types;
}

bool fs_parse_ops(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
		  size_t size)
{
	struct fs_cfg *cfg = cfg_;

	(void)spec;
	cfg->ops = 0;
	for (const char *p = arg; *p; p += strcspn(p, ","), p += *p != '\0') {
		size_t len = strcspn(p, ","), op = 0;

		while (fs_ops[op] && (strlen(fs_ops[op]) != len || memcmp(fs_ops[op], p, len)))
			op++;
		if (!fs_ops[op]) {
			snprintf(err, size,
				 "\"%.*s\" is not an operation; try read,write,open,fsync,getattr",
				 (int)len, p);
			return false;
		}
		cfg->ops |= 1U << op;
	}
	if (!cfg->ops)
		snprintf(err, size, "no operation; try read,write,open,fsync,getattr");
	return cfg->ops;
}
