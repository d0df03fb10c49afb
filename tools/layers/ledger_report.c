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
	struct life life;
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
	const volatile uint64_t *closed_ns = run_loaded(run)->closed_ns;
	struct layers_cpu *c = aligned_alloc(64, sizeof(*c));

	for (uint32_t cpu = 0; c && !bpf_map_lookup_elem(fd, &cpu, c); cpu++) {
		sums->filtered += c->filtered;
		add_latencies(sums, c->hists);
		ledger_life_add(&sums->life, c, closed_ns ? *closed_ns : 0);
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

static void give_sums(struct run *run, const char *table, struct keymap *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct sum_row *row = keymap_value(rows, i);

		run_give(run, table, row, sizeof(*row), row->count);
	}
}

/* What people read where there is no path; machines find none. */
static void name_no_file(struct run *run, struct keymap *files)
{
	for (size_t i = 0; run_opts(run)->format == FORMAT_TEXT && i < files->n; i++) {
		struct sum_row *row = keymap_value(files, i);

		if (!row->path)
			row->path = "(none: failed opens, bad descriptors)";
	}
}

static void give_slowest(struct run *run, const struct ledger *l)
{
	for (size_t i = 0; i < l->n_slowest; i++) {
		const struct op_row *row = l->slowest[i];

		run_give(run, "slowest", row, sizeof(*row) + row->stack.len + row->path.len, 1);
	}
}

const char *ledger_duration(uint64_t ns, char *text, size_t size)
{
	static const struct column duration = { .unit = U_NSEC };
	const struct clock_base clock = { 0 };
	const struct value v = { V_UINT, .u = ns };

	unit_format(&duration, &v, &clock, text, size);
	return text;
}

/* Everything that is known of operations by now. */
static void gather(struct run *run, struct ledger *l, struct sums *sums)
{
	uint64_t count;

	add_table(run, sums, l, "layers_table");
	add_table(run, sums, l, "layers_fault_table");
	add_kept(run, sums, l);
	count = sums->count;
	add_table(run, sums, l, "layers_others");
	add_rest(run, sums, l);
	sums->others = sums->count - count;
	for (size_t i = 0; i < sums->calls.n; i++)
		ledger_life_add_call(&sums->life, keymap_value(&sums->calls, i));
	add_percentiles(sums);
	name_no_file(run, &sums->files);
}

/* Operations are events of the tables by call, unless they are streamed. */
static void account(struct run *run, const struct sums *sums, uint64_t dropped)
{
	const struct layers_cfg *cfg = run_cfg(run);

	if (cfg->stream)
		run_count(run, sums->generated, 0, sums->filtered);
	else
		run_count(run, sums->generated, sums->count - dropped, sums->filtered + dropped);
	run_others(run, sums->others);
}

void ledger_report(struct run *run, struct ledger *l, bool last)
{
	struct sums sums = {
		.calls = KEYMAP(uint32_t, struct sum_row),
		.files = KEYMAP(struct layers_file, struct sum_row),
		.processes = KEYMAP(uint32_t, struct sum_row),
		.life.rows = KEYMAP(char[TIME_NAME], struct time_row),
		.life.failures = KEYMAP(char[TIME_NAME], struct layers_failure),
		.life.samples = KEYMAP(uint32_t, struct layers_sampled),
		.latencies = calloc(N_CALLS, sizeof(*sums.latencies)),
	};
	struct book_row books[N_BOOKS] = { 0 };
	struct verdict verdict = { 0 };
	struct async async = { 0 };
	uint64_t dropped;

	gather(run, l, &sums);
	ledger_life_give(run, &sums.life);
	ledger_give_causes(run, l, &sums.life);
	ledger_async_read(run, l, &async);
	ledger_async_give(run, &async);
	give_sums(run, "calls", &sums.calls);
	give_sums(run, "files", &sums.files);
	give_sums(run, "processes", &sums.processes);
	give_slowest(run, l);
	ledger_give_waits(run, l);
	if (last && ((const struct layers_cfg *)run_cfg(run))->check)
		ledger_books_give(run, &sums.life, &sums.calls, books);
	dropped = run_dropped(run, "calls");
	if (ledger_judge(l, &sums.life, run_has_command(run) || run_opts(run)->children,
			 &sums.calls, &sums.files, &async, &verdict))
		run_give(run, "verdicts", &verdict, sizeof(verdict), 0);
	run_tables(run, verdict.said, sums.generated, last);
	if (last) {
		ledger_life_check(run, &sums.life);
		ledger_async_add(run, &async);
		account(run, &sums, dropped);
	}
	text_free(&verdict.text);
	ledger_async_done(&async);
	ledger_waits_done(l);
	ledger_who_done(l);
	keymap_free(&sums.life.rows);
	keymap_free(&sums.life.failures);
	keymap_free(&sums.life.samples);
	keymap_free(&sums.calls);
	keymap_free(&sums.files);
	keymap_free(&sums.processes);
	free(sums.latencies);
}
