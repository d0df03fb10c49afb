/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/attribution.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel/btf_query.h"

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
	size_t size; /* that it must have; 0: any */
};

static bool find_places(const struct place *places, const struct btf *btf)
{
	for (; places->type; places++) {
		size_t size = 0;
		int off = btf_offset(btf, places->type, places->member, &size);

		if (off < 0 || (places->size && places->size != size))
			return false;
		*places->to = (__u32)off;
	}
	return true;
}

static void find_jbd2(struct attr_jbd2 *out, const struct btf *btf)
{
	const char *handle = "trace_event_raw_jbd2_handle_stats";
	const struct place places[] = {
		{ "journal_s", "j_fs_dev", &out->fs_dev, 8 },
		{ "journal_s", "j_blocksize", &out->block, 4 },
		{ "transaction_s", "t_tid", &out->tid, 4 },
		{ "transaction_s", "t_nr_buffers", &out->buffers, 4 },
		{ handle, "dev", &out->handle_dev, 4 },
		{ handle, "tid", &out->handle_tid, 4 },
		{ handle, "dirtied_blocks", &out->handle_dirtied, 4 },
		{ NULL, NULL, NULL, 0 },
	};

	out->known = find_places(places, btf);
}

static void find_btrfs(struct attr_btrfs *out, const struct btf *btf)
{
	const struct place always[] = {
		{ "btrfs_bio", "bio", &out->bio, 0 },
		{ "btrfs_bio", "file_offset", &out->offset, 0 },
		{ "compressed_bio", "start", &out->start, 0 },
		{ "compressed_bio", "len", &out->len, 0 },
		{ NULL, NULL, NULL, 0 },
	};
	const struct place embedded[] = {
		{ "compressed_bio", "bbio", &out->bbio, 0 },
		{ "btrfs_bio", "inode", &out->inode, 0 },
		{ "btrfs_inode", "vfs_inode", &out->vfs, 0 },
		{ NULL, NULL, NULL, 0 },
	};
	const struct place apart[] = {
		{ "btrfs_bio", "private", &out->private, 0 },
		{ "compressed_bio", "inode", &out->inode, 0 },
		{ NULL, NULL, NULL, 0 },
	};

	if (!find_places(always, btf))
		return;
	out->apart = !find_places(embedded, btf);
	out->known = !out->apart || find_places(apart, btf);
}

/* Looks in the types of module @name or, where it is built in, in the kernel's. */
static struct btf *types_of(struct btf *kernel, const char *name)
{
	struct btf *module = btf_of_module(kernel, name);

	return module ? module : kernel;
}

void attribution_prepare(struct attr_cfg *cfg, const char *btf)
{
	struct btf *kernel, *btrfs, *jbd2;

	if (!cfg->on)
		return;
	cfg->calls = mounted_without_hooks();
	kernel = btf_of_kernel(btf);
	if (!kernel)
		return;
	btrfs = types_of(kernel, "btrfs");
	jbd2 = types_of(kernel, "jbd2");
	if (cfg->calls)
		find_btrfs(&cfg->btrfs, btrfs);
	find_jbd2(&cfg->jbd2, jbd2);
	if (btrfs != kernel)
		btf__free(btrfs);
	if (jbd2 != kernel)
		btf__free(jbd2);
	btf__free(kernel);
}
