/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/rows/syscalls.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <asm/unistd.h>

static const struct syscall_number native[] = {
#include "core/rows/syscalls_native.inc"
	{ NULL, 0 },
};

/* Newer than the headers that this may be built with; from 424 on all machines have the same
 * numbers. */
static const struct syscall_number newer[] = {
	{ "cachestat", 451 },	      { "fchmodat2", 452 },	   { "map_shadow_stack", 453 },
	{ "futex_wake", 454 },	      { "futex_wait", 455 },	   { "futex_requeue", 456 },
	{ "statmount", 457 },	      { "listmount", 458 },	   { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
	{ "setxattrat", 463 },	      { "getxattrat", 464 },	   { "listxattrat", 465 },
	{ "removexattrat", 466 },     { "open_tree_attr", 467 },   { "file_getattr", 468 },
	{ "file_setattr", 469 },      { "listns", 470 },	   { NULL, 0 },
};

/* Tracepoints of calls are named after the kernel's functions for them. */
static const struct {
	const char *event, *call;
} event_names[] = {
	{ "newstat", "stat" },	 { "newlstat", "lstat" },      { "newfstat", "fstat" },
	{ "newuname", "uname" }, { "sendfile64", "sendfile" }, { "umount", "umount2" },
};

static int find(const struct syscall_number *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table->number;
	return -1;
}

int syscall_number(const char *name, int compat)
{
	int nr = find(compat ? syscalls_compat : native, name);

	return nr < 0 ? find(newer, name) : nr;
}

int syscall_of_event(const char *event)
{
	for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++)
		if (!strcmp(event_names[i].event, event))
			return syscall_number(event_names[i].call, 0);
	return syscall_number(event, 0);
}

static const char *name_of(const struct syscall_number *table, int64_t nr)
{
	while (table->name && table->number != nr)
		table++;
	return table->name;
}

const char *syscall_name(int64_t nr, bool compat)
{
	const char *name = name_of(compat ? syscalls_compat : native, nr);

	return name ? name : name_of(newer, nr);
}

const char *syscall_table(const char *const *names, uint8_t calls[SYSCALL_MAX][2])
{
	memset(calls, 0, 2 * SYSCALL_MAX);
	for (size_t i = 0; names[i]; i++) {
		bool known = *names[i] == '-' || *names[i] == '?';

		for (int compat = 0; compat < 2; compat++) {
			int nr = syscall_number(names[i] + (*names[i] == '?'), compat);

			known |= nr >= 0;
			if (nr >= 0 && nr < SYSCALL_MAX)
				calls[nr][compat] = (uint8_t)(i + 1);
		}
		if (!known)
			return names[i];
	}
	return NULL;
}
