/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ledger's table of waits. Stacks of the same functions are one, whatever the offsets. */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/names/stack.h"
#include "tools/layers/ledger.h"

/* What waits are told apart by. */
struct wait_kind {
	uint64_t stack; /* its functions' names, hashed; 0: none */
	uint32_t call;
	uint32_t reserved;
};

static uint64_t hash_name(uint64_t h, const char *name)
{
	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211ULL;
	return (h ^ '/') * 1099511628211ULL;
}

static uint64_t hash_stack(struct ledger *l, const uint64_t *frames, size_t n)
{
	uint64_t h = n ? 14695981039346656037ULL : 0;

	for (size_t i = 0; i < n; i++)
		h = hash_name(h, stack_kernel_name(l->names, frames[i], true));
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

static int by_wait(const void *a, const void *b)
{
	const struct wait_row *x = *(struct wait_row *const *)a, *y = *(struct wait_row *const *)b;

	return x->wait_ns > y->wait_ns ? -1 : x->wait_ns < y->wait_ns;
}

static void explain_wait(struct ledger *l, struct wait_row *row, uint64_t total)
{
	size_t frames = row->stack.len / sizeof(row->frames[0]);

	row->reason = frames ? ledger_reason(l, row->frames, frames) : "(others)";
	row->share = (uint32_t)((double)row->wait_ns * 10000.0 / (double)(total ? total : 1));
}

/* Fills @shown with those of @sorted that are shown; returns how many. */
static size_t choose_waits(struct run *run, struct ledger *l, struct wait_row **sorted, size_t n,
			   uint64_t total, struct sort_row *shown)
{
	size_t i = 0;

	for (; i < n; i++) {
		/* people want the causes, not every stack that ever waited for a microsecond */
		if (i && run_opts(run)->format == FORMAT_TEXT && sorted[i]->wait_ns * 50 < total)
			break;
		explain_wait(l, sorted[i], total);
		shown[i] = (struct sort_row){ sorted[i], sizeof(*sorted[i]) };
	}
	return i;
}

void ledger_print_waits(struct run *run, struct ledger *l, size_t top)
{
	const struct selection *sel = run_default_columns(run, &layers_waits_table);
	struct keymap waits = KEYMAP(struct wait_kind, struct wait_row);
	uint64_t total = read_waits(run, l, &waits);
	struct wait_row **sorted = calloc(waits.n + 1, sizeof(struct wait_row *));
	struct sort_row *shown = calloc(waits.n + 1, sizeof(*shown));
	size_t n = 0;

	if (sorted && shown) {
		for (size_t i = 0; i < waits.n; i++)
			sorted[i] = keymap_value(&waits, i);
		qsort(sorted, waits.n, sizeof(struct wait_row *), by_wait);
		n = choose_waits(run, l, sorted, waits.n < top ? waits.n : top, total, shown);
	}
	sink_title(run_sink(run), "Where the waits were");
	if (sel && shown)
		sink_table(run_sink(run), sel, shown, n);
	free(sorted);
	free(shown);
	keymap_free(&waits);
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
