/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_IMAGE_IDS_H
#define IOSONDE_IMAGE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/btf.h>

/*
 * Writes the kernel's numbers of types (bpf_core_type_id_kernel()) into the code of @elf, an object
 * as the compiler made it, and takes these relocations out, so that what libbpf relocates the rest
 * against may number types otherwise. @ids: the kernel's by the number in @local, @elf's own types;
 * what has 0 is left to libbpf, as something that the kernel lacks. False: @elf isn't understood,
 * and to be unpacked again.
 */
bool image_settle_ids(void *elf, const struct btf *local, const uint32_t *ids);

#endif
