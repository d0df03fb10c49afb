/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Symbols of the kernel and of its modules, as they are now. */
#ifndef IOSONDE_NAMES_KSYMS_H
#define IOSONDE_NAMES_KSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ksyms;

/*
 * From files such as /proc/kallsyms and /proc/modules, which are opened now, with the privileges of
 * now, and read when they are needed. NULL when out of memory.
 */
struct ksyms *ksyms_open(const char *kallsyms, const char *modules);
void ksyms_close(struct ksyms *k);

/* The function that @addr is in, and where that begins; NULL: none, or none that is certain. */
const char *ksyms_find(struct ksyms *k, uint64_t addr, uint64_t *start);

#endif
