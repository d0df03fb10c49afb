/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What this kernel and this process's privileges allow. Never told by a version: a thing is tried,
 * by doing it once on something harmless, or, where there is nothing to try, looked at.
 */
#ifndef IOSONDE_ABILITIES_H
#define IOSONDE_ABILITIES_H

#include <stdbool.h>
#include <stddef.h>

#include <bpf/btf.h>

#define ABILITIES_MAX 40

struct ability {
	const char *name; /* "ring_buffer" */
	bool available;
	const char *how; /* "tried" or "looked" */
	char found[96];	 /* what was seen: "ran on task_rename", "integrity"; may be empty */
	char why[320];	 /* not available: the reason, and what would change it */
};

/*
 * Fills @out and returns how many. @btf is the kernel's type information; NULL: none was found.
 * Takes a second or so; programs run on what this process does, and are gone afterwards.
 */
size_t abilities_find(struct ability out[ABILITIES_MAX], const struct btf *btf);

#endif
