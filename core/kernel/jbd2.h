/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where jbd2 keeps what programs read of it. */
#ifndef IOSONDE_JBD2_H
#define IOSONDE_JBD2_H

#include "bpf/kernel/jbd2.h"

struct btf;

/*
 * Fills @places from the types of module jbd2, or of the kernel where it is built in. @kernel: its
 * types, which stay the caller's. Where they aren't told, .known stays 0.
 */
void jbd2_find(struct jbd2_places *places, const struct btf *kernel);

#endif
