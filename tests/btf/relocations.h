/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef RELOCATIONS_H
#define RELOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef void take_type(void *arg, uint32_t type);

/* Calls @take with the type that each CO-RE relocation of @object reads; false if it has none. */
bool relocations(const char *object, take_type *take, void *arg);

#endif
