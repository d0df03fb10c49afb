// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Where a file lies on its disk, so that a block tracer can be told to look at nothing else. */
#include "workload.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define MAX_EXTENTS 64

int cmd_extents(struct ctx *c)
{
	struct fiemap *map = calloc(1, sizeof(*map) + MAX_EXTENTS * sizeof(struct fiemap_extent));
	int fd = open(arg_str(c, 0, NULL), O_RDONLY | O_CLOEXEC);
	uint64_t first = 0, bytes = 0, pieces = 0;
	struct stat st;

	if (fd < 0 || !map || fstat(fd, &st))
		die("extents");
	map->fm_length = FIEMAP_MAX_OFFSET;
	map->fm_flags = FIEMAP_FLAG_SYNC;
	map->fm_extent_count = MAX_EXTENTS;
	if (ioctl(fd, FS_IOC_FIEMAP, map) || !map->fm_mapped_extents)
		die("FIEMAP");
	first = map->fm_extents[0].fe_physical;
	for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
		/* Neighbours on the disk are one piece, whatever the tree says. */
		pieces += !i || map->fm_extents[i].fe_physical != first + bytes;
		bytes += map->fm_extents[i].fe_length;
	}
	extra_add(c, "dev", (int64_t)major(st.st_dev) << 20 | minor(st.st_dev));
	extra_add(c, "sector", (int64_t)(first >> 9));
	extra_add(c, "sectors", (int64_t)(bytes >> 9));
	extra_add(c, "extents", (int64_t)pieces);
	return 0;
}
