/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The verdict: where the time went, in words and as a record, from the account of whole lives. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/escape.h"
#include "core/rows/unit.h"
#include "tools/layers/ledger.h"

#define MANY	   1000	     /* calls of which it matters what each of them does */
#define FEW_BYTES  512	     /* that one moves, where it could move thousands */
#define LITTLE_NS  20000     /* between calls */
#define FAULT_NS   200000    /* the same, for page faults: with what the kernel does for one */
#define PROGRAM_NS 100000000 /* that a program takes which does little, with its start */
#define SOME	   100	     /* calls that nearly all failed are told from so many on */

const char *const ledger_cell_names[N_CELLS] = {
	"cpu", "runq", "queue", "device", "wait", "unknown"
};
static const char *const cell_phrases[N_CELLS] = {
	"running",	 "waiting for a CPU",	       "queued in the block layer",
	"at the device", "waiting for something else", "where the stamps can't tell",
};

/* Calls in which a program waits because it has nothing to do. */
static bool is_sleep(const char *call)
{
	static const char *const calls[] = {
		"nanosleep", "clock_nanosleep", "poll",	       "ppoll",		  "select",
		"pselect6",  "epoll_wait",	"epoll_pwait", "epoll_pwait2",	  "futex",
		"wait4",     "waitid",		"pause",       "rt_sigsuspend",	  "accept",
		"accept4",   "recvfrom",	"recvmsg",     "rt_sigtimedwait", "_newselect",
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(call, calls[i]))
			return true;
	return false;
}

static bool is_fault(const char *call)
{
	return !strcmp(call, "(fault)");
}

/* In these a program waits for others that it has started. */
static bool waits_for_children(const char *call)
{
	return !strcmp(call, "wait4") || !strcmp(call, "waitid");
}

static int most_cell(const struct cells *cells)
{
	int most = 0;

	for (int i = 1; i < N_CELLS; i++)
		if (cells->ns[i] > cells->ns[most])
			most = i;
	return most;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? (double)part * 100 / (double)whole : 0;
}

static const struct time_row *row_of(const struct life *life, const char *call)
{
	for (size_t i = 0; i < life->rows.n; i++) {
		const struct time_row *row = keymap_value(&life->rows, i);

		if (!strcmp(row->call, call))
			return row;
	}
	return NULL;
}

/* Programs that were started. */
static uint64_t programs(const struct life *life)
{
	const struct time_row *exec = row_of(life, "execve");

	return exec ? exec->count - exec->errors : 0;
}

/*
 * The call of which the most failed, if nine of ten did. What each program asks for once or twice
 * when it starts is no trouble: whether there is /etc/ld.so.preload.
 */
static const struct time_row *mostly_failed(const struct life *life)
{
	uint64_t least = SOME + 2 * programs(life);
	const struct time_row *most = NULL;

	for (size_t i = 0; i < life->rows.n; i++) {
		const struct time_row *row = keymap_value(&life->rows, i);

		/* in those an error says that time is up, or nothing has come yet */
		if (!is_sleep(row->call) && row->errors >= least &&
		    row->errors * 10 >= row->count * 9 && (!most || row->errors > most->errors))
			most = row;
	}
	return most;
}

/* The call of which the most move few bytes. */
static const struct sum_row *small_ones(struct keymap *calls)
{
	const struct sum_row *most = NULL;

	for (size_t i = 0; i < calls->n; i++) {
		const struct sum_row *row = keymap_value(calls, i);
		uint64_t done = row->count - row->errors;

		if (done >= MANY && row->bytes && row->bytes < done * FEW_BYTES &&
		    (!most || row->count > most->count))
			most = row;
	}
	return most;
}

/* What was waited for the longest in @call, one that is followed by file. */
static const char *longest_reason(struct ledger *l, const char *call)
{
	const struct wait_row *most = NULL;

	for (size_t i = 0; i < l->waits.n; i++) {
		const struct wait_row *row = keymap_value(&l->waits, i);

		if (row->reason && !strcmp(layers_call_names[row->call], call) &&
		    (!most || row->wait_ns > most->wait_ns))
			most = row;
	}
	return most ? most->reason : NULL;
}

/* A file, or a program, may be called anything: escaped, as in the tables. */
static void add_name(struct text_buf *to, const char *name)
{
	size_t len = strlen(name);
	char *escaped = malloc(ESCAPE_MAX * len + 1);

	if (!escaped)
		return;
	text_add(to, escaped, escape_text(escaped, name, len));
	free(escaped);
}

/* What somebody of @kind had to do with the time of @cell. */
static const char *doing_of(int cell, uint32_t kind)
{
	if (cell == CELL_RUNQ)
		return "behind ";
	if (kind == WHO_JOURNAL)
		return "a commit of changes by ";
	if (cell == CELL_WAIT)
		return "ended by ";
	return kind == WHO_DEVICE ? "for its own requests at " : "beside requests of ";
}

