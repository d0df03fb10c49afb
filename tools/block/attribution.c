/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/attribution.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel/btf_query.h"
#include "core/kernel/jbd2.h"

const char *const attr_methods[] = { ATTR_METHOD_NAMES, NULL };

/* Filesystems on disks whose writes have hooks of their own, or that are never written to. */
static const char *const hooked[] = { "ext2",	  "ext3",  "ext4",    "xfs",
				      "squashfs", "erofs", "iso9660", NULL };

static bool needs_calls(const char *type)
{
	for (size_t i = 0; hooked[i]; i++)
		if (!strcmp(hooked[i], type))
			return false;
	return true;
}

/*
 * Is a disk mounted whose writes only the system calls tell? The line of a mount ends with
 * " - TYPE SOURCE OPTIONS".
 */
static bool mounted_without_hooks(void)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, type[64], source[16];
	size_t size = 0;
	bool found = false;

	while (mounts && !found && getline(&line, &size, mounts) >= 0) {
		const char *at = strstr(line, " - ");

		found = at && sscanf(at, " - %63s %15s", type, source) == 2 &&
			!strncmp(source, "/dev/", 5) && needs_calls(type);
	}
	free(line);
	if (mounts)
		fclose(mounts);
	return found;
}

static void find_btrfs(struct attr_btrfs *out, const struct btf *btf)
{
	const struct btf_place always[] = {
		{ "btrfs_bio", "bio", &out->bio, 0 },
		{ "btrfs_bio", "file_offset", &out->offset, 0 },
		{ "compressed_bio", "start", &out->start, 0 },
		{ "compressed_bio", "len", &out->len, 0 },
		{ NULL, NULL, NULL, 0 },
	};
	const struct btf_place embedded[] = {
		{ "compressed_bio", "bbio", &out->bbio, 0 },
		{ "btrfs_bio", "inode", &out->inode, 0 },
		{ "btrfs_inode", "vfs_inode", &out->vfs, 0 },
		{ NULL, NULL, NULL, 0 },
	};
	const struct btf_place apart[] = {
		{ "btrfs_bio", "private", &out->private, 0 },
		{ "compressed_bio", "inode", &out->inode, 0 },
		{ NULL, NULL, NULL, 0 },
	};

	if (!btf_find_places(always, btf))
		return;
	out->apart = !btf_find_places(embedded, btf);
	out->known = !out->apart || btf_find_places(apart, btf);
}

void attribution_prepare(struct attr_cfg *cfg, const char *btf)
{
	struct btf *kernel, *btrfs;

	if (!cfg->on)
		return;
	cfg->calls = mounted_without_hooks();
	kernel = btf_of_kernel(btf);
	if (!kernel)
		return;
	btrfs = btf_of_module(kernel, "btrfs");
	if (cfg->calls)
		find_btrfs(&cfg->btrfs, btrfs ? btrfs : kernel);
	jbd2_find(&cfg->jbd2, kernel);
	btf__free(btrfs);
	btf_release(kernel);
}
