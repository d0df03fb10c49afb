/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The aggregating kinds: one epoch of a map becomes rows. */
#include "core/run_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/hist.h"
#include "core/log.h"

/* Rows under construction: records of any length, one after the other. */
struct rows {
	struct text_buf bytes;
	struct sort_row *row; /* rec is an offset into bytes until rows_finish() */
	size_t n, cap;
};

static char *rows_add(struct rows *rows, size_t len)
{
	char *at = text_room(&rows->bytes, (len + 7) & ~(size_t)7);

	if (rows->n == rows->cap) {
		size_t cap = rows->cap ? 2 * rows->cap : 256;
		struct sort_row *more = realloc(rows->row, cap * sizeof(*more));

		if (!more)
			return NULL;
		rows->row = more;
		rows->cap = cap;
	}
	if (!at)
		return NULL;
	rows->row[rows->n++] = (struct sort_row){ (const void *)rows->bytes.len, len };
	rows->bytes.len += (len + 7) & ~(size_t)7;
	return at;
}

static void rows_free(struct rows *rows)
{
	text_free(&rows->bytes);
	free(rows->row);
}

static void rows_print(struct run *run, struct rows *rows, bool sortable)
{
	size_t n = rows->n;

	for (size_t i = 0; i < n; i++)
		rows->row[i].rec = rows->bytes.data + (size_t)rows->row[i].rec;
	if (sortable && run->sorted)
		sort_rows(&run->tool->row, run->sort, rows->row, n);
	if (sortable && run->opts.top && run->opts.top < n)
		n = run->opts.top;
	sink_clear(run->sink);
	for (size_t i = 0; i < n; i++)
		sink_row(run->sink, &run->selection, rows->row[i].rec, rows->row[i].len);
}

/* Sums one key's value over the CPUs, if the map is kept per CPU. */
static void merge_cpus(const struct run *run, uint64_t *value, size_t n_words, int n_cpus)
{
	const struct column *cols = run->tool->row.columns;

	for (size_t w = 0; w < n_words; w++) {
		bool largest = false;

		for (const struct column *c = cols; c->name; c++)
			largest |= (c->flags & COL_MAX) &&
				   c->field.off == run->tool->drain.key_size + w * 8;
		for (int cpu = 1; cpu < n_cpus; cpu++) {
			uint64_t v = value[(size_t)cpu * n_words + w];

			if (!largest)
				value[w] += v;
			else if (v > value[w])
				value[w] = v;
		}
	}
}

static void add_table_row(struct run *run, struct rows *rows, const char *key,
			  const uint64_t *value)
{
	const struct drain *d = &run->tool->drain;
	char *row = rows_add(rows, d->key_size + d->value_size);

	if (!row)
		return;
	memcpy(row, key, d->key_size);
	memcpy(row + d->key_size, value, d->value_size);
	if (run->where && !where_match(run->where, row, d->key_size + d->value_size)) {
		rows->n--;
		rows->bytes.len -= (d->key_size + d->value_size + 7) & ~7U;
	}
}

static void add_hist_rows(struct run *run, struct rows *rows, const char *key,
			  const uint64_t *slots)
{
	const struct drain *d = &run->tool->drain;
	size_t n = d->value_size / 8;
	uint64_t largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = slots[i] > largest ? slots[i] : largest;
	for (size_t i = 0; i < n; i++) {
		struct hist_row h = { .count = slots[i] };
		char *row;

		if (!slots[i])
			continue;
		h.low = n == LOG2_SLOTS ? log2_slot_low((uint32_t)i) : slot_low((uint32_t)i);
		h.high = n == LOG2_SLOTS ? log2_slot_high((uint32_t)i) : slot_high((uint32_t)i);
		h.share = (uint32_t)((double)slots[i] * 10000.0 / (double)largest);
		row = rows_add(rows, d->key_size + sizeof(h));
		if (!row)
			return;
		memcpy(row, key, d->key_size);
		memcpy(row + d->key_size, &h, sizeof(h));
	}
}

