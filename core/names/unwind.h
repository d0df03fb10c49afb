/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From registers and a copy of the stack to the addresses of the functions that were under way, by
 * the tables that programs without frame pointers have for it. elfutils' libdw does it; what it
 * sees of files is what this gives to it, so no file is looked for, and nobody asked for one.
 */
#ifndef IOSONDE_NAMES_UNWIND_H
#define IOSONDE_NAMES_UNWIND_H

#include <stddef.h>
#include <stdint.h>

struct rec_ustack;
struct unwinder;

/* To be used by one thread. NULL when out of memory. */
struct unwinder *unwinder_open(void);
void unwinder_close(struct unwinder *u);

/* Reads what process @pid has mapped while it runs @program: it may be gone when stacks come. */
void unwinder_learn(struct unwinder *u, uint32_t pid, uint64_t program);

/*
 * The frames of the stack in @r, of which @bytes are there, innermost first, at most @max; returns
 * how many. The first is known without any table.
 */
size_t unwind(struct unwinder *u, const struct rec_ustack *r, size_t bytes, uint64_t *frames,
	      size_t max);

#endif
