/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/many_cost.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

/* A pass is the best of so many chunks, each of about this long. */
#define CHUNKS	 5
#define CHUNK_NS 1000000ULL
/* Pairs of passes, with the hook and without: between these, for as long as patience lasts. */
#define PAIRS_MIN   3
#define PAIRS_MAX   9
#define PATIENCE_NS 400000000ULL
#define CALLS_MIN   100
#define CALLS_MAX   200000
#define PROBE_CALLS 16

/* Of this thread alone: who else wants the CPU doesn't matter. */
static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static uint64_t run_calls(const struct exercise *e, uint64_t calls)
{
	uint64_t begun = cpu_ns(CLOCK_THREAD_CPUTIME_ID);

	for (uint64_t i = 0; i < calls; i++)
		e->once();
	return cpu_ns(CLOCK_THREAD_CPUTIME_ID) - begun;
}

static uint64_t hits(const struct cost_opts *o)
{
	uint32_t zero = 0;
	uint64_t n = 0;

	bpf_map_lookup_elem(o->hits_fd, &zero, &n);
	return n;
}

/* The exercise that hits what is attached now once per call; NULL if none does. */
static const struct exercise *find_exercise(const struct cost_opts *o)
{
	for (const struct exercise *e = o->exercises; e->name; e++) {
		uint64_t before = hits(o);

		run_calls(e, PROBE_CALLS);
		if (hits(o) - before == PROBE_CALLS)
			return e;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t median(int64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2] > 0 ? (uint64_t)v[n / 2] : 0; /* below zero it is noise */
}

/* As many calls as one chunk takes. */
static uint64_t calls_per_chunk(const struct exercise *e)
{
	uint64_t ns, calls;

	run_calls(e, CALLS_MIN); /* warms up */
	ns = run_calls(e, CALLS_MIN);
	calls = ns ? CHUNK_NS * CALLS_MIN / ns : CALLS_MAX;
	if (calls > CALLS_MAX)
		return CALLS_MAX;
	return calls < CALLS_MIN ? CALLS_MIN : calls;
}

/*
 * The best of a few chunks: interrupts, and a hypervisor that takes the CPU away, only make one
 * longer. The first calls after a change find cold caches, and aren't timed.
 */
static uint64_t run_pass(const struct exercise *e, uint64_t calls)
{
	uint64_t best = UINT64_MAX;

	run_calls(e, CALLS_MIN);
	for (int i = 0; i < CHUNKS; i++) {
		uint64_t ns = run_calls(e, calls);

		best = ns < best ? ns : best;
	}
	return best;
}

/* A copy of the model at its hook; before 5.11 a tracing program can be attached just once. */
struct attached {
	int prog, link;
};

/* If @t can't be hooked, says why in it, and returns false. */
static bool attach(struct many_target *t, const struct cost_opts *o, struct attached *at)
{
	const struct hook_constants constants = { 0, t->call };
	const char *why;

	at->prog = hook_load(o->model, t->how, o->btf, t->name, &constants, &why);
	if (at->prog < 0) {
		many_say_why(t, "loading", why);
		return false;
	}
	at->link = hook_attach(at->prog, t->how, t->name, t->address);
	if (at->link >= 0)
		return true;
	many_say_why(t, "attaching", hook_error(t->how, errno));
	close(at->prog);
	return false;
}

static void detach(const struct attached *at)
{
	close(at->link);
	close(at->prog);
}

/* The program alone, as the kernel times it, which costs time itself: in calls of their own. */
static void measure_program(struct many_target *t, int prog, const struct exercise *e,
			    uint64_t calls)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	uint64_t hits_before = 0, ns_before = 0;

	for (int i = 0; stats >= 0 && i < CHUNKS; i++) {
		struct bpf_prog_info info = { 0 };
		__u32 size = sizeof(info);
		uint64_t ns;

		run_calls(e, calls);
		if (bpf_obj_get_info_by_fd(prog, &info, &size) || info.run_cnt == hits_before)
			break;
		ns = (info.run_time_ns - ns_before) / (info.run_cnt - hits_before);
		t->run_ns = ns < t->run_ns ? ns : t->run_ns; /* MANY_NONE is the largest */
		hits_before = info.run_cnt;
		ns_before = info.run_time_ns;
	}
	if (stats >= 0)
		close(stats);
}

static void measure_added(struct many_target *t, const struct cost_opts *o,
			  const struct exercise *e, uint64_t calls)
{
	uint64_t end = cpu_ns(CLOCK_MONOTONIC) + PATIENCE_NS;
	int64_t added[PAIRS_MAX];
	struct attached at;
	size_t n = 0;

	while (n < PAIRS_MAX && (n < PAIRS_MIN || cpu_ns(CLOCK_MONOTONIC) < end)) {
		uint64_t without = run_pass(e, calls), with;

		if (!attach(t, o, &at))
			return;
		with = run_pass(e, calls);
		detach(&at);
		added[n++] = ((int64_t)with - (int64_t)without) / (int64_t)calls;
	}
	t->added_ns = median(added, n);
}

static void measure(struct many_target *t, const struct cost_opts *o)
{
	const struct exercise *e;
	struct attached at;
	uint64_t calls = 0;

	if (!attach(t, o, &at))
		return;
	e = find_exercise(o);
	if (e) {
		calls = calls_per_chunk(e);
		measure_program(t, at.prog, e, calls);
	}
	detach(&at);
	if (e)
		measure_added(t, o, e, calls);
	else if (!t->note)
		t->note = "cost not measured: no built-in loop calls it just once";
}

void many_measure(struct many *m, const struct cost_opts *opts)
{
	struct progress progress = progress_begin("measuring hook");

	for (size_t i = 0; i < m->n && !m->interrupted; i++) {
		struct many_target *t = &m->target[i];

		if (*t->why)
			continue;
		measure(t, opts);
		progress_step(&progress, i, m->n);
		m->interrupted = many_signal_waits();
	}
	progress_end(&progress);
}
