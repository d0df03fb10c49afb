/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names that programs send once (REC_NAME) and refer to by an id afterwards: a column of unit
 * U_PATH with an integer field holds such an id. Those that weren't sent for longest are forgotten
 * beyond NAME_IDS_MAX of them; the programs send a name again before that.
 */
#ifndef IOSONDE_NAMES_IDS_H
#define IOSONDE_NAMES_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/shared.h"

#define NAME_IDS_MAX NAMES_KEPT

/* @id is called @name (@len bytes, copied) from now on. Without memory it stays what it was. */
void name_id_learn(uint64_t id, const char *name, size_t len);

/* The name of @id, in *@name and *@len until the next one is learnt; false if it has none. */
bool name_of_id(uint64_t id, const char **name, size_t *len);

#endif
