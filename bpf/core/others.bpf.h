/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What finds no room in an aggregating map is counted all the same, in one value per CPU and half
 * of the epochs. That is there from the start, so counting into it can't fail. The engine makes one
 * row "(others)" of it. A program file declares it once, with the type of the map's values:
 *
 *	OTHERS_MAP(struct ..._value);
 *	others_of(epoch)	where this CPU counts; NULL only in the eyes of the verifier
 *
 * Each further table of a command (struct tool_table) has one of its own:
 *
 *	OTHERS_MAP_OF(others_files, struct ..._value);	others_in(&others_files, epoch)
 */
#ifndef IOSONDE_OTHERS_BPF_H
#define IOSONDE_OTHERS_BPF_H

#include "bpf/core/core.bpf.h"
#include "bpf/core/memo.h"

/* Sized by the engine, as the memo. */
#define OTHERS_MAP_OF(name_, value_)                                                               \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 2);                                                            \
		__type(key, u32);                                                                  \
		__type(value, value_);                                                             \
	} name_ SEC(".maps")
#define OTHERS_MAP(value_) OTHERS_MAP_OF(others, value_)

static __always_inline void *others_in(void *map, u32 epoch)
{
	u32 at = MEMO_INDEX(bpf_get_smp_processor_id(), epoch);

	return bpf_map_lookup_elem(map, &at);
}

#define others_of(epoch) others_in(&others, epoch)

#endif
