// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What programs have added up in memos, on its way into the map that it belongs to. */
#include "core/run/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/base/log.h"

/* Of a tool whose programs have a memo: bpf/core/memo.bpf.h. */
struct layout {
	int map_fd;
	const char *map;
	uint32_t key_size, value_size, sums;
};

static struct layout layout_of(const struct run *run)
{
	const struct drain *drain = &run->plan.tool->drain;
	const struct fold *fold = &run->plan.tool->fold;
	struct layout l = { -1, drain->map, drain->key_size, drain->value_size, drain->sums };

	if (fold_chosen(&run->plan))
		l = (struct layout){ -1, fold->map, fold->key_size, fold->value_size, fold->sums };
	l.map_fd = l.map ? loaded_map(run->source.loaded, l.map) : -1;
	return l;
}

/* Adds what a slot holds to its row, which is in the map. @value is room for one. */
static bool add_slot(const struct layout *l, const uint64_t *slot, uint64_t *value)
{
	const void *key = slot + l->sums;

	if (!slot[0])
		return true;
	if (bpf_map_lookup_elem(l->map_fd, key, value))
		return false;
	for (uint32_t i = 0; i < l->sums; i++)
		value[i] += slot[i];
	return !bpf_map_update_elem(l->map_fd, key, value, BPF_EXIST);
}

/* Takes what the memo of @size bytes holds, and clears it. */
static void take_memo(struct run *run, const struct layout *l, struct memo_head *head, size_t size,
		      uint64_t *value)
{
	char *slots = (char *)(head + 1);
	size_t room = size - sizeof(*head), slot_size = room / MEMO_SLOTS;

	for (size_t at = 0; at < room; at += slot_size) {
		const uint64_t *slot = (const uint64_t *)(slots + at);

		if (add_slot(l, slot, value))
			continue;
		log_error("adding to map %s failed: %s", l->map, strerror(errno));
		run->account.unread += slot[0];
	}
	memset(slots, 0, room);
}

void memo_collect(struct run *run, uint32_t epoch)
{
	const struct loaded *loaded = run->source.loaded;
	struct layout l;
	uint64_t *value;

	if (!loaded->memo.at)
		return;
	l = layout_of(run);
	value = malloc(l.value_size);
	if (!value)
		log_error("out of memory: this report is not complete");
	for (uint32_t cpu = 0; value && cpu < loaded->cpu_ids; cpu++)
		take_memo(run, &l, loaded_memo(loaded, MEMO_INDEX(cpu, epoch)), loaded->memo.size,
			  value);
	free(value);
}
