/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The targets of core/kernel/many on their way into the kernel. Parts of load. */
#ifndef IOSONDE_LOAD_MANY_H
#define IOSONDE_LOAD_MANY_H

#include "core/kernel/load.h"

/* How many places per half the array of the targets has: 1 where there are none yet. */
uint32_t loaded_targets(const struct loaded *l);

/* Decides how functions are hooked, if any are to be. False after a message if nothing works. */
bool loaded_choose_many(struct loaded *l, const struct btf *btf);

#endif
