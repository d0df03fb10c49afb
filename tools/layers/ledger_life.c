/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The account of whole lives: what each call, and the time between calls, took of the time in which
 * threads were watched. That time is known apart from it, so whether all of it is there is checked.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/base/log.h"
#include "core/rows/syscalls.h"
#include "tools/layers/ledger.h"

/* Rows of what isn't a call. */
static const char *const part_names[N_PARTS] = {
	[PART_USER] = "user",
	[PART_FAULT] = "(fault)",
	[PART_BEFORE] = "(before)",
	[PART_START] = "(start)",
};

/* Runs the iterator behind @fd. */
static bool visit_threads(int fd)
{
	char none[64];
	ssize_t n;

	if (fd < 0)
		return false;
	do {
		n = read(fd, none, sizeof(none));
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	close(fd);
	return n == 0;
}

bool ledger_life_begin(struct run *run, struct ledger *l)
{
	/* opened while that is allowed */
	l->end_iter = loaded_iter(run_loaded(run), "layers_end");
	if (l->end_iter >= 0 && visit_threads(loaded_iter(run_loaded(run), "layers_begin")))
		return true;
	log_error("cannot look at the threads that are there: %s", strerror(errno));
	return false;
}

void ledger_life_end(struct ledger *l)
{
	if (!visit_threads(l->end_iter))
		log_warn("what was under way in the end is in no table: %s", strerror(errno));
	l->end_iter = -1;
}

static struct time_row *row_of(struct life *life, const char *name)
{
	char key[TIME_NAME] = "";
	struct time_row *row;

	snprintf(key, sizeof(key), "%s", name);
	row = keymap_get(&life->rows, key, true);
	if (row)
		memcpy(row->call, key, sizeof(key));
	return row;
}

static void add_time(struct life *life, const char *name, const struct layers_time *t)
{
	uint64_t ns = 0;
	struct time_row *row;

	for (int i = 0; i < N_CELLS; i++)
		ns += t->cells[i];
	if (!ns && !t->count)
		return;
	row = row_of(life, name);
	if (!row)
		return;
	row->count += t->count;
	row->errors += t->errors;
	row->cells.lat_ns += ns;
	for (int i = 0; i < N_CELLS; i++)
		row->cells.ns[i] += t->cells[i];
	life->sum_ns += ns;
}

const char *ledger_call_name(uint32_t slot, char *name, size_t size)
{
	uint32_t nr = slot % SYSCALL_MAX;
	const char *known = syscall_name(nr, slot >= SYSCALL_MAX);

	if (known)
		return known;
	snprintf(name, size, "call %u", nr);
	return name;
}

const char *ledger_part_name(uint32_t call)
{
	return call < N_CALLS ? layers_call_names[call] : part_names[call];
}

static void add_others(struct life *life, const struct layers_time *others)
{
	char name[TIME_NAME];

	for (uint32_t i = 0; i < OTHER_CALLS; i++) {
		if (!others[i].count && !others[i].cells[CELL_CPU] && !others[i].cells[CELL_WAIT] &&
		    !others[i].cells[CELL_RUNQ] && !others[i].cells[CELL_UNKNOWN])
			continue;
		life->other_calls += others[i].count;
		add_time(life, ledger_call_name(i, name, sizeof(name)), &others[i]);
	}
}

/* What a thread was doing on the CPU whose record is @c when watching ended. */
static void add_unfinished(struct life *life, const struct layers_cpu *c, uint64_t end_ns)
{
	struct layers_time t = { 0 };
	char name[TIME_NAME];
	uint32_t call = c->entry.call;

	if (!call || !end_ns)
		return;
	if (c->entry.entry_ns > end_ns) /* begun by a program that was still running */
		life->watched_ns += c->entry.entry_ns - end_ns;
	else
		t.cells[CELL_CPU] = end_ns - c->entry.entry_ns;
	if (call == PART_OTHER)
		add_time(life, ledger_call_name(c->entry.slot, name, sizeof(name)), &t);
	else if (call < N_PARTS)
		add_time(life, ledger_part_name(call), &t);
}

void ledger_life_add(struct life *life, const struct layers_cpu *c, uint64_t end_ns)
{
	const struct layers_time user = { .cells[CELL_CPU] = c->user_ns };

	life->watched_ns += c->watched_ns;
	life->threads += c->threads;
	for (int i = 0; i < N_BOOKS; i++)
		life->books[i] += c->books[i];
	life->books_kept |= c->books_kept;
	life->blocked += c->blocked;
	life->preempted += c->preempted;
	life->again += c->again;
	life->faults += c->faults;
	life->device_bytes += c->device_bytes;
	ledger_add_failures(life, c->failures);
	ledger_add_samples(life, c->sampled);
	add_time(life, part_names[PART_USER], &user);
	for (uint32_t i = 1; i < N_PARTS; i++)
		if (i != PART_OTHER)
			add_time(life, ledger_part_name(i), &c->parts[i]);
	add_others(life, c->others);
	add_unfinished(life, c, end_ns);
}

void ledger_life_add_call(struct life *life, const struct sum_row *calls)
{
	struct layers_time t = { calls->count, calls->errors, { 0 } };

	memcpy(t.cells, calls->cells.ns, sizeof(t.cells));
	add_time(life, calls->call, &t);
}

void ledger_life_give(struct run *run, struct life *life)
{
	for (size_t i = 0; i < life->rows.n; i++) {
		struct time_row *row = keymap_value(&life->rows, i);

		row->total_ns = life->sum_ns;
		run_give(run, "times", row, sizeof(*row), 0);
	}
}

void ledger_life_check(struct run *run, const struct life *life)
{
	bool short_of = life->sum_ns < life->watched_ns;
	uint64_t off = short_of ? life->watched_ns - life->sum_ns : life->sum_ns - life->watched_ns;
	char text[32], line[160], by[32];

	run_summary_add(run, "threads", life->threads, false);
	run_summary_add(run, "watched_ns", life->watched_ns, false);
	run_summary_add(run, "unaccounted_ns", off, false);
	run_summary_add(run, "unfollowed_calls", life->other_calls, false);
	run_summary_add(run, "major_faults", life->faults, false);
	if (!life->threads)
		sink_note(run_sink(run), "No thread that was asked for was there, or came.");
	if (run_opts(run)->format != FORMAT_TEXT || !life->threads)
		return;
	ledger_duration(life->watched_ns, text, sizeof(text));
	ledger_duration(off, by, sizeof(by));
	snprintf(line, sizeof(line),
		 "%" PRIu64 " thread%s watched for %s in all; the table Time %s%s%s.",
		 life->threads, life->threads == 1 ? " was" : "s were", text,
		 off ? "is off by " : "adds up to exactly that", off ? by : "",
		 off ? ", which is a fault in it" : "");
	sink_note(run_sink(run), line);
	sink_note(run_sink(run),
		  "In CELLS a letter is a twentieth of LAT: c cpu, r runq, q queue, d device, "
		  "w wait, ? unknown.");
}
