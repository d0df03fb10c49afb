/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Of an ELF file what unwinding takes, in memory: its heads, and the part that has the tables of
 * its frames. It has no sections, so nobody is led by them to other files, or to what the file says
 * is packed. The file may be made to do harm, or shrink.
 */
#ifndef IOSONDE_NAMES_ELF_IMAGE_H
#define IOSONDE_NAMES_ELF_IMAGE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_image {
	char *at; /* of the file's first byte; what isn't there is zero */
	size_t size, mapped;
	size_t present; /* so much of it takes memory */
	Elf *elf;
	uint64_t low, high; /* addresses that it takes up, before it is moved */
};

/* Reads the file open as @fd, with pread() alone. False: nothing that can be unwound by. */
bool elf_image_read(struct elf_image *image, int fd);

/* The kernel's own part of every process, which is the same in ours. */
bool elf_image_vdso(struct elf_image *image);

void elf_image_free(struct elf_image *image);

/* How far from its own addresses it is where the byte at @offset of the file is mapped to @addr. */
bool elf_image_moved(const struct elf_image *image, uint64_t offset, uint64_t addr, uint64_t *by);

#endif
