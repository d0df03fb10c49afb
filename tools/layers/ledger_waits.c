/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger's table of waits. Stacks of the same functions are one, whatever the offsets. */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/base/hash.h"
#include "core/names/stack.h"
#include "tools/layers/ledger.h"

/* What waits are told apart by. */
struct wait_kind {
	uint64_t stack; /* its functions' names, hashed; 0: none */
	uint32_t call;
	uint32_t reserved;
};

static uint64_t hash_stack(struct ledger *l, const uint64_t *frames, size_t n)
{
	uint64_t h = n ? HASH_START : 0;

	for (size_t i = 0; i < n; i++) {
		const char *name = stack_kernel_name(l->names, frames[i], true);

		h = hash_bytes(h, name, strlen(name) + 1);
	}
	return h;
}

static void add_wait(struct run *run, struct ledger *l, struct keymap *waits,
		     const struct layers_wait_key *key, const struct layers_wait *w)
{
	uint64_t frames[STACK_FRAMES];
	size_t n = ledger_stack(run, l, key->stack, frames);
	const struct wait_kind kind = { hash_stack(l, frames, n), key->call, 0 };
	struct wait_row *row = keymap_get(waits, &kind, true);

	if (!row)
		return;
	if (w->wait_ns >= row->shown_ns) { /* the offsets that are shown */
		row->shown_ns = w->wait_ns;
		memcpy(row->frames, frames, sizeof(frames));
		row->stack = (struct vstack){ offsetof(struct wait_row, frames),
					      (uint32_t)(n * sizeof(frames[0])) };
	}
	row->call = key->call;
	row->count += w->count;
	row->wait_ns += w->wait_ns;
	if (w->max_ns > row->max_ns)
		row->max_ns = w->max_ns;
}

/* Returns the sum. */
static uint64_t read_waits(struct run *run, struct ledger *l, struct keymap *waits)
{
	int fd = loaded_map(run_loaded(run), "layers_waits");
	struct layers_wait_key key, *prev = NULL;
	struct layers_wait w;
	uint64_t total = 0;

	for (; !bpf_map_get_next_key(fd, prev, &key); prev = &key) {
		if (bpf_map_lookup_elem(fd, &key, &w) || !w.count)
			continue;
		add_wait(run, l, waits, &key, &w);
		total += w.wait_ns;
	}
	return total;
}

static void explain_wait(struct ledger *l, struct wait_row *row, uint64_t total)
{
	size_t frames = row->stack.len / sizeof(row->frames[0]);

	row->reason = frames ? ledger_reason(l, row->frames, frames) : "(others)";
	row->share = (uint32_t)((double)row->wait_ns * 10000.0 / (double)(total ? total : 1));
}

/* People want the causes, not every stack that ever waited for a microsecond. */
static bool is_cause(const struct wait_row *row, uint64_t total, uint64_t longest)
{
	return row->wait_ns == longest || row->wait_ns * 50 >= total;
}

void ledger_give_waits(struct run *run, struct ledger *l)
{
	bool people = run_opts(run)->format == FORMAT_TEXT;
	uint64_t total, longest = 0;

	l->waits = (struct keymap)KEYMAP(struct wait_kind, struct wait_row);
	total = read_waits(run, l, &l->waits);
	for (size_t i = 0; i < l->waits.n; i++) {
		const struct wait_row *row = keymap_value(&l->waits, i);

		longest = row->wait_ns > longest ? row->wait_ns : longest;
	}
	for (size_t i = 0; i < l->waits.n; i++) {
		struct wait_row *row = keymap_value(&l->waits, i);

		if (people && !is_cause(row, total, longest))
			continue;
		explain_wait(l, row, total);
		run_give(run, "waits", row, sizeof(*row), 0);
	}
}

void ledger_waits_done(struct ledger *l)
{
	keymap_free(&l->waits);
}

void ledger_waits_start(struct run *run)
{
	int fd = loaded_map(run_loaded(run), "layers_waits");
	const struct layers_wait none = { 0 };

	for (uint32_t call = 1; call < N_CALLS; call++) {
		const struct layers_wait_key key = { -1, call };

		bpf_map_update_elem(fd, &key, &none, BPF_NOEXIST);
	}
}