/* Whose doing the time of @top's @cell was. */
static void say_who(struct verdict *v, const struct time_row *top, int cell,
		    const struct cause_row *who)
{
	/* that a sleep is ended by a timer goes without saying */
	if (!who || (v->sleeps && who->kind == WHO_TIMER))
		return;
	text_printf(&v->text, ", %.3g %% of this %s", percent(who->ns, top->cells.ns[cell]),
		    doing_of(cell, who->kind));
	add_name(&v->text, who->who);
}

static void say_where(struct verdict *v, const struct time_row *top, bool io,
		      const struct cause_row *who)
{
	int cell = most_cell(&top->cells);
	char total[32];

	ledger_duration(v->total_ns, total, sizeof(total));
	text_printf(&v->text, "%.3g %% of the %s%s was ", percent(v->ns, v->total_ns), total,
		    v->apart_ns ? " that they didn't wait for children" : "");
	if (v->loop)
		text_printf(&v->text, "in %s and between them, %.3g %% of the former %s",
			    is_fault(top->call) ? "page faults" : top->call,
			    percent(top->cells.ns[cell], top->cells.lat_ns), cell_phrases[cell]);
	else if (!strcmp(top->call, "user"))
		text_printf(&v->text, "between calls, %.3g %% of that %s",
			    percent(top->cells.ns[cell], v->ns),
			    cell == CELL_CPU ? "running its own code" : cell_phrases[cell]);
	else
		text_printf(&v->text, "%s%s, %.3g %% of that %s", v->sleeps ? "asleep in " : "in ",
			    is_fault(top->call) ? "page faults" : top->call,
			    percent(top->cells.ns[cell], v->ns), cell_phrases[cell]);
	if (v->reason)
		text_printf(&v->text, " (%s)", v->reason);
	say_who(v, top, cell, who);
	if (v->path || v->dir) {
		text_puts(&v->text, v->path ? ", most on " : ", most in ");
		add_name(&v->text, v->path ? v->path : v->dir);
	}
	text_puts(&v->text, ".");
	if (!io && percent(v->io_ns, v->total_ns) < 0.01)
		text_puts(&v->text, " What is followed by file covers less than 0.01 % of it.");
	else if (!io)
		text_printf(&v->text, " What is followed by file covers %.2g %% of the time.",
			    percent(v->io_ns, v->total_ns));
}

/* In these a program waits for operations that it has submitted. */
static bool waits_for_async(const char *call)
{
	return !strcmp(call, "io_uring_enter") || !strcmp(call, "io_getevents") ||
	       !strcmp(call, "io_pgetevents");
}

/* What it waited for in @top: the operations, how many at a time, and where their time went. */
static void say_async(struct verdict *v, const struct time_row *top, struct async *async)
{
	const struct async_row *all = &async->all;
	int cell = most_cell(&all->cells);

	if (!all->count || !waits_for_async(top->call) || top->cells.ns[CELL_CPU] * 2 > v->ns)
		return;
	v->depth = all->depth;
	v->async_cell = ledger_cell_names[cell];
	v->path = ledger_async_path(async);
	text_printf(&v->text,
		    " It waited there for %" PRIu64
		    " operations, %.3g at a time: %.3g %% of their time %s",
		    all->count, (double)all->depth / 1000,
		    percent(all->cells.ns[cell], all->cells.lat_ns), cell_phrases[cell]);
	if (v->path) {
		text_puts(&v->text, ", most on ");
		add_name(&v->text, v->path);
	}
	text_puts(&v->text, ".");
}

/* Did it wait for a CPU for a third of the time, in what took the most? */
static bool is_starved(const struct verdict *v, const struct time_row *top)
{
	return most_cell(&top->cells) == CELL_RUNQ && top->cells.ns[CELL_RUNQ] * 3 >= v->total_ns;
}

/* Most calls of @failed did: how, and of what, if one is known. */
static void say_failed(struct ledger *l, struct verdict *v, struct life *life,
		       const struct time_row *failed)
{
	const char *err;

	ledger_explain_failures(l, life, failed->call, &v->failed);
	v->err = v->failed.ret;
	if (v->err == -EAGAIN) /* how programs ask whether there is something */
		return;
	err = v->err ? errno_name((int)-v->err) : NULL;
	text_printf(&v->text, " %" PRIu64 " of %" PRIu64 " calls of %s failed%s%s", failed->errors,
		    failed->count, failed->call, err ? ": " : "", err ? err : "");
	if (v->failed.path[0]) {
		text_puts(&v->text, ", one on ");
		add_name(&v->text, v->failed.path);
		if (!v->path)
			v->path = v->failed.path;
	}
	text_puts(&v->text, ".");
	v->advice = "find out why the calls fail";
}

/*
 * The program works through others that it starts: where they aren't followed, that they could be;
 * else how many there were, and how little each did.
 */