/* Appends the frames of stack @id_field to @row at @pos; returns the bytes they take. */
static uint32_t take_frames(struct run *run, const char *key, const struct field *id_field,
			    char *row, uint32_t pos, struct vstack *s)
{
	int fd = loaded_map(run->loaded, run->tool->drain.stack_map);
	uint64_t frames[STACK_FRAMES] = { 0 };
	int32_t id;
	uint32_t n = 0;

	if (id_field->kind == F_NONE)
		return 0;
	memcpy(&id, key + id_field->off, sizeof(id));
	if (id < 0 || bpf_map_lookup_elem(fd, &id, frames))
		return 0;
	while (n < STACK_FRAMES && frames[n])
		n++;
	memcpy(row + pos, frames, n * 8);
	s->off = pos;
	s->len = n * 8;
	return n * 8;
}

static void add_stack_row(struct run *run, struct rows *rows, const char *key,
			  const uint64_t *value)
{
	const struct drain *d = &run->tool->drain;
	struct stack_row s = { .count = *value };
	uint32_t head = d->key_size + sizeof(s), pos = head;
	char *row = rows_add(rows, head + 2 * STACK_FRAMES * 8);

	if (!row)
		return;
	memcpy(row, key, d->key_size);
	pos += take_frames(run, key, &d->kstack_id, row, pos, &s.kstack);
	pos += take_frames(run, key, &d->ustack_id, row, pos, &s.ustack);
	memcpy(row + d->key_size, &s, sizeof(s));
	rows->row[rows->n - 1].len = pos;
}

/* All keys of @epoch, gathered first: removing while walking would restart the walk. */
static size_t gather_keys(int fd, const struct drain *d, uint32_t epoch, struct text_buf *keys)
{
	char key[256], *prev = NULL;

	while (!bpf_map_get_next_key(fd, prev, key)) {
		uint32_t key_epoch;

		prev = key;
		memcpy(&key_epoch, key, sizeof(key_epoch));
		if (key_epoch == epoch)
			text_add(keys, key, d->key_size);
	}
	return keys->failed ? 0 : keys->len / d->key_size;
}

static void add_rows(struct run *run, struct rows *rows, const char *key, uint64_t *value)
{
	switch (run->tool->kind) {
	case TOOL_HISTOGRAM:
		add_hist_rows(run, rows, key, value);
		break;
	case TOOL_STACKS:
		add_stack_row(run, rows, key, value);
		break;
	default:
		add_table_row(run, rows, key, value);
	}
}

void drain_report(struct run *run, bool last)
{
	const struct drain *d = &run->tool->drain;
	int fd = loaded_map(run->loaded, d->map);
	struct bpf_map *map = bpf_object__find_map_by_name(run->loaded->obj, d->map);
	bool per_cpu = bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH;
	int n_cpus = per_cpu ? run->loaded->n_cpus : 1;
	uint64_t *value = calloc((size_t)n_cpus, d->value_size);
	struct text_buf keys = { 0 };
	struct rows rows = { 0 };
	size_t n;

	(void)last;
	n = value ? gather_keys(fd, d, loaded_next_epoch(run->loaded), &keys) : 0;
	for (size_t i = 0; i < n; i++) {
		const char *key = keys.data + i * d->key_size;

		if (bpf_map_lookup_elem(fd, key, value))
			continue;
		merge_cpus(run, value, d->value_size / 8, n_cpus);
		add_rows(run, &rows, key, value);
		bpf_map_delete_elem(fd, key);
	}
	if (!value || keys.failed || rows.bytes.failed)
		log_error("out of memory: this report is not complete");
	run->shown += rows.n;
	rows_print(run, &rows, run->tool->kind != TOOL_HISTOGRAM);
	rows_free(&rows);
	text_free(&keys);
	free(value);
}
