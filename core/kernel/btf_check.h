/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Type information (BTF) from a file, which anybody may have written: libbpf follows the numbers in
 * it without looking. Nothing here is needed for what the kernel itself shows.
 */
#ifndef IOSONDE_BTF_CHECK_H
#define IOSONDE_BTF_CHECK_H

#include <stddef.h>

/* Types that contain each other by value, deeper than any that a compiler writes. */
#define BTF_DEPTH_MAX 256

/*
 * NULL if @data (@size bytes, aligned to 4) can be followed: every type known and whole, every
 * number of a type and every name within its table, nothing part of itself. Else what is wrong.
 * Takes time and memory in proportion to @size.
 */
const char *btf_check(const void *data, size_t size);

/*
 * The BTF in a file's content: the section .BTF of an ELF file, else all of it. NULL, with *@why,
 * if an ELF file has none.
 */
const void *btf_find(const void *file, size_t size, size_t *btf_size, const char **why);

#endif
