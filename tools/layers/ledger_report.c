/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger's report: sums from the kernel's table and from what CPUs still keep, as tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/base/log.h"
#include "core/rows/hist.h"
#include "tools/layers/ledger.h"

#define DEFAULT_ROWS 10 /* of a table of text */
#define N_TABLES     5

/* Of one call, on all CPUs. */
struct latencies {
	uint64_t max_ns;
	uint64_t slots[HIST_SLOTS];
};

struct sums {
	struct keymap calls;	      /* uint32_t to struct sum_row */
	struct keymap files;	      /* struct layers_file to struct sum_row */
	struct keymap processes;      /* uint32_t to struct sum_row */
	uint64_t count, others;	      /* others: in rows "(others)" */
	uint64_t generated, filtered; /* as the programs counted them */
	struct latencies *latencies;  /* by call; NULL: out of memory */
};

static void add(struct sum_row *row, const struct layers_sums *s)
{
	if (!row)
		return;
	row->count += s->count;
	row->errors += s->errors;
	row->bytes += s->bytes;
	row->cells.lat_ns += s->lat_ns;
	for (int i = 0; i < N_CELLS; i++)
		row->cells.ns[i] += s->cells[i];
}

static void add_key(struct sums *sums, struct ledger *l, const struct layers_key *key,
		    const struct layers_sums *s)
{
	struct sum_row *row;

	sums->count += s->count;
	row = keymap_get(&sums->calls, &key->call, true);
	add(row, s);
	if (row && key->call < N_CALLS)
		row->call = layers_call_names[key->call];
	row = keymap_get(&sums->processes, &key->tgid, true);
	add(row, s);
	if (row && key->tgid != LAYERS_OTHER_TGID) {
		row->pid = key->tgid;
		memcpy(row->comm, s->comm, sizeof(row->comm));
	} else if (row) {
		strcpy(row->comm, "(others)");
	}
	row = keymap_get(&sums->files, &key->file, true);
	add(row, s);
	if (row)
		row->path = ledger_path(l, &key->file);
}

static void add_table(struct run *run, struct sums *sums, struct ledger *l, const char *map)
{
	int fd = loaded_map(run_loaded(run), map);
	struct layers_key key, *prev = NULL;
	struct layers_sums value;

	while (!bpf_map_get_next_key(fd, prev, &key)) {
		if (!bpf_map_lookup_elem(fd, &key, &value))
			add_key(sums, l, &key, &value);
		prev = &key;
	}
}

static void add_latencies(struct sums *sums, const struct layers_hist *from)
{
	struct latencies *to = sums->latencies;

	for (size_t call = 0; call < N_CALLS; call++) {
		sums->generated += from[call].count;
		if (!to)
			continue;
		for (size_t s = 0; s < HIST_SLOTS; s++)
			to[call].slots[s] += from[call].slots[s];
		if (from[call].max_ns > to[call].max_ns)
			to[call].max_ns = from[call].max_ns;
	}
}

/* What found no room in any table, by call. */
static void add_rest(struct run *run, struct sums *sums, struct ledger *l)
{
	const struct loaded *loaded = run_loaded(run);
	int fd = loaded_map(loaded, "layers_rest");
	struct layers_sums *cpus = calloc((size_t)loaded->n_cpus, sizeof(*cpus));

	for (uint32_t call = 0; cpus && call < N_CALLS; call++) {
		const struct layers_key key = { LAYERS_OTHER_FILE, LAYERS_OTHER_TGID, call };

		if (bpf_map_lookup_elem(fd, &call, cpus))
			continue;
		for (int cpu = 0; cpu < loaded->n_cpus; cpu++)
			if (cpus[cpu].count)
				add_key(sums, l, &key, &cpus[cpu]);
	}
	free(cpus);
}

/* While operations go on, what CPUs keep may be read in mid-change: shown so, and exact in the end.
 */
static void add_kept(struct run *run, struct sums *sums, struct ledger *l)
{
	int fd = loaded_map(run_loaded(run), "layers_cpus");
	struct layers_cpu *c = malloc(sizeof(*c));

	for (uint32_t cpu = 0; c && !bpf_map_lookup_elem(fd, &cpu, c); cpu++) {
		sums->filtered += c->filtered;
		add_latencies(sums, c->hists);
		for (int i = 0; i < LAYERS_SLOTS; i++)
			if (c->slots[i].sums.count)
				add_key(sums, l, &c->slots[i].key, &c->slots[i].sums);
	}
	free(c);
}

static void add_percentiles(struct sums *sums)
{
	for (size_t i = 0; sums->latencies && i < sums->calls.n; i++) {
		struct sum_row *row = keymap_value(&sums->calls, i);
		const struct latencies *of;
		uint64_t count;
		uint32_t call;

		memcpy(&call, keymap_key(&sums->calls, i), sizeof(call));
		if (call >= N_CALLS)
			continue;
		of = &sums->latencies[call];
		count = slots_count(of->slots, HIST_SLOTS);
		row->max_ns = of->max_ns;
		row->p50_ns = slots_percentile(of->slots, HIST_SLOTS, count, 50, 0, row->max_ns);
		row->p99_ns = slots_percentile(of->slots, HIST_SLOTS, count, 99, 0, row->max_ns);
	}
}

/* The title of a table of which @top of @n rows are shown. */
static void print_title(struct run *run, const char *title, size_t n, size_t top)
{
	char line[64];

	snprintf(line, sizeof(line), "%s: %zu of %zu, --top %zu shows them all", title, top, n, n);
	sink_title(run_sink(run), n > top ? line : title);
}

