/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The aggregating kinds: one epoch of a map becomes rows. */
#include "core/run_drain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/hist.h"
#include "core/log.h"
#include "core/unit_format.h"

/* Entries of a map are fetched this many bytes of values at a time, at least this many entries. */
#define BATCH_BYTES (1U << 16)
#define BATCH_LEAST 16

/* A report under construction: records of any length, one after the other. */
struct report {
	struct run *run;
	const struct drain *d;
	int map_fd, n_cpus;
	uint32_t epoch;
	uint64_t ts_ns;	  /* ends every row: when the epoch was closed */
	uint64_t span_ns; /* and, after it, a table's: how long the epoch was */
	struct text_buf bytes;
	struct sort_row *row; /* rec is an offset into bytes until report_print() */
	size_t n, cap;
	uint64_t entries; /* of the map, before --where */
	bool failed;	  /* out of memory */
};

static bool grow(struct report *r)
{
	size_t cap = r->cap ? 2 * r->cap : 256;
	struct sort_row *more = realloc(r->row, cap * sizeof(*more));

	if (!more)
		return false;
	r->row = more;
	r->cap = cap;
	return true;
}

static char *add_row(struct report *r, size_t len)
{
	size_t room = (len + 7) & ~(size_t)7;
	char *at = text_room(&r->bytes, room);

	if (!at || (r->n == r->cap && !grow(r))) {
		r->failed = true;
		return NULL;
	}
	r->row[r->n++] = (struct sort_row){ (const void *)r->bytes.len, len };
	r->bytes.len += room;
	return at;
}

/* Keeps or drops the newest row, which stands for @events events. */
static void filter_row(struct report *r, const char *row, uint64_t events)
{
	struct sort_row *newest = &r->row[r->n - 1];

	if (!r->run->where || where_match(r->run->where, row, newest->len)) {
		r->run->shown += events;
		return;
	}
	r->run->filtered += events;
	r->bytes.len = (size_t)newest->rec;
	r->n--;
}

/* Sums one key's value over the CPUs, if the map is kept per CPU. */
static void merge_cpus(const struct report *r, uint64_t *value)
{
	const struct tool *tool = r->run->tool;
	size_t n_words = r->d->value_size / 8;

	for (size_t w = 0; r->n_cpus > 1 && w < n_words; w++) {
		bool largest = false;

		for (const struct column *c = tool->row.columns; c->name; c++)
			largest |= tool->kind == TOOL_TABLE && (c->flags & COL_MAX) &&
				   c->field.off == r->d->key_size + w * 8;
		for (int cpu = 1; cpu < r->n_cpus; cpu++) {
			uint64_t v = value[(size_t)cpu * n_words + w];

			if (!largest)
				value[w] += v;
			else if (v > value[w])
				value[w] = v;
		}
	}
}

/* Key, value, time: in that order in every row. Returns where the time goes. */
static char *put_row(char *row, const struct drain *d, const char *key, const void *value,
		     size_t size)
{
	memcpy(row, key, d->key_size);
	memcpy(row + d->key_size, value, size);
	return row + d->key_size + size;
}

static void add_table_row(struct report *r, const char *key, const uint64_t *value)
{
	const struct drain *d = r->d;
	char *row = add_row(r, d->key_size + d->value_size + sizeof(r->ts_ns) + sizeof(r->span_ns));
	char *end;

	if (!row)
		return;
	end = put_row(row, d, key, value, d->value_size);
	memcpy(end, &r->ts_ns, sizeof(r->ts_ns));
	memcpy(end + sizeof(r->ts_ns), &r->span_ns, sizeof(r->span_ns));
	filter_row(r, row, value[0]);
}

static void add_hist_rows(struct report *r, const char *key, const uint64_t *slots)
{
	const struct drain *d = r->d;
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
		row = add_row(r, d->key_size + sizeof(h) + sizeof(r->ts_ns));
		if (!row)
			return;
		memcpy(put_row(row, d, key, &h, sizeof(h)), &r->ts_ns, sizeof(r->ts_ns));
		filter_row(r, row, h.count);
	}
}

