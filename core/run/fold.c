// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Rows that the programs have counted, on their way to the groups of --by. */
#include "core/run/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/base/log.h"

void fold_choose(struct run *run)
{
	const struct fold *fold = &run->tool->fold;
	const uint32_t one = 1;

	if (!fold->map || !run->main->by || run->opts.kstack || run->opts.ustack ||
	    by_shows_latency(run->main->by, &run->main->by_selection,
			     run->main->sorted ? &run->main->sort : NULL))
		return;
	for (const struct column *c = run->tool->row.columns; c->name; c++)
		if (!(c->flags & COL_FOLDS) &&
		    (text_names(run->opts.where, c) || text_names(run->opts.by, c)))
			return;
	memcpy((char *)run->cfg + fold->when.off, &one, sizeof(one));
}

bool fold_chosen(const struct run *run)
{
	uint32_t chosen = 0;

	if (run->tool->fold.map)
		memcpy(&chosen, (const char *)run->cfg + run->tool->fold.when.off, sizeof(chosen));
	return chosen;
}

/* @value stands for as many rows as it begins with, all of them like @row. */
static void add_folded(struct run *run, const void *value, char *row)
{
	size_t size = run->tool->fold.row_size;
	uint64_t n;

	memcpy(&n, value, sizeof(n));
	memset(row, 0, size);
	run->tool->fold.unfold(value, row);
	if (run->main->where && !where_match(run->main->where, row, size)) {
		run->filtered += n;
		return;
	}
	output_shown(run, n);
	by_count(run->main->by, row, size, n);
}

/* Takes the entries of @epoch out of the map. The next key is asked for while there is this one. */
static void take_epoch(struct run *run, int fd, uint32_t epoch, char *keys, char *value, char *row)
{
	uint32_t key_size = run->tool->fold.key_size, of;
	char *key = keys, *next = keys + key_size, *swap;
	int err = bpf_map_get_next_key(fd, NULL, key);

	while (!err) {
		err = bpf_map_get_next_key(fd, key, next);
		memcpy(&of, key, sizeof(of));
		if (of == epoch && !bpf_map_lookup_elem(fd, key, value)) {
			add_folded(run, value, row);
			bpf_map_delete_elem(fd, key);
		}
		swap = key;
		key = next;
		next = swap;
	}
	if (err != -ENOENT)
		log_error("reading map %s failed: %s", run->tool->fold.map, strerror(-err));
}

void fold_report(struct run *run)
{
	const struct fold *fold = &run->tool->fold;
	int fd = loaded_map(run->loaded, fold->map);
	char *keys = calloc(1, 2 * (size_t)fold->key_size + fold->value_size + fold->row_size),
	     *value;
	uint32_t epoch;

	if (!keys) {
		log_error("out of memory: this report is not complete");
		return;
	}
	value = keys + 2 * (size_t)fold->key_size;
	epoch = loaded_next_epoch(run->loaded);
	memo_collect(run, epoch);
	take_epoch(run, fd, epoch, keys, value, value + fold->value_size);
	free(keys);
}
