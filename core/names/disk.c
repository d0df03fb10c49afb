/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/disk.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static int64_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

/* The last part of what the link points at: ../../devices/virtual/block/dm-0. */
static bool read_name(uint32_t dev, char *name)
{
	char path[64], target[512], *base;
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", dev >> 20, dev & 0xfffff);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (!*base || strlen(base) >= DISK_NAME)
		return false;
	/* sysfs writes cciss!c0d0 for cciss/c0d0 */
	for (char *c = base; *c; c++)
		if (*c == '!')
			*c = '/';
	memcpy(name, base, strlen(base) + 1);
	return true;
}

const char *disk_name(struct disk_names *names, uint32_t dev)
{
	size_t at = (dev ^ dev >> 20) % DISK_SLOTS;
	char *name = names->slot[at].name;
	int64_t now = seconds();

	if (name[0] && names->slot[at].dev == dev && names->slot[at].asked_s == now)
		return name;
	if (!read_name(dev, name) && (!name[0] || names->slot[at].dev != dev))
		snprintf(name, DISK_NAME, "%u:%u", dev >> 20, dev & 0xfffff);
	names->slot[at].dev = dev;
	names->slot[at].asked_s = now;
	return name;
}

static bool read_dev(const char *path, uint32_t *dev)
{
	FILE *f = fopen(path, "re");
	unsigned int number, part;
	bool ok = f && fscanf(f, "%u:%u", &number, &part) == 2;

	if (f)
		fclose(f);
	if (ok)
		*dev = DISK_DEV(number, part);
	return ok;
}

/* @dev is a block device: a whole disk? Else *@dev becomes the disk's. */
static enum disk_found whole_disk(uint32_t *dev)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", *dev >> 20, *dev & 0xfffff);
	if (access(path, F_OK))
		return DISK_NO;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", *dev >> 20, *dev & 0xfffff);
	if (access(path, F_OK))
		return DISK_YES;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", *dev >> 20, *dev & 0xfffff);
	return read_dev(path, dev) ? DISK_PARTITION : DISK_NO;
}

enum disk_found disk_number(const char *name, uint32_t *dev)
{
	unsigned int number, part;
	char path[512], end;
	struct stat st;
	uint32_t found;
	enum disk_found what;

	if (sscanf(name, "%u:%u%c", &number, &part, &end) == 2) {
		found = DISK_DEV(number, part);
	} else if (strchr(name, '/') && !stat(name, &st) && S_ISBLK(st.st_mode)) {
		found = DISK_DEV(major(st.st_rdev), minor(st.st_rdev));
	} else {
		if (!*name || *name == '/' || *name == '.' || strlen(name) >= DISK_NAME)
			return DISK_NO;
		snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
		for (char *c = path + strlen("/sys/class/block/"); strcmp(c, "/dev"); c++)
			if (*c == '/')
				*c = '!';
		if (!read_dev(path, &found))
			return DISK_NO;
	}
	what = whole_disk(&found);
	if (what != DISK_NO)
		*dev = found;
	return what;
}

#define EXAMPLES 3

/* How well a disk does as an example: 2 with hardware behind it, 1 with room on it, else 0. */
static int example_rank(const char *name)
{
	char path[sizeof("/sys/block//device") + NAME_MAX];
	unsigned long long sectors = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/size", name);
	f = fopen(path, "re");
	if (f && fscanf(f, "%llu", &sectors) != 1)
		sectors = 0;
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/sys/block/%s/device", name);
	return sectors ? 1 + !access(path, F_OK) : 0;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

const char *disk_examples(void)
{
	static char text[EXAMPLES * (NAME_MAX + 4)];
	struct dirent **entry;
	int n = scandir("/sys/block", &entry, is_visible, versionsort), taken = 0;
	size_t len = 0;

	for (int rank = 2; rank >= 0; rank--) {
		/* an empty loop device will do where there is nothing else */
		for (int i = 0; i < n && taken < EXAMPLES && (rank || !taken); i++)
			if (example_rank(entry[i]->d_name) == rank)
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
							taken++ ? " or " : "", entry[i]->d_name);
	}
	for (int i = 0; i < n; i++)
		free(entry[i]);
	if (n >= 0)
		free(entry);
	return taken ? text : NULL;
}
