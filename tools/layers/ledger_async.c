/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger's tables of asynchronous operations: by what they did, and by file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "tools/layers/ledger.h"

const char *const ledger_async_kinds[] = { "libaio", "io_uring", NULL };
const char *const ledger_async_ops[] = { "",	  "read", "write", "fsync", "open",
					 "close", "stat", "other", NULL };

static void add(struct async_row *row, const struct layers_async_sums *s)
{
	row->count += s->count;
	row->errors += s->errors;
	row->bytes += s->bytes;
	row->cells.lat_ns += s->lat_ns;
	for (int i = 0; i < N_CELLS; i++)
		row->cells.ns[i] += s->cells[i];
	if (s->max_ns > row->max_ns)
		row->max_ns = s->max_ns;
	if (s->count && (!row->first_ns || s->first_ns < row->first_ns))
		row->first_ns = s->first_ns;
	if (s->last_ns > row->last_ns)
		row->last_ns = s->last_ns;
	row->workers += s->workers;
	row->by_request += s->by_request;
	row->by_collect += s->by_collect;
	row->collected += s->collected;
	row->collect_ns += s->collect_ns;
}

/* How the end of its operations is known: the worst that there is. */
static const char *ends_of(const struct async_row *row)
{
	if (row->by_collect)
		return "collected";
	return row->by_request ? "request" : "told";
}

static void finish(struct async_row *row)
{
	row->span_ns = row->last_ns - row->first_ns;
	row->depth = row->span_ns
			     ? (uint64_t)((double)row->cells.lat_ns * 1000 / (double)row->span_ns)
			     : 0;
	row->ends = ends_of(row);
}

static void add_key(struct ledger *l, struct async *a, const struct layers_async_key *key,
		    const struct layers_async_sums *s)
{
	struct async_row *row;

	if (!s->count)
		return;
	row = keymap_get(&a->ops, &key->what, true);
	if (row) {
		row->kind = key->what / N_ASYNC_OPS;
		row->op = key->what % N_ASYNC_OPS;
		add(row, s);
	}
	row = keymap_get(&a->files, &key->file, true);
	if (row) {
		row->path = ledger_path(l, &key->file);
		add(row, s);
	}
	add(&a->all, s);
}

/* What found no room in the table, by what it was. */
static void add_rest(struct run *run, struct ledger *l, struct async *a)
{
	int fd = loaded_map(run_loaded(run), "async_rest");
	struct layers_async_sums sums;

	for (uint32_t what = 0; what < N_ASYNC_WHATS; what++) {
		const struct layers_async_key key = { .file = LAYERS_OTHER_FILE, .what = what };

		if (!bpf_map_lookup_elem(fd, &what, &sums))
			add_key(l, a, &key, &sums);
	}
}

void ledger_async_read(struct run *run, struct ledger *l, struct async *a)
{
	int fd = loaded_map(run_loaded(run), "async_table");
	struct layers_async_key key, *prev = NULL;
	struct layers_async_sums sums;

	a->ops = (struct keymap)KEYMAP(uint32_t, struct async_row);
	a->files = (struct keymap)KEYMAP(struct layers_file, struct async_row);
	while (!bpf_map_get_next_key(fd, prev, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &sums))
			add_key(l, a, &key, &sums);
		prev = &key;
	}
	add_rest(run, l, a);
	finish(&a->all);
	if (a->all.count)
		((struct layers_cfg *)run_cfg(run))->async_rows = 1;
}

static void give(struct run *run, const char *table, struct keymap *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct async_row *row = keymap_value(rows, i);

		finish(row);
		run_give(run, table, row, sizeof(*row), 0);
	}
}

void ledger_async_give(struct run *run, struct async *a)
{
	give(run, "async", &a->ops);
	give(run, "async_files", &a->files);
}

void ledger_async_add(struct run *run, const struct async *a)
{
	run_summary_add(run, "async_operations", a->all.count, false);
}

const char *ledger_async_path(struct async *a)
{
	for (size_t i = 0; i < a->files.n; i++) {
		const struct async_row *row = keymap_value(&a->files, i);

		if (row->cells.lat_ns * 2 > a->all.cells.lat_ns)
			return row->path;
	}
	return NULL;
}

void ledger_async_done(struct async *a)
{
	keymap_free(&a->ops);
	keymap_free(&a->files);
}
