/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Cgroups (v2) by number. */
#ifndef IOSONDE_NAMES_CGROUP_H
#define IOSONDE_NAMES_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The path of cgroup @id below the hierarchy's root, "/" for the root itself; its number in decimal
 * where it isn't found. One that is gone keeps its name if it was ever asked for, or stood beside
 * one that was. Never NULL; good until the next call. Not for threads.
 */
const char *cgroup_name(uint64_t id);

/*
 * The id of the cgroup at @path, as such or below the usual mount points. False: it isn't there,
 * and then *@exists says whether something else is.
 */
bool cgroup_id(const char *path, uint64_t *id, bool *exists);

#endif
