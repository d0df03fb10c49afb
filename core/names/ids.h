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

struct id_name;

/* Places are 1 + an index; 0: none. */
struct id_names {
	struct id_name *entries;
	uint32_t *buckets; /* NULL until first used */
	uint32_t used, room, free;
	uint32_t oldest, newest; /* by when they were last learnt */
};

/* @id is called @name (@len bytes, copied) from now on. Without memory it stays what it was. */
void name_id_learn(struct id_names *ids, uint64_t id, const char *name, size_t len);

/* The name of @id, in *@name and *@len until the next one is learnt; false if it has none. */
bool name_of_id(const struct id_names *ids, uint64_t id, const char **name, size_t *len);
void id_names_free(struct id_names *ids);

#endif
