/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What numbers in rows are called: one view's answers. Whoever reads rows hands them in, and owns
 * them; all are bounded (docs/architecture.md).
 */
#ifndef IOSONDE_NAMES_NAMES_H
#define IOSONDE_NAMES_NAMES_H

#include "core/names/cgroup.h"
#include "core/names/disk.h"
#include "core/names/ids.h"
#include "core/names/user.h"

/* All zeroes: nothing was asked yet. */
struct names {
	struct user_names users;
	struct disk_names disks;
	struct cgroup_names cgroups;
	struct id_names ids;
};

void names_free(struct names *names);

#endif
