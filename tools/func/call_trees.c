/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/call_trees.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 16384
#define CALLS_KEPT  4096 /* room that a thread without a tree keeps for its next one */
#define NO_CALL	    UINT32_MAX

static struct call_thread **place_of(struct call_trees *trees, uint32_t tid)
{
	struct call_thread **at = &trees->slot[tid % THREAD_SLOTS];

	while (*at && (*at)->tid != tid)
		at = &(*at)->next;
	return at;
}

static void drop(struct call_trees *trees, struct call_thread **at)
{
	struct call_thread *t = *at;

	*at = t->next;
	free(t->calls);
	free(t);
	trees->n_threads--;
}

/*
 * Most threads have ended long ago; one that hasn't is asked about again. Whether it is a target
 * nobody could say then of one that a target has made, so those stay as long as they live.
 */
static void make_room(struct call_trees *trees)
{
	for (size_t i = 0; i < THREAD_SLOTS; i++)
		for (struct call_thread **at = &trees->slot[i]; *at;)
			if ((*at)->n_open ||
			    ((*at)->counts && trees->gone && !trees->gone(trees->arg, (*at)->tid)))
				at = &(*at)->next;
			else
				drop(trees, at);
}

static struct call_thread *make(struct call_trees *trees, uint32_t tid)
{
	struct call_thread **at, *t;

	if (trees->n_threads >= THREADS_MAX)
		make_room(trees);
	at = place_of(trees, tid);
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->tid = tid;
	*at = t;
	trees->n_threads++;
	return t;
}

struct call_thread *call_thread(struct call_trees *trees, uint32_t tid)
{
	struct call_thread *t = *place_of(trees, tid);

	if (!t) {
		t = make(trees, tid);
		if (t)
			trees->ask(trees->arg, t);
	}
	return t;
}

/* Clocks of two CPUs may differ; the buffer's doesn't, but a CPU's own is what the kernel prints.
 */
static void take_cpu_times(struct call_thread *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct call *c = &t->calls[i];

		if (c->lat_ns != NOT_RETURNED)
			c->lat_ns = c->cpu_lat_ns;
		c->under_ns = c->cpu_under_ns;
	}
}

/* The tree is over, however that came. */
static void hand_on(struct call_trees *trees, struct call_thread *t)
{
	if (!t->moved)
		take_cpu_times(t);
	if (t->n && trees->tree)
		trees->tree(trees->arg, t);
	t->n = t->n_open = 0;
	t->moved = t->broken = false;
	if (t->room > CALLS_KEPT) {
		free(t->calls);
		t->calls = NULL;
		t->room = 0;
	}
}

static void add_times(struct call_thread *t, int open, const struct call_event *e)
{
	struct call *c = &t->calls[t->open[open].call], *above;

	c->lat_ns = e->ts_ns - c->begin_ns;
	c->cpu_lat_ns = e->lat_ns;
	t->moved |= t->calls[0].cpu != e->cpu || !e->lat_ns;
	if (!open || t->open[open - 1].call == NO_CALL)
		return;
	above = &t->calls[t->open[open - 1].call];
	above->under_ns += c->lat_ns;
	above->cpu_under_ns += c->cpu_lat_ns;
}

static struct call *add(struct call_thread *t)
{
	size_t room = t->room ? 2 * t->room : 64;
	struct call *more;

	if (t->n == TREE_CALLS_MAX)
		return NULL;
	if (t->n == t->room) {
		more = realloc(t->calls, room * sizeof(*more));
		if (!more)
			return NULL;
		t->calls = more;
		t->room = room;
	}
	return &t->calls[t->n++];
}

/* A function that isn't among those that are asked for begins a tree only where a gap was. */
static void begin_tree(struct call_thread *t, const struct call_event *e)
{
	if (t->gap && e->depth > t->base)
		return;
	t->base = e->depth;
	t->gap = false;
}

/* The thread that @e is about; NULL: out of memory. */
static struct call_thread *thread_of(struct call_trees *trees, const struct call_event *e)
{
	struct call_thread *t = call_thread(trees, e->tid);

	if (!t)
		return NULL;
	if (t->broken)
		hand_on(trees, t);
	t->cpu = e->cpu;
	return t;
}

