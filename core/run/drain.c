/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The aggregating kinds: one epoch of a map becomes rows. */
#include "core/run/drain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/base/log.h"
#include "core/rows/hist.h"
#include "core/rows/unit_format.h"

/* Entries of a map are fetched this many bytes of values at a time, at least this many entries. */
#define BATCH_BYTES (1U << 16)
#define BATCH_LEAST 16

/* The member @f of the tool's options; 0 if there is none. */
static uint64_t drain_cfg(const struct report *r, const struct field *f)
{
	uint64_t value = 0;

	if (f->kind != F_NONE)
		memcpy(&value, (const char *)r->run->plan.cfg + f->off, f->size);
	return value;
}

/* Which words of a value are merged by taking the larger one. */
static bool find_maxima(struct report *r)
{
	const struct tool_table *t = &r->t->spec;
	size_t n_words = r->d->value_size / 8, hist = r->d->hist_off / 8;

	r->is_max = calloc(n_words, sizeof(*r->is_max));
	if (!r->is_max)
		return false;
	for (const struct column *c = t->row.columns; c->name; c++)
		if (t->kind == TOOL_TABLE && (c->flags & COL_MAX) &&
		    c->field.off >= r->d->key_size &&
		    c->field.off < r->d->key_size + r->d->value_size)
			r->is_max[(c->field.off - r->d->key_size) / 8] = true;
	if (r->d->hist) {
		r->is_max[hist + offsetof(struct hist_value, inv_min) / 8] = true;
		r->is_max[hist + offsetof(struct hist_value, max) / 8] = true;
	}
	return true;
}

void report_merge(const struct report *r, uint64_t *to, const uint64_t *from)
{
	for (size_t w = 0; w < r->d->value_size / 8; w++) {
		if (!r->is_max[w])
			to[w] += from[w];
		else if (from[w] > to[w])
			to[w] = from[w];
	}
}

void report_merge_cpus(const struct report *r, uint64_t *value)
{
	for (int cpu = 1; cpu < r->n_cpus; cpu++)
		report_merge(r, value, value + (size_t)cpu * (r->d->value_size / 8));
}

/* An entry is a row's share of one CPU: keeps it until all of them are there. */
static void keep_entry(struct report *r, const char *key, const uint64_t *value)
{
	const struct field *cpu = &r->d->cpu;
	char whole[DRAIN_KEY_MAX];
	uint64_t *sum;

	memcpy(whole, key, r->d->key_size);
	memset(whole + cpu->off, 0, cpu->size);
	report_fold_target(r, whole);
	sum = keymap_get(&r->merged, whole, true);
	if (sum)
		report_merge(r, sum, value);
	else
		r->failed = true;
}

void report_keep(struct report *r, const char *key, const uint64_t *value)
{
	if (r->d->cpu.kind != F_NONE || r->t->by || r->d->by_function)
		keep_entry(r, key, value);
	else
		report_add_entry(r, key, value);
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
		report_merge_cpus(r, value);
		report_keep(r, key, value);
		memmove(keys + (size_t)ours++ * d->key_size, key, d->key_size);
	}
	return ours;
}

/*
 * Fetches and removes the entries of the epoch. A walk by key would begin anew whenever its key is
 * gone; one by batch goes from bucket to bucket, and every kernel since 5.6 has it. Returns 0,
 * -ENOSPC if a bucket holds more than @cap entries, or another negative error.
 */
static int drain_entries(struct report *r, int fd, uint32_t cap, uint32_t *at, bool *begun)
{
	size_t value_size = (size_t)r->d->value_size * (size_t)r->n_cpus;
	uint64_t *values = malloc(cap * value_size);
	char *keys = malloc((size_t)cap * r->d->key_size);
	int err = keys && values ? 0 : -ENOMEM;

	while (!err) {
		uint32_t n = cap, ours;

		err = bpf_map_lookup_batch(fd, *begun ? at : NULL, at, keys, values, &n, NULL);
		if (err && err != -ENOENT)
			break;
		*begun = true;
		ours = add_entries(r, keys, values, n);
		if (ours)
			bpf_map_delete_batch(fd, keys, &ours, NULL);
	}
	free(keys);
	free(values);
	return err == -ENOENT ? 0 : err; /* ENOENT: that was the last bucket */
}

