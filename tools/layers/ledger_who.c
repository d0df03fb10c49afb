/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger's table of causes: whose doing it was that threads waited. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "core/kernel/btf_query.h"
#include "core/kernel/jbd2.h"
#include "tools/layers/ledger.h"

/* What isn't a task. */
static const char *const who_names[N_WHO] = {
	[WHO_UNTOLD] = "(not told)", [WHO_IDLE] = "idle CPU",	    [WHO_INTERRUPT] = "interrupt",
	[WHO_TIMER] = "timer",	     [WHO_DEVICE] = "device",	    [WHO_NOT_OVER] = "(not over)",
	[WHO_OTHERS] = "(others)",   [WHO_WRITEBACK] = "writeback",
};

/* Where the preempt count and the run queue are among the variables of a CPU. */
struct places {
	int64_t count, rq; /* -1: not known */
};

static void ask_types(struct places *p, struct jbd2_places *jbd2, const char *file)
{
	struct btf *btf = btf_of_kernel(file);
	int hot, in_hot;

	if (!btf)
		return;
	p->rq = btf_per_cpu_offset(btf, "runqueues");
	p->count = btf_per_cpu_offset(btf, "__preempt_count");
	/* from 6.2 (64701838bf05) to 6.14 (46e8fff6d45f) it was a part of something else */
	hot = btf_per_cpu_offset(btf, "pcpu_hot");
	in_hot = btf_offset(btf, "pcpu_hot", "preempt_count", NULL);
	if (p->count < 0 && hot >= 0 && in_hot >= 0)
		p->count = hot + in_hot;
	jbd2_find(jbd2, btf);
	btf_release(btf);
}

/* Variables aren't among the types that pahole wrote before 1.18, Debian's 5.10 for one. */
static void ask_symbols(struct places *p)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[128];
	uint64_t address;

	while (f && (p->count < 0 || p->rq < 0) && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 " %*c %127s", &address, name) != 2)
			continue;
		if (!strcmp(name, "__preempt_count"))
			p->count = (int64_t)address;
		else if (!strcmp(name, "runqueues"))
			p->rq = (int64_t)address;
	}
	if (f)
		fclose(f);
}

void ledger_who_prepare(struct layers_cfg *cfg, const char *btf)
{
	struct places p = { -1, -1 };

	ask_types(&p, &cfg->jbd2, btf);
	if (p.rq < 0)
		ask_symbols(&p);
	if (p.count >= 0 && p.rq >= 0)
		cfg->preempt_delta = p.count - p.rq;
}

static void name_call(struct cause_row *row, const struct layers_cause_key *key)
{
	char name[TIME_NAME];
	const char *call;

	if (key->call >= CAUSE_OTHER)
		call = ledger_call_name(key->call - CAUSE_OTHER, name, sizeof(name));
	else if (key->call == PART_USER && key->cell != CELL_RUNQ) /* as in the table of times */
		call = ledger_part_name(PART_FAULT);
	else
		call = ledger_part_name(key->call);
	snprintf(row->call, sizeof(row->call), "%s", call);
}

/* Of a process that changed what a journal's commit had, or of the kernel's threads. */
static void name_journal(struct cause_row *row, uint64_t who, const __u64 *comm,
			 struct disk_names *disks)
{
	const char *disk = disk_name(disks, WHO_DEV(who));

	if (row->pid)
		snprintf(row->who, sizeof(row->who), "%.*s %u, journal of %s", COMM_LEN,
			 (const char *)comm, row->pid, disk);
	else
		snprintf(row->who, sizeof(row->who), "writeback, journal of %s", disk);
}

static void name_who(struct cause_row *row, uint64_t who, const __u64 *comm,
		     struct disk_names *disks)
{
	uint32_t id = (uint32_t)who;

