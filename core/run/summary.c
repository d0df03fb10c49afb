/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The account at the end, and on request in between. */
#include "core/run/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/log.h"

static void add_pair(struct json_pair *pairs, size_t *n, const char *key, uint64_t value)
{
	pairs[*n].key = key;
	pairs[*n].kind = JP_UINT;
	pairs[(*n)++].u = value;
}

/* generated = shown + filtered + lost */
struct balance {
	struct counters c;
	uint64_t generated, shown, filtered, lost;
	uint64_t missed, unread, unwritten, not_unwound;
};

/* @over: what isn't written by now never will be. */
static struct balance balance_of(const struct run *run, bool over)
{
	struct balance a = { .c = loaded_counters(run->source.loaded),
			     .shown = run->account.shown };
	uint64_t details, rest = run->output.handed + run->output.unmarked - run->account.shown;

	a.missed = loaded_missed(run->source.loaded, &details);
	a.c.null_helper += details;
	a.filtered = a.c.filtered + run->account.filtered;
	a.generated = a.c.generated + run->account.generated + a.missed;
	a.unread = run->account.unread;
	if (run->source.unwound)
		a.not_unwound = unwound_lost(run->source.unwound);
	if (!over)
		a.shown += rest;
	else if (run->output.stalled || run->output.error)
		a.unwritten = rest + run->account.unread, a.unread = 0;
	else
		a.unread += rest;
	a.lost = a.c.lost_ring + a.c.lost_state + a.c.lost_end + a.missed + a.unread + a.unwritten +
		 a.not_unwound;
	return a;
}

/* Processes that those named with -p have started: they may have done the work. */
static uint64_t children_left_out(const struct run *run)
{
	return run->source.loaded->target_children ? *run->source.loaded->target_children : 0;
}

static void part(uint64_t n, const char *what)
{
	if (n)
		fprintf(stderr, "; %llu %s", (unsigned long long)n, what);
}

/* One line for people: "opensnoop: 5 events: 3 shown, 1 filtered, 1 lost (ring buffer full 1)". */
static void summary_text(const struct run *run, const struct balance *a, const char *when)
{
	fprintf(stderr, "%s: %s%llu events: %llu shown, %llu filtered, %s%llu lost",
		run->plan.tool->name, when, (unsigned long long)a->generated,
		(unsigned long long)a->shown, (unsigned long long)a->filtered,
		loaded_missed_uncounted(run->source.loaded) ? "at least " : "",
		(unsigned long long)a->lost);
	part(a->c.lost_ring, "found the ring buffer full (--buffer SIZE, or a faster reader)");
	part(a->c.lost_state, "found no room for their state");
	if (a->c.lost_end)
		fprintf(stderr, "; the kernel never told the end of %llu",
			(unsigned long long)a->c.lost_end);
	part(a->missed, "nested in a program that was running");
	part(a->unread, "were left when the run was broken off");
	part(a->unwritten,
	     run->output.error ? "could not be written" : "found nobody who reads the output");
	part(a->not_unwound, "came faster than their stacks could be unwound");
	part(run->account.others, "in rows \"(others)\": more rows than the table holds");
	part(a->c.null_helper, "details could not be read");
	part(children_left_out(run),
	     "processes that those of -p started are left out (--children follows them)");
	for (size_t i = 0; run->plan.tool->counters && run->plan.tool->counters[i]; i++)
		if (run->plan.tool->counters[i][0] == '+' && a->c.tool[i])
			fprintf(stderr, "; %s %llu", run->plan.tool->counters[i] + 1,
				(unsigned long long)a->c.tool[i]);
	for (size_t i = 0; i < run->account.n_extra; i++)
		if (run->account.extra_text[i])
			fprintf(stderr, "; %s %llu", run->account.extra[i].key,
				(unsigned long long)run->account.extra[i].u);
	fputc('\n', stderr);
}

static void print_cost(const struct run *run)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr, "%s: cost: %.3f s user, %.3f s system, %ld KiB at most\n",
		run->plan.tool->name,
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
		usage.ru_maxrss);
	loaded_print_cost(run->source.loaded);
}

void output_so_far(struct run *run)
{
	struct balance a = balance_of(run, false);

	summary_text(run, &a, "so far ");
}

/* What could not be written has no place in it: then it can't be written either. */
static void summary_record(struct run *run, const struct balance *a)
{
	struct json_pair pairs[29 + MAX_EXTRA];
	size_t n = 0;

	pairs[n].key = "command";
	pairs[n].kind = JP_TEXT;
	pairs[n++].text = run->plan.tool->name;
	add_pair(pairs, &n, "elapsed_ns", run_elapsed_ns(run));
	add_pair(pairs, &n, "generated", a->generated);
	add_pair(pairs, &n, "shown", a->shown);
	add_pair(pairs, &n, "filtered", a->filtered);
	add_pair(pairs, &n, "lost", a->lost);
	pairs[n].key = "lost_at_least";
	pairs[n].kind = JP_BOOL;
	pairs[n++].b = loaded_missed_uncounted(run->source.loaded);
	add_pair(pairs, &n, "lost_ring", a->c.lost_ring);
	add_pair(pairs, &n, "lost_state", a->c.lost_state);
	add_pair(pairs, &n, "lost_end", a->c.lost_end);
	add_pair(pairs, &n, "lost_missed", a->missed);
	add_pair(pairs, &n, "lost_unread", a->unread);
	if (run->source.unwound)
		add_pair(pairs, &n, "lost_unwinding", a->not_unwound);
	add_pair(pairs, &n, "others", run->account.others);
	add_pair(pairs, &n, "null_helper", a->c.null_helper);
	add_pair(pairs, &n, "children_left_out", children_left_out(run));
	for (size_t i = 0; run->plan.tool->counters && run->plan.tool->counters[i]; i++)
		add_pair(pairs, &n,
			 run->plan.tool->counters[i] + (run->plan.tool->counters[i][0] == '+'),
			 a->c.tool[i]);
	for (size_t i = 0; i < run->account.n_extra; i++)
		pairs[n++] = run->account.extra[i];
	if (*run->source.blind) {
		pairs[n].key = "blind";
		pairs[n].kind = JP_TEXT;
		pairs[n++].text = run->source.blind;
	}
	sink_record(run->view.sink, "summary", pairs, n);
}

/* A count that was forgotten is a defect of the command, and must not hide. */
static bool adds_up(const struct run *run, const struct balance *a)
{
	/* broken off: a report that wasn't made has shown nothing */
	if (run->loop.interrupts > 1 || run->output.error == EPIPE)
		return true;
	if (a->generated == a->shown + a->filtered + a->lost)
		return true;
	log_error("internal error: the account doesn't add up: %llu events, but %llu shown, %llu "
		  "filtered and %llu lost; some program counts an event and not what became of it: "
		  "please report this",
		  (unsigned long long)a->generated, (unsigned long long)a->shown,
		  (unsigned long long)a->filtered, (unsigned long long)a->lost);
	return false;
}

bool output_summary(struct run *run)
{
	struct balance a = balance_of(run, true);

	summary_record(run, &a);
	if (run->output.error != EPIPE)
		summary_text(run, &a, "");
	if (run->plan.opts.stats)
		print_cost(run);
	return adds_up(run, &a);
}