/* The same, with as much room as it takes. */
static int drain_map(struct report *r, int fd)
{
	uint32_t cap = BATCH_BYTES / (r->d->value_size * (uint32_t)r->n_cpus), at = 0;
	bool begun = false;
	int err;

	cap = cap < BATCH_LEAST ? BATCH_LEAST : cap;
	do {
		err = drain_entries(r, fd, cap, &at, &begun);
		cap *= 2;
	} while (err == -ENOSPC);
	return err;
}

/* The epoch ends for all tables at once. */
static void close_epoch(struct run *run, struct report *r, size_t n)
{
	uint64_t now = now_ns(), span = now - run->source.epoch_began_ns;
	uint32_t epoch;

	run->source.epoch_began_ns = now;
	epoch = loaded_next_epoch(run->source.loaded);
	for (size_t i = 0; i < n; i++) {
		r[i].ts_ns = now;
		r[i].span_ns = span;
		r[i].epoch = epoch;
	}
	memo_collect(run, epoch);
	loop_consume(run); /* what the rows' ids stand for, before anything asks */
}

static void drain_epoch(struct report *r)
{
	int err;

	err = drain_per_target(r->run->plan.tool) ? drain_targets(r) : drain_map(r, r->map_fd);
	if (!err && r->reserve_fd >= 0)
		err = drain_map(r, r->reserve_fd);
	if (err && err != -ENOMEM)
		log_error("reading map %s failed: %s", r->d->map, strerror(-err));
	r->failed |= err == -ENOMEM;
	drain_unwound(r);
	drain_others(r);
	r->whole = report_whole(r);
	if (r->t->by)
		drain_by(r);
	else if (r->d->by_function)
		drain_functions(r);
	else
		report_add_merged(r);
}

