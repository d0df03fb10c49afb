/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/attribution.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/btf_query.h"

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

struct place {
	const char *type, *member;
	__u32 *to;
};

static bool find_places(const struct place *places, const struct btf *btf)
{
	for (; places->type; places++) {
		int off = btf_offset(btf, places->type, places->member, NULL);

		if (off < 0)
			return false;
		*places->to = (__u32)off;
	}
	return true;
}

static void find_btrfs(struct attr_btrfs *out, const struct btf *btf)
{
	const struct place always[] = {
		{ "btrfs_bio", "bio", &out->bio },
		{ "btrfs_bio", "file_offset", &out->offset },
		{ "compressed_bio", "start", &out->start },
		{ "compressed_bio", "len", &out->len },
		{ NULL, NULL, NULL },
	};
	const struct place embedded[] = {
		{ "compressed_bio", "bbio", &out->bbio },
		{ "btrfs_bio", "inode", &out->inode },
		{ "btrfs_inode", "vfs_inode", &out->vfs },
		{ NULL, NULL, NULL },
	};
	const struct place apart[] = {
		{ "btrfs_bio", "private", &out->private },
		{ "compressed_bio", "inode", &out->inode },
		{ NULL, NULL, NULL },
	};

	if (!find_places(always, btf))
		return;
	out->apart = !find_places(embedded, btf);
	out->known = !out->apart || find_places(apart, btf);
}

void attribution_prepare(struct attr_cfg *cfg, const char *btf)
{
	struct btf *kernel, *module;

	if (!cfg->on)
		return;
	cfg->calls = mounted_without_hooks();
	kernel = cfg->calls ? btf_of_kernel(btf) : NULL;
	if (!kernel)
		return;
	module = btf_of_module(kernel, "btrfs");
	find_btrfs(&cfg->btrfs, module ? module : kernel);
	btf__free(module);
	btf__free(kernel);
}
