/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Calls that take names away, as both sides of the commands that watch them know them. */
#ifndef IOSONDE_NAMES_H
#define IOSONDE_NAMES_H

#include "bpf/shared.h"

/* The first of a descriptor's list of system calls, in the order of NAMES_CALLS. */
enum names_call {
	CALL_UNLINK = 1,
	CALL_UNLINKAT,
	CALL_RMDIR,
	CALL_RENAME,
	CALL_RENAMEAT,
	CALL_RENAMEAT2,
	CALL_NAMES_END, /* where a command's own begin */
};

#define NAMES_CALLS "?unlink", "unlinkat", "?rmdir", "?rename", "?renameat", "renameat2"

enum names_action {
	NAMES_UNLINK = 1,
	NAMES_RMDIR,
	NAMES_RENAME,
};

#endif
