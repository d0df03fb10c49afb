/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Numbers of the system calls, by ABI of the machine iosonde is built for. */
#ifndef IOSONDE_SYSCALLS_H
#define IOSONDE_SYSCALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/core/syscall_max.h"

struct syscall_number {
	const char *name;
	int number;
};

/* Of the 32-bit ABI (core/rows/syscalls_compat.c); ends with a NULL name. */
extern const struct syscall_number syscalls_compat[];

/* The number of @name in the native (compat 0) or 32-bit (1) ABI; -1 where there is no such call.
 */
int syscall_number(const char *name, int compat);

/* The native number of the call whose tracepoints are sys_enter_@event and sys_exit_@event; -1:
 * unknown. */
int syscall_of_event(const char *event);

/* The other way round; NULL: a number that was unknown when this was built. */
const char *syscall_name(int64_t nr, bool compat);

/*
 * Fills @calls: 1 + the index in @names of the call that each number stands for, 0 for others.
 * @names ends with NULL; names that start with '-' (not system calls) only take an index, those
 * that start with '?' are calls that only some architectures have. Returns NULL, or a name that is
 * no system call in either ABI.
 */
const char *syscall_table(const char *const *names, uint8_t calls[SYSCALL_MAX][2]);

#endif