/* Appends the frames of stack @id_field to @row at @pos; returns the bytes they take. */
static uint32_t take_frames(const struct report *r, const char *key, const struct field *id_field,
			    char *row, uint32_t pos, struct vstack *s)
{
	int fd = loaded_map(r->run->loaded, r->d->stack_map);
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

static void add_stack_row(struct report *r, const char *key, const uint64_t *value)
{
	const struct drain *d = r->d;
	struct stack_row s = { .count = *value };
	uint32_t pos = d->key_size + sizeof(s) + sizeof(r->ts_ns);
	char *row = add_row(r, pos + 2 * STACK_FRAMES * 8);

	if (!row)
		return;
	pos += take_frames(r, key, &d->kstack_id, row, pos, &s.kstack);
	pos += take_frames(r, key, &d->ustack_id, row, pos, &s.ustack);
	memcpy(put_row(row, d, key, &s, sizeof(s)), &r->ts_ns, sizeof(r->ts_ns));
	r->row[r->n - 1].len = pos;
	filter_row(r, row, s.count);
}

/* Adds the entries of our epoch to the report; moves their keys to the start of @keys. */
static uint32_t add_entries(struct report *r, char *keys, uint64_t *values, uint32_t n)
{
	const struct drain *d = r->d;
	size_t words = d->value_size / 8 * (size_t)r->n_cpus;
	uint32_t ours = 0;

	for (uint32_t i = 0; i < n; i++) {
		char *key = keys + (size_t)i * d->key_size;
		uint64_t *value = values + i * words;
		uint32_t epoch;

		memcpy(&epoch, key, sizeof(epoch));
		if (epoch != r->epoch)
			continue;
		r->entries++;
		merge_cpus(r, value);
		if (r->run->tool->kind == TOOL_HISTOGRAM)
			add_hist_rows(r, key, value);
		else if (r->run->tool->kind == TOOL_STACKS)
			add_stack_row(r, key, value);
		else
			add_table_row(r, key, value);
		memmove(keys + (size_t)ours++ * d->key_size, key, d->key_size);
	}
	return ours;
}

/*
 * Fetches and removes the entries of the epoch. A walk by key would begin anew whenever its key is
 * gone; one by batch goes from bucket to bucket, and every kernel since 5.6 has it. Returns 0,
 * -ENOSPC if a bucket holds more than @cap entries, or another negative error.
 */
static int drain_entries(struct report *r, uint32_t cap, uint32_t *at, bool *begun)
{
	size_t value_size = (size_t)r->d->value_size * (size_t)r->n_cpus;
	uint64_t *values = malloc(cap * value_size);
	char *keys = malloc((size_t)cap * r->d->key_size);
	int err = keys && values ? 0 : -ENOMEM;

	while (!err) {
		uint32_t n = cap, ours;

		err = bpf_map_lookup_batch(r->map_fd, *begun ? at : NULL, at, keys, values, &n,
					   NULL);
		if (err && err != -ENOENT)
			break;
		*begun = true;
		ours = add_entries(r, keys, values, n);
		if (ours)
			bpf_map_delete_batch(r->map_fd, keys, &ours, NULL);
	}
	free(keys);
	free(values);
	return err == -ENOENT ? 0 : err; /* ENOENT: that was the last bucket */
}

static void drain_epoch(struct report *r)
{
	uint32_t cap = BATCH_BYTES / (r->d->value_size * (uint32_t)r->n_cpus), at = 0;
	bool begun = false;
	int err;

	r->ts_ns = now_ns();
	r->span_ns = r->ts_ns - r->run->epoch_began_ns;
	r->run->epoch_began_ns = r->ts_ns;
	r->epoch = loaded_next_epoch(r->run->loaded);
	cap = cap < BATCH_LEAST ? BATCH_LEAST : cap;
	do {
		err = drain_entries(r, cap, &at, &begun);
		cap *= 2;
	} while (err == -ENOSPC);
	if (err && err != -ENOMEM)
		log_error("reading map %s failed: %s", r->d->map, strerror(-err));
	r->failed |= err == -ENOMEM;
}

bool drain_is_key(const struct tool *tool, const struct column *col)
{
	return col->field.kind != F_NONE && col->field.off >= sizeof(uint32_t) &&
	       col->field.off < tool->drain.key_size;
}

size_t drain_terminal(const struct run *run)
{
	struct winsize size;

	if (run->opts.format != FORMAT_TEXT || !isatty(run->out_fd))
		return 0;
	return ioctl(run->out_fd, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

static bool has_key_columns(const struct tool *tool)
{
	for (const struct column *c = tool->row.columns; c->name; c++)
		if (drain_is_key(tool, c))
			return true;
	return false;
}

/* A table without a key has one row per interval: zeros where nothing happened. */
static void add_idle_row(struct report *r)
{
	const struct tool *tool = r->run->tool;
	char *key = calloc(1, r->d->key_size);
	uint64_t *value = calloc(1, r->d->value_size);

	if (!key || !value)
		r->failed = true;
	else if (tool->kind == TOOL_TABLE && !r->entries && !has_key_columns(tool))
		add_table_row(r, key, value);
	free(key);
	free(value);
}

/*
 * A map has no order of its own. Equal rows stay as they were, so: by the last column of the key
 * first, by the first one next, and by what was asked for, or the first number, at the end.
 */
static void report_sort(struct report *r)
{
	const struct tool *tool = r->run->tool;
	const struct column *cols = tool->row.columns;
	int n_cols = 0, first = -1;

	while (cols[n_cols].name)
		n_cols++;
	for (int i = n_cols - 1; i >= 0; i--) {
		if (drain_is_key(tool, &cols[i]))
			sort_rows(&tool->row, (struct sort){ .col = i }, r->row, r->n);
		else if (cols[i].field.off >= tool->drain.key_size && cols[i].unit != U_CLOCK &&
			 cols[i].unit != U_STACK)
			first = i;
	}
	if (r->run->sorted)
		sort_rows(&tool->row, r->run->sort, r->row, r->n);
	else if (tool->kind != TOOL_HISTOGRAM && first >= 0)
		sort_rows(&tool->row, (struct sort){ first, true }, r->row, r->n);
}

/*
 * A table of several rows is refreshed in place on a terminal, as top does it; a single row per
 * interval is a log, and so is everything in a pipe. The last report stays below the one before.
 */
static void refresh(const struct report *r, bool last)
{
	static const struct column time = { "time", { 0, 8, F_U64 }, U_CLOCK };
	const struct value ts = { V_UINT, .u = r->ts_ns };
	char title[96];
	double load[3];
	size_t n;

	if (!has_key_columns(r->run->tool) || r->run->tool->kind != TOOL_TABLE ||
	    !r->run->opts.interval_ns || !drain_terminal(r->run))
		return;
	if (!last)
		sink_clear(r->run->sink);
	n = unit_format(&time, &ts, &r->run->clock, title, sizeof(title));
	if (getloadavg(load, 3) == 3)
		snprintf(title + n, sizeof(title) - n, "  load average %.2f %.2f %.2f", load[0],
			 load[1], load[2]);
	sink_title(r->run->sink, title);
}

static void report_print(struct report *r, bool last)
{
	const struct common_opts *opts = &r->run->opts;
	size_t n = r->n;

	for (size_t i = 0; i < n; i++)
		r->row[i].rec = r->bytes.data + (size_t)r->row[i].rec;
	report_sort(r);
	if (opts->top && opts->top < n)
		n = opts->top;
	/* who asks for columns, an order or a number of rows wants a table */
	if (r->run->tool->kind == TOOL_HISTOGRAM && opts->format == FORMAT_TEXT && !opts->columns &&
	    !opts->sort && !opts->top) {
		drain_draw_histograms(r->run, r->row, n);
		return;
	}
	refresh(r, last);
	for (size_t i = 0; i < n; i++)
		sink_row(r->run->sink, &r->run->selection, r->row[i].rec, r->row[i].len);
}

/* Does the map look like what the descriptor says? */
static bool layout_fits(const struct run *run, const struct bpf_map *map)
{
	const struct drain *d = &run->tool->drain;
	const struct bpf_map *stacks =
		d->stack_map ? bpf_object__find_map_by_name(run->loaded->obj, d->stack_map) : NULL;

	if (map && run->loaded->epoch && bpf_map__key_size(map) == d->key_size &&
	    bpf_map__value_size(map) == d->value_size && !(d->key_size % 8) &&
	    !(d->value_size % 8) && !d->stack_map == !stacks &&
	    (!stacks || bpf_map__value_size(stacks) <= STACK_FRAMES * 8))
		return true;
	log_error("internal error: map %s of the programs and of the descriptor differ", d->map);
	return false;
}

void drain_report(struct run *run, bool last)
{
	struct report r = { .run = run, .d = &run->tool->drain, .n_cpus = 1 };
	const struct bpf_map *map = bpf_object__find_map_by_name(run->loaded->obj, r.d->map);

	if (!layout_fits(run, map)) {
		run->stop = true;
		return;
	}
	r.map_fd = bpf_map__fd(map);
	if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH ||
	    bpf_map__type(map) == BPF_MAP_TYPE_LRU_PERCPU_HASH)
		r.n_cpus = run->loaded->n_cpus;
	drain_epoch(&r);
	if (!r.failed)
		add_idle_row(&r);
	if (r.failed)
		log_error("out of memory: this report is not complete");
	report_print(&r, last);
	text_free(&r.bytes);
	free(r.row);
}
