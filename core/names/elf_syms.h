/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Functions in an ELF file, by where they are in it. The file may be made to do harm. */
#ifndef IOSONDE_NAMES_ELF_SYMS_H
#define IOSONDE_NAMES_ELF_SYMS_H

#include <stddef.h>
#include <stdint.h>

struct elf_syms;

/*
 * Reads the symbols of the file open as @fd, which stays open and is read with pread() alone; where
 * it was stripped, those that the system keeps apart for its build id. NULL: no ELF file, or no
 * memory. *@bytes: what it takes.
 */
struct elf_syms *elf_syms_read(int fd, size_t *bytes);
void elf_syms_free(struct elf_syms *e);

/* The function that holds the byte at @offset of the file, and how far in it is; NULL: none does.
 */
const char *elf_syms_find(const struct elf_syms *e, uint64_t offset, uint64_t *into);

#endif
