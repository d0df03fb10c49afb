/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The tracer's buffers, one per CPU, and their records in the order of time. */
#include "tools/func/calltree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Records that were taken from one CPU's buffer, from head on. */
struct graph_cpu {
	int fd; /* -1: there is none */
	bool gap;
	struct graph_record *record;
	size_t head, n, room;
};

bool graph_buffers_open(struct graph_trace *g, char *why, size_t size)
{
	char file[64];
	bool any = false;

	g->page_size = (size_t)sysconf(_SC_PAGESIZE);
	g->page = malloc(g->page_size);
	g->cpu = calloc(g->cpus.ids, sizeof(*g->cpu));
	for (uint32_t cpu = 0; g->cpu && cpu < g->cpus.ids; cpu++)
		g->cpu[cpu].fd = -1;
	if (!g->page || !g->cpu) {
		snprintf(why, size, "out of memory");
		return false;
	}
	for (uint32_t cpu = 0; cpu < g->cpus.ids; cpu++) {
		snprintf(file, sizeof(file), "per_cpu/cpu%u/trace_pipe_raw", cpu);
		g->cpu[cpu].fd = openat(g->dir, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		any |= g->cpu[cpu].fd >= 0;
	}
	if (!any)
		snprintf(why, size, "cannot open trace_pipe_raw in tracefs: %s", strerror(errno));
	return any;
}

static bool take_exit(const struct graph_trace *g, struct graph_record *r,
		      const unsigned char *data, size_t len)
{
	uint64_t called = trace_number(&g->calltime, data, len);
	uint64_t returned = trace_number(&g->rettime, data, len);

	r->func = trace_number(&g->exit_func, data, len);
	r->depth = (uint32_t)trace_number(&g->exit_depth, data, len);
	r->overrun = trace_number(&g->overrun, data, len);
	r->lat_ns = returned > called ? returned - called : 0;
	return true;
}

static bool take_task(const struct graph_trace *g, struct graph_record *r,
		      const unsigned char *data, size_t len)
{
	if (r->kind == GRAPH_NEWTASK) {
		r->other = (uint32_t)trace_number(&g->made, data, len);
		r->same = trace_number(&g->clone_flags, data, len) & CLONE_THREAD;
		trace_text(&g->made_comm, data, len, r->comm, sizeof(r->comm));
	} else if (r->kind == GRAPH_RENAME) {
		r->other = (uint32_t)trace_number(&g->named, data, len);
		trace_text(&g->new_comm, data, len, r->comm, sizeof(r->comm));
	} else {
		r->tid = (uint32_t)trace_number(&g->exec_pid, data, len);
		r->other = (uint32_t)trace_number(&g->exec_old, data, len);
	}
	return r->other;
}

/* False: it is none of ours. */
static bool take_record(const struct graph_trace *g, struct graph_record *r,
			const unsigned char *data, size_t len)
{
	/* every record begins so: struct trace_entry */
	const struct trace_field type = { 0, 2 }, pid = { 4, 4 };
	uint32_t id = (uint32_t)trace_number(&type, data, len), kind = 0;

	while (kind < N_GRAPH_KINDS && g->id[kind] != id)
		kind++;
	r->kind = kind;
	r->tid = (uint32_t)trace_number(&pid, data, len);
	switch (kind) {
	case GRAPH_ENTRY:
		r->func = trace_number(&g->func, data, len);
		r->depth = (uint32_t)trace_number(&g->depth, data, len);
		return true;
	case GRAPH_EXIT:
		return take_exit(g, r, data, len);
	default:
		return kind < N_GRAPH_KINDS && take_task(g, r, data, len);
	}
}

static struct graph_record *add(struct graph_cpu *c)
{
	size_t room = c->room ? 2 * c->room : 1024;
	struct graph_record *more;

	if (c->n == c->room && c->head > c->room / 2) {
		c->n -= c->head;
		memmove(c->record, c->record + c->head, c->n * sizeof(*c->record));
		c->head = 0;
	} else if (c->n == c->room) {
		more = realloc(c->record, room * sizeof(*more));
		if (!more)
			return NULL;
		c->record = more;
		c->room = room;
	}
	memset(&c->record[c->n], 0, sizeof(c->record[0]));
	return &c->record[c->n++];
}

static void take_page(struct graph_trace *g, uint32_t cpu, size_t len)
{
	struct graph_cpu *c = &g->cpu[cpu];
	const unsigned char *data;
	struct trace_page page;
	size_t n;

	if (!trace_page_open(&page, g->page, len))
		return;
	c->gap |= page.gap;
	while (trace_page_next(&page, &data, &n)) {
		struct graph_record *r = add(c);

		if (!r) { /* as good as lost: the account has it so */
			g->no_memory++;
			c->gap = true;
			continue;
		}
		r->ts_ns = page.ts_ns;
		r->cpu = cpu;
		if (!take_record(g, r, data, n)) {
			c->n--;
			continue;
		}
		r->gap = c->gap;
		c->gap = false;
	}
}

void graph_buffers_take(struct graph_trace *g)
{
	for (uint32_t cpu = 0; g->cpu && cpu < g->cpus.ids; cpu++) {
		ssize_t n;

		if (g->cpu[cpu].fd < 0)
			continue;
		while ((n = read(g->cpu[cpu].fd, g->page, g->page_size)) > 0)
			take_page(g, cpu, (size_t)n);
	}
}

/* "overrun: 12" and so on: records that found no room, or were written over. */
static uint64_t lost_on(const struct graph_trace *g, uint32_t cpu)
{
	static const char *const lines[] = { "\noverrun: ", "\ncommit overrun: ",
					     "\ndropped events: " };
	char file[64], text[512];
	uint64_t lost = 0;
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "per_cpu/cpu%u/stats", cpu);
	fd = openat(g->dir, file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const char *at = strstr(text, lines[i]);

		lost += at ? strtoull(at + strlen(lines[i]), NULL, 10) : 0;
	}
	return lost;
}

