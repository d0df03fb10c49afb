/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the target did instead, where the calls that the ledger follows took little of the time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <bpf/bpf.h>

#include "bpf/core/syscall_max.h"
#include "core/rows/syscalls.h"
#include "tools/layers/ledger.h"

#define CALLS_NAMED 4
#define LITTLE	    10 /* covered: less than one part in so many of the time */

struct other_call {
	uint32_t index; /* number, and SYSCALL_MAX for a 32-bit one */
	uint64_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct other_call *x = a, *y = b;

	return x->count > y->count ? -1 : x->count < y->count;
}

/* Fills @calls, the most frequent first; returns how many calls that were in all. */
static uint64_t read_calls(struct run *run, struct other_call calls[2 * SYSCALL_MAX])
{
	const struct loaded *loaded = run_loaded(run);
	int fd = loaded_map(loaded, "layers_unfollowed");
	uint64_t *cpus = calloc((size_t)loaded->n_cpus, sizeof(*cpus)), total = 0;

	for (uint32_t i = 0; i < 2 * SYSCALL_MAX; i++) {
		calls[i] = (struct other_call){ i, 0 };
		if (!cpus || bpf_map_lookup_elem(fd, &i, cpus))
			continue;
		for (int cpu = 0; cpu < loaded->n_cpus; cpu++)
			calls[i].count += cpus[cpu];
		total += calls[i].count;
	}
	free(cpus);
	qsort(calls, 2 * SYSCALL_MAX, sizeof(*calls), by_count);
	return total;
}

/* Major faults of the process so far: field 12 of /proc/PID/stat; 0 if it is gone. */
static uint64_t faults_of(uint32_t pid)
{
	char path[64], line[1024] = "";
	uint64_t faults = 0;
	const char *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f)) {
		rest = strrchr(line, ')'); /* the name before may hold anything */
		if (rest)
			sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %" SCNu64, &faults);
	}
	if (f)
		fclose(f);
	return faults;
}

uint64_t ledger_major_faults(const struct run *run)
{
	const struct common_opts *opts = run_opts(run);
	uint64_t faults = 0;
	struct rusage usage;

	for (uint32_t i = 0; i < opts->pids.n; i++)
		faults += faults_of(opts->pids.id[i]);
	if (run_has_command(run) && !getrusage(RUSAGE_CHILDREN, &usage))
		faults += (uint64_t)usage.ru_majflt;
	return faults;
}

static void name_calls(struct text_buf *to, const struct other_call *calls, uint64_t total)
{
	uint64_t named = 0;

	for (size_t i = 0; i < CALLS_NAMED && calls[i].count; i++) {
		uint32_t nr = calls[i].index % SYSCALL_MAX;
		bool compat = calls[i].index >= SYSCALL_MAX;
		const char *name = syscall_name(nr, compat);

		text_printf(to, "%s%" PRIu64 " ", i ? ", " : "", calls[i].count);
		if (name)
			text_printf(to, "%s", name);
		else
			text_printf(to, "of number %u", nr);
		if (compat)
			text_puts(to, " (32-bit)");
		named += calls[i].count;
	}
	if (total > named)
		text_printf(to, " and %" PRIu64 " more", total - named);
}

static void print_sentence(struct run *run, const struct other_call *calls, uint64_t total,
			   uint64_t faults, uint64_t lat_ns)
{
	uint64_t elapsed_ns = run_elapsed_ns(run);
	struct text_buf line = { 0 };
	char text[32];

	ledger_duration(elapsed_ns, text, sizeof(text));
	if (lat_ns)
		text_printf(&line, "That is %.2g %% of the %s that were watched.",
			    (double)lat_ns * 100 / (double)elapsed_ns, text);
	else
		text_printf(&line, "None of the calls that are followed ended in %s.", text);
	if (total) {
		text_puts(&line, " Other calls, which are not followed: ");
		name_calls(&line, calls, total);
		text_puts(&line, ".");
	}
	if (faults)
		text_printf(&line, " Page faults that read from a device: %" PRIu64 ".", faults);
	if (!total && !faults)
		text_puts(&line, " No other call began meanwhile.");
	sink_note(run_sink(run), text_cstr(&line));
	text_free(&line);
}

void ledger_print_instead(struct run *run, const struct ledger *l, uint64_t lat_ns)
{
	struct other_call *calls = malloc(2 * SYSCALL_MAX * sizeof(*calls));
	uint64_t faults = ledger_major_faults(run), total;

	if (!calls)
		return;
	total = read_calls(run, calls);
	faults = faults > l->faults_before ? faults - l->faults_before : 0;
	run_summary_add(run, "unfollowed_calls", total, false);
	run_summary_add(run, "major_faults", faults, false);
	if (run_opts(run)->format == FORMAT_TEXT && lat_ns < run_elapsed_ns(run) / LITTLE)
		print_sentence(run, calls, total, faults, lat_ns);
	free(calls);
}
