/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The aggregating kinds: an entry of a map becomes one row or several. */
#include "core/run/drain.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/core/stacks.h"

bool drain_is_key(const struct tool_table *t, const struct column *col)
{
	return t->drain && col->field.kind != F_NONE && col->field.off >= sizeof(uint32_t) &&
	       col->field.off < t->drain->key_size;
}

bool drain_identifies(const struct tool_table *t, const struct column *col)
{
	return drain_is_key(t, col) || (col->flags & COL_KEY);
}

const struct column *drain_column(const struct tool *tool, const char *name)
{
	for (const struct column *c = tool->row.columns; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static bool grow(struct report *r)
{
	size_t cap = r->cap ? 2 * r->cap : 256;
	struct sort_row *more = realloc(r->row, cap * sizeof(*more));

	if (!more)
		return false;
	r->row = more;
	r->cap = cap;
	return true;
}

char *report_add_row(struct report *r, size_t len)
{
	size_t room = (len + 7) & ~(size_t)7;
	char *at = text_room(&r->bytes, room);

	if (!at || (r->n == r->cap && !grow(r))) {
		r->failed = true;
		return NULL;
	}
	r->row[r->n++] = (struct sort_row){ (const void *)r->bytes.len, len };
	r->bytes.len += room;
	return at;
}

void report_filter_row(struct report *r, const char *row, uint64_t events)
{
	struct sort_row *newest = &r->row[r->n - 1];

	if (r->counted)
		return;
	if (r->t->spec.again) /* its events are in another table's account */
		events = 0;
	if (!r->t->where || where_match(r->t->where, row, newest->len)) {
		output_shown(r->run, events);
		return;
	}
	r->run->account.filtered += events;
	r->bytes.len = (size_t)newest->rec;
	r->n--;
}

char *report_put_row(char *row, const struct drain *d, const char *key, const void *value,
		     size_t size)
{
	memcpy(row, key, d->key_size);
	memcpy(row + d->key_size, value, size);
	return row + d->key_size + size;
}

static void add_table_row(struct report *r, const char *key, const uint64_t *value)
{
	const struct drain *d = r->d;
	size_t size = d->hist ? d->hist_off : d->value_size;
	size_t stats = d->hist ? sizeof(struct hist_stats) : 0;
	char *row = report_add_row(r, d->key_size + size + stats + sizeof(r->ts_ns) +
					      sizeof(r->span_ns));
	struct hist_stats s;
	char *end;

	if (!row)
		return;
	end = report_put_row(row, d, key, value, size);
	if (d->whole.kind != F_NONE)
		memcpy(row + d->whole.off, &r->whole, sizeof(r->whole));
	if (d->hist) {
		hist_stats((const void *)((const char *)value + size), &r->view, &s);
		memcpy(end, &s, sizeof(s));
		end += sizeof(s);
	}
	memcpy(end, &r->ts_ns, sizeof(r->ts_ns));
	memcpy(end + sizeof(r->ts_ns), &r->span_ns, sizeof(r->span_ns));
	report_filter_row(r, row, value[0]);
}

size_t report_totals_size(const struct drain *d)
{
	return d->key_size + sizeof(struct hist_stats) + sizeof(uint64_t) + report_target_size(d);
}

/* Adds a row for the slot, unless --where drops it. */
static bool add_slot(struct report *r, const char *key, struct hist_row h, uint64_t largest)
{
	const struct drain *d = r->d;
	size_t before = r->n;
	char *row = report_add_row(r, d->key_size + sizeof(h) + sizeof(r->ts_ns) +
					      report_target_size(d));
	char *end;

	if (!row)
		return false;
	h.share = (uint32_t)((double)h.count * 10000.0 / (double)largest);
	end = mempcpy(report_put_row(row, d, key, &h, sizeof(h)), &r->ts_ns, sizeof(r->ts_ns));
	report_put_target(r, key, end);
	report_filter_row(r, row, h.count);
	return r->n > before;
}

static uint64_t largest_of(const uint64_t *slots, size_t n)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < n; i++)
		largest = slots[i] > largest ? slots[i] : largest;
	return largest;
}

static void add_plain_slots(struct report *r, const char *key, const uint64_t *slots)
{
	size_t n = r->d->value_size / 8;
	uint64_t largest = largest_of(slots, n);

	for (size_t i = 0; i < n; i++) {
		struct hist_row h = { .count = slots[i] };

		if (!slots[i])
			continue;
		h.low = n == LOG2_SLOTS ? log2_slot_low((uint32_t)i) : slot_low((uint32_t)i);
		h.high = n == LOG2_SLOTS ? log2_slot_high((uint32_t)i) : slot_high((uint32_t)i);
		add_slot(r, key, h, largest);
	}
}

static void add_totals(struct report *r, const char *key, const struct hist_value *value)
{
	char *row = text_room(&r->totals, report_totals_size(r->d));
	struct hist_stats s;

	if (!row) {
		r->failed = true;
		return;
	}
	hist_stats(value, &r->view, &s);
	row = mempcpy(report_put_row(row, r->d, key, &s, sizeof(s)), &r->ts_ns, sizeof(r->ts_ns));
	report_put_target(r, key, row);
	r->totals.len += report_totals_size(r->d);
}

static void add_hist_rows(struct report *r, const char *key, const struct hist_value *value)
{
	uint64_t counts[HIST_SLOTS] = { 0 }, largest;
	bool any = false;

	for (uint32_t i = 0; i < HIST_SLOTS; i++)
		counts[view_bucket_of(&r->view, i)] += value->slots[i];
	largest = largest_of(counts, HIST_SLOTS);
	for (uint32_t i = 0; i < HIST_SLOTS; i++) {
		struct hist_row h = { .count = counts[i] };

		if (!counts[i])
			continue;
		h.low = view_bucket_low(&r->view, i);
		h.high = view_bucket_low(&r->view, i + 1) - 1;
		any |= add_slot(r, key, h, largest);
	}
	if (any)
		add_totals(r, key, value);
}

uint64_t report_whole(const struct report *r)
{
	uint64_t sum = 0;

	for (size_t i = 0; r->d->whole.kind != F_NONE && i < r->merged.n; i++) {
		const char *value = (const char *)keymap_value(&r->merged, i);

		sum += ((const struct hist_value *)(value + r->d->hist_off))->sum;
	}
	return sum;
}

void report_add_merged(struct report *r)
{
	for (size_t i = 0; i < r->merged.n; i++)
		report_add_entry(r, keymap_key(&r->merged, i), keymap_value(&r->merged, i));
}

void report_add_entry(struct report *r, const char *key, const uint64_t *value)
{
	if (r->t->spec.kind == TOOL_STACKS)
		report_add_stack(r, key, value);
	else if (r->t->spec.kind == TOOL_TABLE)
		add_table_row(r, key, value);
	else if (r->d->hist)
		add_hist_rows(r, key, (const void *)value);
	else
		add_plain_slots(r, key, value);
}