uint64_t graph_buffers_lost(const struct graph_trace *g)
{
	uint64_t lost = g->no_memory;

	for (uint32_t cpu = 0; g->cpu && cpu < g->cpus.ids; cpu++)
		if (g->cpu[cpu].fd >= 0)
			lost += lost_on(g, cpu);
	return lost;
}

void graph_buffers_close(struct graph_trace *g)
{
	for (uint32_t cpu = 0; g->cpu && cpu < g->cpus.ids; cpu++) {
		if (g->cpu[cpu].fd >= 0)
			close(g->cpu[cpu].fd);
		g->cpu[cpu].fd = -1;
	}
}

void graph_buffers_free(struct graph_trace *g)
{
	graph_buffers_close(g);
	for (uint32_t cpu = 0; g->cpu && cpu < g->cpus.ids; cpu++)
		free(g->cpu[cpu].record);
	free(g->cpu);
	free(g->page);
	g->cpu = NULL;
	g->page = NULL;
}

static uint64_t next_ns(const struct graph_cpu *c)
{
	return c->head < c->n ? c->record[c->head].ts_ns : UINT64_MAX;
}

/* The CPU whose next record is the earliest; @until_ns comes down to that of the others. */
static struct graph_cpu *earliest(struct graph_trace *g, uint64_t *until_ns)
{
	struct graph_cpu *first = NULL;

	for (uint32_t cpu = 0; cpu < g->cpus.ids; cpu++) {
		struct graph_cpu *c = &g->cpu[cpu];

		if (next_ns(c) == UINT64_MAX)
			continue;
		if (first && next_ns(c) >= next_ns(first)) {
			if (next_ns(c) < *until_ns)
				*until_ns = next_ns(c);
			continue;
		}
		if (first && next_ns(first) < *until_ns)
			*until_ns = next_ns(first);
		first = c;
	}
	return first;
}

void graph_buffers_give(struct graph_trace *g, uint64_t until_ns,
			void (*take)(void *arg, const struct graph_record *r), void *arg)
{
	while (g->cpu) {
		uint64_t until = until_ns;
		struct graph_cpu *c = earliest(g, &until);
		size_t before;

		if (!c)
			return;
		before = c->head;
		/* two that are as early: one record at a time makes sure that it goes on */
		while (next_ns(c) < until_ns && (next_ns(c) < until || c->head == before))
			take(arg, &c->record[c->head++]);
		if (c->head == before)
			return;
	}
}
