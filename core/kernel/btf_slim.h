/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A small copy of the kernel's type information, for relocating one object's programs. libbpf looks
 * through all of the kernel's types for each struct that programs read, about 1 ms each; with some
 * thirty structs that is most of what it takes to start.
 */
#ifndef IOSONDE_BTF_SLIM_H
#define IOSONDE_BTF_SLIM_H

#include <stdint.h>

#include <bpf/btf.h>

/*
 * Writes to a new memory file what relocating @local's types needs of @kernel: every type with the
 * name of one of them (less its ___flavour), and what their members are made of. They have numbers
 * of their own: programs that pass the kernel's on to it (bpf_rdonly_cast()) take them from *@ids,
 * the kernel's number of the struct or union that @local has by its number, 0 for none; free() it.
 * Returns the descriptor, or -1 with errno, in which case the whole of @kernel serves.
 */
int btf_slim(const struct btf *local, const struct btf *kernel, uint32_t **ids);

#endif
