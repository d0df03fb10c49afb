/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Addresses in stacks to names: the kernel's from /proc/kallsyms, a process's from its ELF files.
 */
#ifndef IOSONDE_NAMES_STACK_H
#define IOSONDE_NAMES_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack_names;

/*
 * Opens what needs a privilege (kallsyms shows zeros to a file opened without CAP_SYSLOG); reading
 * and sorting wait for the first address. NULL when out of memory.
 */
struct stack_names *stack_names_open(bool kernel);
void stack_names_close(struct stack_names *names);

/*
 * "vfs_read+0x1b" for a kernel address; "0xffff…" where there is no name. Good until the next call.
 * Without the offset if @plain.
 */
const char *stack_kernel_name(struct stack_names *names, uint64_t addr, bool plain);

/* "main+0x1b (app)" for an address of process @pid; "0x7f… (libc.so.6)" or "0x7f…" without symbols.
 */
const char *stack_user_name(struct stack_names *names, uint32_t pid, uint64_t addr);

#endif
