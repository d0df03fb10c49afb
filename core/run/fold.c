// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Rows that the programs have counted, on their way to the groups of --by. */
#include "core/run/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/base/log.h"

void fold_choose(struct plan *plan)
{
	const struct fold *fold = &plan->tool->fold;
	const uint32_t one = 1;

	if (!fold->map || !plan->main->by || plan->opts.kstack || plan->opts.ustack ||
	    by_shows_latency(plan->main->by, &plan->main->by_selection,
			     plan->main->sorted ? &plan->main->sort : NULL))
		return;
	for (const struct column *c = plan->tool->row.columns; c->name; c++)
		if (!(c->flags & COL_FOLDS) &&
		    (text_names(plan->opts.where, c) || text_names(plan->opts.by, c)))
			return;
	memcpy((char *)plan->cfg + fold->when.off, &one, sizeof(one));
}

bool fold_chosen(const struct plan *plan)
{
	uint32_t chosen = 0;

	if (plan->tool->fold.map)
		memcpy(&chosen, (const char *)plan->cfg + plan->tool->fold.when.off,
		       sizeof(chosen));
	return chosen;
}

/* @value stands for as many rows as it begins with, all of them like @row. */
static void add_folded(struct run *run, const void *value, char *row)
{
	size_t size = run->plan.tool->fold.row_size;
	uint64_t n;

	memcpy(&n, value, sizeof(n));
	memset(row, 0, size);
	run->plan.tool->fold.unfold(value, row);
	if (run->plan.main->where && !where_match(run->plan.main->where, row, size)) {
		run->account.filtered += n;
		return;
	}
	output_shown(run, n);
	by_count(run->plan.main->by, row, size, n);
}

/* Takes the entries of @epoch out of the map. The next key is asked for while there is this one. */
static void take_epoch(struct run *run, int fd, uint32_t epoch, char *keys, char *value, char *row)
{
	uint32_t key_size = run->plan.tool->fold.key_size, of;
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
		log_error("reading map %s failed: %s", run->plan.tool->fold.map, strerror(-err));
}

void fold_report(struct run *run)
{
	const struct fold *fold = &run->plan.tool->fold;
	int fd = loaded_map(run->source.loaded, fold->map);
	char *keys = calloc(1, 2 * (size_t)fold->key_size + fold->value_size + fold->row_size),
	     *value;
	uint32_t epoch;

	if (!keys) {
		log_error("out of memory: this report is not complete");
		return;
	}
	value = keys + 2 * (size_t)fold->key_size;
	epoch = loaded_next_epoch(run->source.loaded);
	memo_collect(run, epoch);
	take_epoch(run, fd, epoch, keys, value, value + fold->value_size);
	free(keys);
}
