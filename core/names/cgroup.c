/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/cgroup.h"

#include <ftw.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

#include "core/base/digits.h"
#include "core/base/keymap.h"
#include "core/base/text_buf.h"

#define WALK_FDS 16
/* So many are known at one time: cgroups come and go. */
#define KNOWN_MAX 65536

/* Where the hierarchy is mounted: alone, or beside those of v1. */
static const char *const roots[] = { "/sys/fs/cgroup/", "/sys/fs/cgroup/unified/" };

/* A cache: 1 + where in text the path of each id begins, ended by a NUL. */
static struct {
	struct keymap offsets;
	struct text_buf text;
	const char *root; /* of the walk under way */
	int64_t walked_s; /* 0: never */
	char number[DIGITS_MAX + 1];
} cache = { .offsets = KEYMAP(uint64_t, uint64_t) };

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
	uint64_t id = st->st_ino, *at;

	(void)ftw;
	if (type != FTW_D)
		return 0;
	if (cache.offsets.n >= KNOWN_MAX)
		return 1;
	at = keymap_get(&cache.offsets, &id, true);
	if (at && !*at) {
		path += strlen(cache.root) - 1; /* whose slash begins it */
		*at = cache.text.len + 1;
		text_add(&cache.text, *path ? path : "/", *path ? strlen(path) + 1 : 2);
	}
	return !at || cache.text.failed;
}

/* At most once a second: ids that are nowhere would have it done for each row. */
static void walk(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	if (cache.walked_s == ts.tv_sec + 1)
		return;
	cache.walked_s = ts.tv_sec + 1;
	if (cache.offsets.n >= KNOWN_MAX) { /* most of them are gone; the walk finds the others */
		keymap_free(&cache.offsets);
		text_free(&cache.text);
	}
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		cache.root = roots[i];
		if (is_cgroup2(roots[i]))
			nftw(roots[i], keep, WALK_FDS, FTW_PHYS | FTW_MOUNT);
	}
}

const char *cgroup_name(uint64_t id)
{
	const uint64_t *at = keymap_get(&cache.offsets, &id, false);

	if (!at) {
		walk();
		at = keymap_get(&cache.offsets, &id, false);
	}
	if (at && *at && !cache.text.failed)
		return cache.text.data + *at - 1;
	cache.number[put_u64(cache.number, id)] = '\0';
	return cache.number;
}
