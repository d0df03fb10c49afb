/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What an opened object is told before it is loaded. Parts of load. */
#ifndef IOSONDE_LOAD_SETUP_H
#define IOSONDE_LOAD_SETUP_H

#include "core/kernel/load.h"

/*
 * Writes the configuration into l->obj's read-only data, sizes its maps, and says which of its
 * programs are to be loaded: those that the chosen rungs name. False after a message.
 */
bool setup_object(struct loaded *l);

/*
 * Where variable @name of @section (".rodata", ".bss") lives: *@map_out and the offset in it. False
 * if the object has none.
 */
bool setup_find_var(struct bpf_object *obj, const char *section, const char *name,
		    struct bpf_map **map_out, size_t *off);

#endif
