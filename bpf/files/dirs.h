/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Directories named on the command line, as both sides know them. */
#ifndef IOSONDE_DIRS_H
#define IOSONDE_DIRS_H

#include <linux/types.h>

#define DIRS_MAX 64

/*
 * A member of a command's cfg, filled by its option (core/run/dirs.h). iosonde holds each
 * directory open, so that its inode stays where it is in the kernel's memory.
 */
struct dirs_cfg {
	__u32 given; /* the option was given */
	__u32 n;
	__s32 fd[DIRS_MAX];
};

#endif