static void say_children(struct verdict *v, const struct life *life, const struct time_row *top,
			 bool family)
{
	uint64_t starts = family ? programs(life) : 0;
	char each[32];

	if (!family && waits_for_children(top->call) && v->sleeps) {
		text_puts(&v->text, " What it waits for are programs that it started, which aren't "
				    "followed.");
		v->advice = "follow what it starts: --children";
	}
	if (starts < SOME || v->total_ns / starts > PROGRAM_NS)
		return;
	ledger_duration(v->total_ns / starts, each, sizeof(each));
	text_printf(&v->text, " %" PRIu64 " programs were started: %s each.", starts, each);
	if (!v->advice)
		v->advice = "start fewer programs: each does little";
}

static void advise(struct ledger *l, struct verdict *v, struct life *life,
		   const struct time_row *top, bool family, struct keymap *calls)
{
	const struct time_row *failed = mostly_failed(life);
	const struct sum_row *small = small_ones(calls);

	if (failed)
		say_failed(l, v, life, failed);
	if (small && percent(small->cells.lat_ns, v->total_ns) >= 1) {
		text_printf(&v->text,
			    " %" PRIu64 " calls of %s moved %" PRIu64 " bytes: %.3g each.",
			    small->count, small->call, small->bytes,
			    (double)small->bytes / (double)(small->count - small->errors));
		if (!v->advice) /* what fails comes first */
			v->advice = "move more bytes with each call";
	}
	if (is_starved(v, top)) {
		text_puts(&v->text, " It is short of CPU.");
		if (!v->advice)
			v->advice = "give it a CPU: others have those that it may use";
	}
	say_children(v, life, top, family);
	/* of what it waited for otherwise, nobody knows whether it had to */
	if (!v->advice && (v->sleeps || most_cell(&top->cells) == CELL_CPU))
		text_puts(&v->text, " Nothing is wrong by these figures alone.");
}

/*
 * What took the most; sets of which time. Where children are followed, what their parents wait for
 * is what they do themselves, and stands in the account already.
 */
static const struct time_row *most_time(const struct life *life, bool family, uint64_t *of_ns)
{
	const struct time_row *top = NULL;

	*of_ns = life->sum_ns;
	for (size_t i = 0; i < life->rows.n; i++) {
		const struct time_row *row = keymap_value(&life->rows, i);

		if (family && waits_for_children(row->call))
			*of_ns -= row->cells.lat_ns;
		else if (!top || row->cells.lat_ns > top->cells.lat_ns)
			top = row;
	}
	return top || !family ? top : most_time(life, false, of_ns);
}

/*
 * A program that does little between its calls spends its time on them: then @top is the call that
 * took the most.
 */
static const struct time_row *look_into_loop(const struct life *life, const struct time_row *top,
					     struct verdict *v)
{
	const struct time_row *most = NULL;
	uint64_t calls = 0;

	if (strcmp(top->call, "user") != 0 || most_cell(&top->cells) != CELL_CPU)
		return top;
	for (size_t i = 0; i < life->rows.n; i++) {
		const struct time_row *row = keymap_value(&life->rows, i);

		if (row == top || (row->call[0] == '(' && !is_fault(row->call)))
			continue;
		calls += row->count;
		if (!most || row->cells.lat_ns > most->cells.lat_ns)
			most = row;
	}
	if (!most || is_sleep(most->call) || calls < MANY ||
	    top->cells.ns[CELL_CPU] / calls > (is_fault(most->call) ? FAULT_NS : LITTLE_NS))
		return top;
	v->loop = true;
	v->ns = top->cells.lat_ns;
	return most;
}

bool ledger_judge(struct ledger *l, struct life *life, bool family, struct keymap *calls,
		  struct keymap *files, struct async *async, struct verdict *v)
{
	const struct time_row *top = most_time(life, family, &v->total_ns);
	const struct cause_row *who;
	bool io = false;

	if (!top || !life->sum_ns)
		return false;
	top = look_into_loop(life, top, v);
	for (size_t i = 0; i < calls->n; i++) {
		const struct sum_row *row = keymap_value(calls, i);

		v->io_ns += row->cells.lat_ns;
		io |= !strcmp(row->call, top->call);
	}
	memcpy(v->call, top->call, sizeof(v->call));
	v->ns += top->cells.lat_ns;
	v->apart_ns = life->sum_ns - v->total_ns;
	v->cell = ledger_cell_names[most_cell(&top->cells)];
	/* files are known of all calls together */
	if (io && top->cells.lat_ns * 2 >= v->io_ns)
		ledger_where(files, v->io_ns, v);
	else if (!io)
		ledger_sampled_where(l, life, v);
	if ((io || is_fault(top->call)) && most_cell(&top->cells) == CELL_WAIT)
		v->reason = longest_reason(l, top->call);
	v->sleeps = is_sleep(top->call) && most_cell(&top->cells) == CELL_WAIT;
	who = ledger_most_to_blame(l, top->call, v->cell);
	v->who = who ? who->who : NULL;
	say_where(v, top, io, who);
	say_async(v, top, async);
	advise(l, v, life, top, family, calls);
	v->said = text_cstr(&v->text);
	return true;
}