	row->kind = WHO_KIND(who);
	if (row->kind == WHO_TASK) {
		row->pid = id;
		snprintf(row->who, sizeof(row->who), "%.*s %u", COMM_LEN, (const char *)comm, id);
	} else if (row->kind == WHO_JOURNAL) {
		row->pid = id;
		name_journal(row, who, comm, disks);
	} else if (row->kind == WHO_DEVICE) {
		snprintf(row->who, sizeof(row->who), "device %s", disk_name(disks, id));
	} else {
		snprintf(row->who, sizeof(row->who), "%s",
			 row->kind < N_WHO ? who_names[row->kind] : "?");
	}
}

/* What rows are told apart by is their beginning. */
struct cause_kind {
	char call[TIME_NAME];
	char who[WHO_NAME];
	uint64_t cell;
};

static void add_cause(struct ledger *l, struct cause_row *named, uint32_t cell,
		      const struct layers_cause *cause, uint64_t total_ns)
{
	struct cause_kind kind = { .cell = cell };
	struct cause_row *row;

	memcpy(kind.call, named->call, sizeof(kind.call));
	memcpy(kind.who, named->who, sizeof(kind.who));
	row = keymap_get(&l->causes, &kind, true);
	if (!row)
		return;
	named->count = row->count + cause->count;
	named->ns = row->ns + cause->ns;
	named->cell = ledger_cell_names[cell];
	named->total_ns = total_ns;
	*row = *named;
}

/* What found no room, by cell. */
static void add_rest(struct run *run, struct ledger *l, uint64_t total_ns)
{
	int fd = loaded_map(run_loaded(run), "layers_cpus");
	struct layers_cpu *c = aligned_alloc(64, sizeof(*c));

	for (uint32_t cpu = 0; c && !bpf_map_lookup_elem(fd, &cpu, c); cpu++) {
		for (uint32_t cell = 0; cell < N_CELLS; cell++) {
			struct cause_row row = { .call = "(others)",
						 .who = "(others)",
						 .kind = WHO_OTHERS };

			if (c->causes_rest[cell].count)
				add_cause(l, &row, cell, &c->causes_rest[cell], total_ns);
		}
	}
	free(c);
}

static void read_causes(struct run *run, struct ledger *l, uint64_t total_ns)
{
	int fd = loaded_map(run_loaded(run), "layers_causes");
	struct layers_cause_key key, *prev = NULL;
	struct disk_names *disks = calloc(1, sizeof(*disks));
	struct layers_cause cause;

	for (; disks && !bpf_map_get_next_key(fd, prev, &key); prev = &key) {
		struct cause_row row = { 0 };

		if (bpf_map_lookup_elem(fd, &key, &cause) || key.cell >= N_CELLS)
			continue;
		name_call(&row, &key);
		name_who(&row, key.who, cause.comm, disks);
		add_cause(l, &row, key.cell, &cause, total_ns);
	}
	free(disks);
	add_rest(run, l, total_ns);
}

void ledger_give_causes(struct run *run, struct ledger *l, const struct life *life)
{
	bool people = run_opts(run)->format == FORMAT_TEXT;

	l->causes = (struct keymap)KEYMAP(struct cause_kind, struct cause_row);
	read_causes(run, l, life->sum_ns);
	for (size_t i = 0; i < l->causes.n; i++) {
		const struct cause_row *row = keymap_value(&l->causes, i);

		/* people want the causes, not everybody who had a CPU for a microsecond */
		if (!people || row->ns * 100 >= life->sum_ns)
			run_give(run, "causes", row, sizeof(*row), 0);
	}
}

const struct cause_row *ledger_most_to_blame(struct ledger *l, const char *call, const char *cell)
{
	const struct cause_row *most = NULL;

	for (size_t i = 0; i < l->causes.n; i++) {
		const struct cause_row *row = keymap_value(&l->causes, i);

		if (strcmp(row->call, call) != 0 || strcmp(row->cell, cell) != 0)
			continue;
		if (row->kind == WHO_UNTOLD || row->kind == WHO_NOT_OVER || row->kind == WHO_OTHERS)
			continue;
		if (!most || row->ns > most->ns)
			most = row;
	}
	return most;
}

void ledger_who_done(struct ledger *l)
{
	keymap_free(&l->causes);
}
