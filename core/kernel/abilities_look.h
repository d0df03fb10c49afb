/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Abilities that files, the capability sets and single system calls tell. Part of core/abilities.
 */
#ifndef IOSONDE_ABILITIES_LOOK_H
#define IOSONDE_ABILITIES_LOOK_H

#include "core/kernel/abilities.h"

#define LOOK_CAPABILITIES 6

/* Each fills the rest of @a. */
void look_btf(struct ability *a, const struct btf *btf);
void look_module_btf(struct ability *a);
void look_perf(struct ability *a);
void look_tracefs(struct ability *a);
void look_symbols(struct ability *a);
void look_lockdown(struct ability *a);
void look_unprivileged(struct ability *a);

const char *look_capability_name(size_t i); /* "cap_bpf" */
void look_capability(struct ability *a, size_t i);

#endif
