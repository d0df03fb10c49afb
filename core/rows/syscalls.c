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

static int find(const struct syscall_number *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table->number;
	return -1;
}

int syscall_number(const char *name, int compat)
{
	return find(compat ? syscalls_compat : native, name);
}

const char *syscall_name(int64_t nr, bool compat)
{
	const struct syscall_number *t = compat ? syscalls_compat : native;

	while (t->name && t->number != nr)
		t++;
	return t->name;
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
