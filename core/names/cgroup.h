/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Cgroups (v2) by number. */
#ifndef IOSONDE_NAMES_CGROUP_H
#define IOSONDE_NAMES_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/digits.h"
#include "core/base/keymap.h"
#include "core/base/text_buf.h"

/* Answers. All zeroes: none yet. */
struct cgroup_names {
	struct keymap offsets; /* 1 + where in text the path of each id begins, ended by a NUL */
	struct text_buf text;
	int64_t walked_s; /* 0: never */
	char number[DIGITS_MAX + 1];
};

/*
 * The path of cgroup @id below the hierarchy's root, "/" for the root itself; its number in decimal
 * where it isn't found. One that is gone keeps its name if it was ever asked for, or stood beside
 * one that was. Never NULL; good until the next call. Not for threads.
 */
const char *cgroup_name(struct cgroup_names *names, uint64_t id);
void cgroup_names_free(struct cgroup_names *names);

/*
 * The id of the cgroup at @path, as such or below the usual mount points. False: it isn't there,
 * and then *@exists says whether something else is.
 */
bool cgroup_id(const char *path, uint64_t *id, bool *exists);

#endif