size_t drain_terminal(const struct run *run)
{
	struct winsize size;

	if (run->plan.opts.format != FORMAT_TEXT || !isatty(run->output.fd))
		return 0;
	return ioctl(run->output.fd, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

static bool has_key_columns(const struct tool_table *t)
{
	for (const struct column *c = t->row.columns; c->name; c++)
		if (drain_is_key(t, c))
			return true;
	return false;
}

/* A table without a key has one row per interval: zeros where nothing happened. */
static void add_idle_row(struct report *r)
{
	const struct tool_table *t = &r->t->spec;
	char *key = calloc(1, r->d->key_size);
	uint64_t *value = calloc(1, r->d->value_size);

	if (!key || !value)
		r->failed = true;
	else if (t->kind == TOOL_TABLE && !r->entries && !has_key_columns(t))
		report_add_entry(r, key, value);
	free(key);
	free(value);
}

/* struct many_row follows what was counted. */
static bool is_about_target(const struct report *r, const struct column *col)
{
	size_t counted = r->d->value_size;

	if (r->t->spec.kind == TOOL_HISTOGRAM)
		counted = sizeof(struct hist_row);
	else if (r->t->spec.kind == TOOL_STACKS)
		counted = sizeof(struct stack_row);
	return r->run->plan.tool->many.prog && col->field.off >= r->d->key_size + counted;
}

/*
 * A map has no order of its own. Equal rows stay as they were, so: by the last column of the key
 * first, by the first one next, and by what was asked for, or the first number, at the end.
 */
static void report_sort(struct report *r)
{
	const struct tool_table *t = &r->t->spec;
	const struct column *cols = t->row.columns;
	int n_cols = 0, first = -1;

	while (cols[n_cols].name)
		n_cols++;
	for (int i = n_cols - 1; i >= 0; i--) {
		if (is_about_target(r, &cols[i]))
			continue;
		if (drain_identifies(t, &cols[i]))
			sort_rows(&r->run->view.names, &t->row, (struct sort){ .col = i }, r->row,
				  r->n);
		else if (cols[i].field.off >= r->d->key_size && cols[i].unit != U_CLOCK &&
			 cols[i].unit != U_STACK)
			first = i;
	}
	if (r->t->sorted)
		sort_rows(&r->run->view.names, &t->row, r->t->sort, r->row, r->n);
	else if (t->kind != TOOL_HISTOGRAM && first >= 0 && r->d->order != DRAIN_KEYS)
		sort_rows(&r->run->view.names, &t->row, (struct sort){ first, true }, r->row, r->n);
}

/* Smallest first, and with -r still the largest ones. */
static void reverse(struct sort_row *row, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct sort_row swap = row[i];

		row[i] = row[n - 1 - i];
		row[n - 1 - i] = swap;
	}
}

/*
 * A table of several rows is refreshed in place on a terminal, as top does it; a single row per
 * interval is a log, and so is everything in a pipe. The last report stays below the one before.
 */
static bool is_live(const struct report *r)
{
	return has_key_columns(&r->t->spec) && r->t->spec.kind == TOOL_TABLE &&
	       r->run->plan.opts.interval_ns && drain_terminal(r->run);
}

static void print_time(const struct report *r)
{
	static const struct column time = { "time", { 0, 8, F_U64 }, U_CLOCK };
	const struct value ts = { V_UINT, .u = r->ts_ns };
	char title[96];
	double load[3];
	size_t n;

	n = unit_format(&time, &ts, &r->run->view.clock, title, sizeof(title));
	if (getloadavg(load, 3) == 3)
		snprintf(title + n, sizeof(title) - n, "  load average %.2f %.2f %.2f", load[0],
			 load[1], load[2]);
	sink_title(r->run->view.sink, title);
}

/* A line per report is a log: what its columns are stays as it is from the first one on. */
static void print_log(struct report *r, size_t n)
{
	loss_notice(r->run, 0);
	for (size_t i = 0; i < n; i++)
		sink_row(r->run->view.sink, &r->t->selection, r->row[i].rec, r->row[i].len);
}

/* Puts the rows in order; returns how many are shown. */
static size_t order(struct report *r)
{
	size_t n = r->n;

	if (r->ordered)
		return r->shown;
	for (size_t i = 0; i < n; i++)
		r->row[i].rec = r->bytes.data + (size_t)r->row[i].rec;
	report_sort(r);
	if (r->t->top && r->t->top < n)
		n = r->t->top;
	if (r->d->order == DRAIN_SMALLEST && !r->t->sorted)
		reverse(r->row, n);
	r->ordered = true;
	r->shown = n;
	return n;
}

/* Who asks for columns, an order or a number of rows of a histogram wants a table. */
static bool is_drawn(const struct report *r)
{
	return r->t->spec.kind == TOOL_HISTOGRAM && r->run->plan.opts.format == FORMAT_TEXT &&
	       !r->t->chosen && !r->t->sorted && !r->t->top;
}

/* The tables of a report, one after the other. */
static void print_tables(struct run *run, struct report *r, size_t n, bool last)
{
	bool keep = drain_cfg(r, &r->d->no_clear), live = is_live(r);

	if (live && !last && !keep)
		sink_clear(run->view.sink);
	if (live && !keep)
		sink_frame(run->view.sink, n);
	run_loss_above(run, 0);
	if (live)
		print_time(r);
	for (size_t i = 0; i < n; i++) {
		size_t rows = order(&r[i]);

		table_title(&run->view, r[i].t, r[i].n);
		if (is_drawn(&r[i]))
			drain_draw_histograms(&r[i], rows);
		else
			sink_table(run->view.sink, &r[i].t->selection, r[i].row, rows);
	}
	sink_frame_end(run->view.sink);
}

static void print_reports(struct run *run, struct report *r, size_t n, bool last)
{
	if (run->graphs.open && drain_graph(r, order(r)))
		return;
	if (drain_draws_stacks(run)) {
		run_loss_above(run, 0);
		drain_draw_stacks(r, order(r));
	} else if (n > 1 || (has_key_columns(&r->t->spec) && !is_drawn(r))) {
		print_tables(run, r, n, last);
	} else if (is_drawn(r)) {
		run_loss_above(run, 0);
		drain_draw_histograms(r, order(r));
	} else {
		print_log(r, order(r));
	}
	drain_totals(r);
}

/* What found no room in the map is added up by the same words. */
static bool others_fit(const struct run *run, const struct drain *d)
{
	const struct bpf_map *others = drain_others_map(run, d);

	return !others || bpf_map__value_size(others) == d->value_size;
}

/* What found no room in the map is added to it by keep_entry(). */
static bool reserve_fits(const struct run *run, const struct drain *d, const struct bpf_map *map)
{
	const struct bpf_map *reserve;

	if (!d->reserve)
		return true;
	reserve = bpf_object__find_map_by_name(run->source.loaded->obj, d->reserve);
	return reserve && d->cpu.kind != F_NONE && bpf_map__type(reserve) == bpf_map__type(map) &&
	       bpf_map__key_size(reserve) == d->key_size &&
	       bpf_map__value_size(reserve) == d->value_size;
}

static bool stacks_fit(const struct run *run, const struct drain *d)
{
	for (size_t i = 0; i < STACK_MAPS && d->stack_maps[i]; i++) {
		const struct bpf_map *map =
			bpf_object__find_map_by_name(run->source.loaded->obj, d->stack_maps[i]);

		if (!map || bpf_map__value_size(map) > STACK_FRAMES * 8)
			return false;
	}
	return true;
}

/* Does the map look like what the descriptor says? */
static bool layout_fits(const struct run *run, const struct drain *d, const struct bpf_map *map)
{
	/* a place per target is found by index, its rows have a key all the same */
	if (map && run->source.loaded->epoch &&
	    (drain_per_target(run->plan.tool) ? d->key_size == sizeof(struct many_key)
					      : bpf_map__key_size(map) == d->key_size) &&
	    bpf_map__value_size(map) == d->value_size && !(d->key_size % 8) &&
	    !(d->value_size % 8) && d->key_size <= DRAIN_KEY_MAX && stacks_fit(run, d) &&
	    (!d->hist || d->hist_off + sizeof(struct hist_value) == d->value_size) &&
	    reserve_fits(run, d, map) && others_fit(run, d))
		return true;
	log_error("internal error: map %s of the programs and of the descriptor differ", d->map);
	return false;
}

/* What @t's map is like. False: not what the descriptor says. */
static bool report_open(struct report *r, struct run *run, struct run_table *t)
{
	const struct drain *d = t->spec.drain;
	const struct bpf_map *map = bpf_object__find_map_by_name(run->source.loaded->obj, d->map);

	*r = (struct report){
		.run = run,
		.t = t,
		.d = d,
		.n_cpus = 1,
		.merged = { d->key_size, d->value_size },
	};
	if (!layout_fits(run, d, map))
		return false;
	r->map_fd = bpf_map__fd(map);
	r->reserve_fd = d->reserve ? loaded_map(run->source.loaded, d->reserve) : -1;
	if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH ||
	    bpf_map__type(map) == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
	    bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_ARRAY)
		r->n_cpus = run->source.loaded->n_cpus;
	if (d->hist)
		r->view = (struct hist_view){ d->hist->scale, drain_cfg(r, &d->hist->linear),
					      drain_cfg(r, &d->hist->fine) };
	if (d->hist && d->hist->scale_of.kind != F_NONE)
		r->view.scale = (enum hist_scale)drain_cfg(r, &d->hist->scale_of);
	return true;
}

static void report_fill(struct report *r)
{
	if (find_maxima(r))
		drain_epoch(r);
	else
		r->failed = true;
	if (!r->failed)
		add_idle_row(r);
	if (r->failed)
		log_error("out of memory: this report is not complete");
}

static void report_free(struct report *r)
{
	keymap_free(&r->merged);
	text_free(&r->bytes);
	text_free(&r->totals);
	free(r->is_max);
	free(r->row);
}

void drain_report(struct run *run, bool last)
{
	struct report r[MAX_TABLES];
	size_t n = 0;

	for (size_t i = 0; i < run->plan.n_tables; i++) {
		if (!run->plan.table[i].spec.drain)
			continue;
		if (!report_open(&r[n++], run, &run->plan.table[i])) {
			run->loop.stop = true;
			return;
		}
		r[n - 1].last = last;
	}
	close_epoch(run, r, n);
	for (size_t i = 0; i < n; i++)
		report_fill(&r[i]);
	print_reports(run, r, n, last);
	for (size_t i = 0; i < n; i++)
		report_free(&r[i]);
}