/* Prints the values of @rows, most time first unless --sort says otherwise. */
static void print_sums(struct run *run, const struct table *table, struct keymap *rows,
		       const char *title, size_t top)
{
	const struct selection *sel = run_default_columns(run, table);
	struct sort_row *sorted = calloc(rows->n + 1, sizeof(*sorted));
	struct sort sort;
	char err[64];

	if (!sel || !sorted) {
		free(sorted);
		return;
	}
	for (size_t i = 0; i < rows->n; i++) {
		struct sum_row *row = keymap_value(rows, i);

		if (table == &layers_files_table && !row->path &&
		    run_opts(run)->format == FORMAT_TEXT)
			row->path = "(none: failed opens, bad descriptors)";
		sorted[i] = (struct sort_row){ row, sizeof(*row) };
	}
	if (run_sort(run, table, &sort) || sort_parse(table, "lat", &sort, err, sizeof(err)))
		sort_rows(table, sort, sorted, rows->n);
	print_title(run, title, rows->n, top);
	sink_table(run_sink(run), sel, sorted, rows->n < top ? rows->n : top);
	free(sorted);
}

static void print_slowest(struct run *run, const struct ledger *l, size_t top)
{
	const struct selection *sel = run_default_columns(run, &layers_slowest_table);
	struct sort_row rows[SLOWEST_KEPT];
	size_t n = l->n_slowest < top ? l->n_slowest : top;

	for (size_t i = 0; i < n; i++)
		rows[i] = (struct sort_row){ l->slowest[i], sizeof(*l->slowest[i]) +
								    l->slowest[i]->stack.len +
								    l->slowest[i]->path.len };
	print_title(run, "Slowest operations", l->n_slowest, top);
	if (sel)
		sink_table(run_sink(run), sel, rows, n);
}

/* One sentence for people: which call took the most, and what that was. */
const char *ledger_duration(uint64_t ns, char *text, size_t size)
{
	static const struct column duration = { .unit = U_NSEC };
	const struct clock_base clock = { 0 };
	const struct value v = { V_UINT, .u = ns };

	unit_format(&duration, &v, &clock, text, size);
	return text;
}

static void print_sentence(struct run *run, const struct sums *sums)
{
	static const char *const phrases[N_CELLS] = {
		"running in the kernel",      "waiting for a CPU",
		"queued in the block layer",  "at the device",
		"waiting for something else", "where the stamps can't tell",
	};
	const struct sum_row *most = NULL;
	uint64_t total = 0;
	char line[256], text[32];
	int cell = 0;

	for (size_t i = 0; i < sums->calls.n; i++) {
		const struct sum_row *row = keymap_value(&sums->calls, i);

		total += row->cells.lat_ns;
		if (!most || row->cells.lat_ns > most->cells.lat_ns)
			most = row;
	}
	if (!most || !total)
		return;
	for (int i = 1; i < N_CELLS; i++)
		if (most->cells.ns[i] > most->cells.ns[cell])
			cell = i;
	snprintf(line, sizeof(line), "%s took %.0f %% of %s in all, and was %.0f %% of that %s.",
		 most->call, (double)most->cells.lat_ns * 100 / (double)total,
		 ledger_duration(total, text, sizeof(text)),
		 (double)most->cells.ns[cell] * 100 / (double)most->cells.lat_ns, phrases[cell]);
	sink_note(run_sink(run), line);
}

static uint64_t lat_of(const struct sums *sums)
{
	uint64_t lat = 0;

	for (size_t i = 0; i < sums->calls.n; i++)
		lat += ((const struct sum_row *)keymap_value(&sums->calls, i))->cells.lat_ns;
	return lat;
}

void ledger_report(struct run *run, struct ledger *l, bool last)
{
	const struct layers_cfg *cfg = run_cfg(run);
	const struct common_opts *opts = run_opts(run);
	size_t top = opts->format == FORMAT_TEXT ? DEFAULT_ROWS : SIZE_MAX;
	uint64_t count;
	struct sums sums = {
		.calls = KEYMAP(uint32_t, struct sum_row),
		.files = KEYMAP(struct layers_file, struct sum_row),
		.processes = KEYMAP(uint32_t, struct sum_row),
		.latencies = calloc(N_CALLS, sizeof(*sums.latencies)),
	};
	bool live;

	if (opts->top)
		top = opts->top;
	add_table(run, &sums, l, "layers_table");
	add_kept(run, &sums, l);
	count = sums.count;
	add_table(run, &sums, l, "layers_others");
	add_rest(run, &sums, l);
	sums.others = sums.count - count;
	add_percentiles(&sums);
	sink_clear(run_sink(run));
	live = !last && sink_frame(run_sink(run), N_TABLES);
	if (live) /* what comes last may have no room */
		print_sentence(run, &sums);
	run_loss_above(run, sums.generated);
	if (last && cfg->stream)
		run_header_alone(run);
	print_sums(run, &layers_calls_table, &sums.calls, "System calls", SIZE_MAX);
	print_sums(run, &layers_files_table, &sums.files, "Files", top);
	print_sums(run, &layers_processes_table, &sums.processes, "Processes", top);
	print_slowest(run, l, top);
	ledger_print_waits(run, l, top);
	if (!live)
		print_sentence(run, &sums);
	sink_frame_end(run_sink(run));
	if (last) {
		ledger_print_instead(run, l, lat_of(&sums));
		run_count(run, sums.generated, cfg->stream ? 0 : sums.count, sums.filtered);
		run_others(run, sums.others);
	}
	keymap_free(&sums.calls);
	keymap_free(&sums.files);
	keymap_free(&sums.processes);
	free(sums.latencies);
}