void call_entered(struct call_trees *trees, const struct call_event *e)
{
	struct call_thread *t = thread_of(trees, e);
	struct call *c;

	if (!t)
		return;
	if (!t->counts && !t->n_open) {
		if (!t->skips)
			t->skip_depth = e->depth;
		t->skips = true;
	}
	if (t->skips) {
		/* the return of what is skipped was lost */
		if (t->counts && e->depth <= t->skip_depth)
			t->skips = false;
		else
			return;
	}
	/* returns that were lost */
	while (t->n_open && t->open[t->n_open - 1].depth >= e->depth)
		t->n_open--;
	if (!t->n_open) {
		hand_on(trees, t);
		if (!t->gap && !trees->begins(trees->arg, e->func))
			return;
		begin_tree(t, e);
	}
	c = t->n_open < CALL_DEPTH_MAX ? add(t) : NULL;
	if (!c)
		trees->no_room++;
	else
		*c = (struct call){ .func = e->func,
				    .begin_ns = e->ts_ns,
				    .lat_ns = NOT_RETURNED,
				    .level = e->depth - t->base,
				    .cpu = e->cpu };
	t->moved |= t->n && t->calls[0].cpu != e->cpu;
	if (t->n_open == CALL_DEPTH_MAX)
		return;
	t->open[t->n_open].call = c ? (uint32_t)(c - t->calls) : NO_CALL;
	t->open[t->n_open].depth = e->depth;
	t->open[t->n_open++].func = e->func;
}

/* Which open call has returned; -1: none that is known. */
static int who_returned(const struct call_thread *t, const struct call_event *e)
{
	int i = (int)t->n_open - 1;

	while (i >= 0 && (t->open[i].func != e->func || t->open[i].depth != e->depth))
		i--;
	return i;
}

/* The kernel's count of a thread never falls; what it was before we looked isn't ours. */
static void count_overrun(struct call_trees *trees, struct call_thread *t, uint64_t overrun)
{
	if (t->overrun_known && t->counts && overrun > t->overrun)
		trees->overrun += overrun - t->overrun;
	t->overrun = overrun;
	t->overrun_known = true;
}

void call_returned(struct call_trees *trees, const struct call_event *e)
{
	struct call_thread *t = thread_of(trees, e);
	int i;

	if (!t)
		return;
	count_overrun(trees, t, e->overrun);
	if (t->skips) {
		t->skips = e->depth > t->skip_depth;
		return;
	}
	i = who_returned(t, e);
	if (i < 0)
		return;
	t->n_open = (uint32_t)i;
	if (t->open[i].call != NO_CALL)
		add_times(t, i, e);
	if (!t->n_open)
		hand_on(trees, t);
}

void call_task_made(struct call_trees *trees, uint32_t tid, uint32_t made, bool same,
		    const char *comm)
{
	struct call_thread *parent = call_thread(trees, tid), **at = place_of(trees, made), *t;

	if (*at) { /* the number was another thread's, which has ended within a call */
		hand_on(trees, *at);
		drop(trees, at);
	}
	t = parent ? make(trees, made) : NULL;
	if (!t)
		return;
	parent = call_thread(trees, tid); /* make() may have dropped it */
	if (!parent)
		return;
	t->pid = same ? parent->pid : made;
	t->counts = parent->counts && (same ? !parent->alone : trees->follow);
	t->overrun_known = true;
	if (parent->counts && !same && !parent->alone && !trees->follow)
		trees->children_left_out++;
	snprintf(t->comm, sizeof(t->comm), "%s", comm);
}

void call_task_execs(struct call_trees *trees, uint32_t pid, uint32_t tid, bool begins)
{
	struct call_thread **at = place_of(trees, pid), *t;

	if (pid != tid) { /* a thread takes its process over, with its number */
		if (*at) {
			hand_on(trees, *at);
			drop(trees, at);
		}
		at = place_of(trees, tid);
		t = *at;
		if (t) {
			*at = t->next;
			t->tid = pid;
			t->next = NULL;
			*place_of(trees, pid) = t;
		}
	}
	t = begins ? call_thread(trees, pid) : NULL;
	if (t)
		t->counts = true;
}

void call_task_named(struct call_trees *trees, uint32_t tid, const char *comm)
{
	struct call_thread *t = *place_of(trees, tid);

	if (t)
		snprintf(t->comm, sizeof(t->comm), "%s", comm);
}

void call_trees_gap(struct call_trees *trees, uint32_t cpu)
{
	for (size_t i = 0; i < THREAD_SLOTS; i++)
		for (struct call_thread *t = trees->slot[i]; t; t = t->next) {
			t->gap = true;
			t->broken |= t->n_open && t->cpu == cpu;
		}
}

void call_trees_end(struct call_trees *trees)
{
	for (size_t i = 0; i < THREAD_SLOTS; i++)
		while (trees->slot[i]) {
			hand_on(trees, trees->slot[i]);
			drop(trees, &trees->slot[i]);
		}
}
