/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Addresses in stacks to names: the kernel's from /proc/kallsyms, a process's from the files that
 * it has mapped. Where a name might be another's, the address stands.
 */
#ifndef IOSONDE_NAMES_STACK_H
#define IOSONDE_NAMES_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text_buf.h"

/* A name and its offset, at most: the kernel's longest symbol (KSYM_NAME_LEN), and a module. */
#define STACK_NAME_MAX 640

struct stack_names;

/*
 * Opens what needs a privilege (kallsyms shows zeros to a file opened without CAP_SYSLOG); reading
 * and sorting wait for the first address. NULL when out of memory.
 */
struct stack_names *stack_names_open(void);
void stack_names_close(struct stack_names *names);

/*
 * "vfs_read+0x1b" for a kernel address; "0xffff…" where there is no name. Good until the next call.
 * Without the offset if @plain.
 */
const char *stack_kernel_name(struct stack_names *names, uint64_t addr, bool plain);

/*
 * How many of the @n frames, from the innermost on, are those of a hook: of the program that took
 * the stack, and of what called it. 0 if all are: better than none.
 */
size_t stack_hook_frames(struct stack_names *names, const uint64_t *frames, size_t n);

/*
 * Appends "main+0x1b (app)" for an address of process @pid while it ran @program (program_id());
 * "0x7f… (libc.so.6)" or "0x7f…" without symbols, or where it runs another program by now and
 * nothing was learnt of that one before. Without offsets if @plain. False: nothing is mapped there.
 */
bool stack_user_name(struct stack_names *names, uint32_t pid, uint64_t program, uint64_t addr,
		     bool plain, struct text_buf *to);

/*
 * Looks at what @pid has mapped while it runs @program, and at the symbols: for stacks whose names
 * are asked for when it is gone.
 */
void stack_names_learn(struct stack_names *names, uint32_t pid, uint64_t program);

#endif
