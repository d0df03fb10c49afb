/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/cgroup.h"

#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "bpf/shared.h"

#define WALK_FDS 16
/* So many are known at one time: cgroups come and go. */
#define KNOWN_MAX 65536

/* Where the hierarchy is mounted: alone, or beside those of v1; and the memory controller's own. */
static const char *const roots[] = { "/sys/fs/cgroup/", "/sys/fs/cgroup/unified/" };
static const char memory_root[] = "/sys/fs/cgroup/memory/";

/* The walk under way: nftw() passes nothing on. */
static struct {
	struct cgroup_names *names;
	const char *root;
	uint64_t part; /* of the ids that it finds: CGROUP_MEMORY_V1 or 0 */
} walking;

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

bool cgroup_id(const char *path, uint64_t *id, bool *exists)
{
	char full[4096];
	struct stat st;

	*exists = false;
	for (size_t i = 0; i <= sizeof(roots) / sizeof(roots[0]); i++) {
		snprintf(full, sizeof(full), "%s%s", i ? roots[i - 1] : "", path);
		if (stat(full, &st))
			continue;
		*exists = true;
		if (!is_cgroup2(full))
			continue;
		*id = st.st_ino; /* kernfs: the inode number is the cgroup's id */
		return true;
	}
	return false;
}

static int keep(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct cgroup_names *names = walking.names;
	uint64_t id = st->st_ino | walking.part, *at;

	(void)ftw;
	if (type != FTW_D)
		return 0;
	if (names->offsets.n >= KNOWN_MAX)
		return 1;
	at = keymap_get(&names->offsets, &id, true);
	if (at && !*at) {
		path += strlen(walking.root) - 1; /* whose slash begins it */
		*at = names->text.len + 1;
		text_add(&names->text, *path ? path : "/", *path ? strlen(path) + 1 : 2);
	}
	return !at || names->text.failed;
}

void cgroup_names_free(struct cgroup_names *names)
{
	keymap_free(&names->offsets);
	text_free(&names->text);
	*names = (struct cgroup_names){ .offsets = KEYMAP(uint64_t, uint64_t) };
}

/* At most once a second: ids that are nowhere would have it done for each row. */
static void walk(struct cgroup_names *names)
{
	struct timespec ts;
	struct statfs fs;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	if (names->walked_s == ts.tv_sec + 1)
		return;
	names->walked_s = ts.tv_sec + 1;
	if (names->offsets.n >= KNOWN_MAX) { /* most of them are gone; the walk finds the others */
		cgroup_names_free(names);
		names->walked_s = ts.tv_sec + 1;
	}
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		walking.names = names;
		walking.root = roots[i];
		if (is_cgroup2(roots[i]))
			nftw(roots[i], keep, WALK_FDS, FTW_PHYS | FTW_MOUNT);
	}
	if (statfs(memory_root, &fs) || fs.f_type != CGROUP_SUPER_MAGIC)
		return;
	walking.root = memory_root;
	walking.part = CGROUP_MEMORY_V1;
	nftw(memory_root, keep, WALK_FDS, FTW_PHYS | FTW_MOUNT);
	walking.part = 0;
}

const char *cgroup_name(struct cgroup_names *names, uint64_t id)
{
	const uint64_t *at;

	if (!names->offsets.n)
		names->offsets = (struct keymap)KEYMAP(uint64_t, uint64_t);
	at = keymap_get(&names->offsets, &id, false);

	if (!at) {
		walk(names);
		at = keymap_get(&names->offsets, &id, false);
	}
	if (at && *at && !names->text.failed)
		return names->text.data + *at - 1;
	names->number[put_u64(names->number, id)] = '\0';
	return names->number;
}
