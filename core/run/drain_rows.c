/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The aggregating kinds: an entry of a map becomes one row or several. */
#include "core/run/drain.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/core/stacks.h"

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

/* Key, value, time: in that order in every row. Returns where the time goes. */
static char *put_row(char *row, const struct drain *d, const char *key, const void *value,
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
	end = put_row(row, d, key, value, size);
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
	return d->key_size + sizeof(struct hist_stats) + sizeof(uint64_t);
}

/* Adds a row for the slot, unless --where drops it. */
static bool add_slot(struct report *r, const char *key, struct hist_row h, uint64_t largest)
{
	const struct drain *d = r->d;
	size_t before = r->n;
	char *row = report_add_row(r, d->key_size + sizeof(h) + sizeof(r->ts_ns));

	if (!row)
		return false;
	h.share = (uint32_t)((double)h.count * 10000.0 / (double)largest);
	memcpy(put_row(row, d, key, &h, sizeof(h)), &r->ts_ns, sizeof(r->ts_ns));
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
	memcpy(put_row(row, r->d, key, &s, sizeof(s)), &r->ts_ns, sizeof(r->ts_ns));
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

/* Appends the frames of stack @id_field to @row at @pos; returns the bytes they take. */
static uint32_t take_frames(const struct report *r, const char *key, const struct field *id_field,
			    char *row, uint32_t pos, struct vstack *s)
{
	int fd = loaded_map(r->run->source.loaded, r->d->stack_map);
	bool user = id_field == &r->d->ustack_id;
	uint64_t all[1 + STACK_FRAMES] = { 0 }, *frames = all + user; /* as struct vstack has it */
	int32_t id;
	uint32_t n = 0;

	if (id_field->kind == F_NONE)
		return 0;
	memcpy(&id, key + id_field->off, sizeof(id));
	if (id == STACK_LOST)
		frames[0] = STACK_LOST_FRAME;
	else if (id < 0 || bpf_map_lookup_elem(fd, &id, frames))
		return 0;
	while (n < STACK_FRAMES && frames[n])
		n++;
	n += user;
	if (user && r->d->program.kind != F_NONE)
		memcpy(all, key + r->d->program.off, sizeof(*all));
	memcpy(row + pos, all, n * 8);
	s->off = pos;
	s->len = n * 8;
	return n * 8;
}

static void add_stack_row(struct report *r, const char *key, const uint64_t *value)
{
	const struct drain *d = r->d;
	struct stack_row s = { .count = *value, .sum = d->value_size > 8 ? value[1] : 0 };
	uint32_t pos = d->key_size + sizeof(s) + sizeof(r->ts_ns);
	char *row = report_add_row(r, pos + (1 + 2 * STACK_FRAMES) * 8);

	if (!row)
		return;
	pos += take_frames(r, key, &d->kstack_id, row, pos, &s.kstack);
	pos += take_frames(r, key, &d->ustack_id, row, pos, &s.ustack);
	memcpy(put_row(row, d, key, &s, sizeof(s)), &r->ts_ns, sizeof(r->ts_ns));
	r->row[r->n - 1].len = pos;
	report_filter_row(r, row, s.count);
}

void report_add_entry(struct report *r, const char *key, const uint64_t *value)
{
	if (r->t->spec.kind == TOOL_STACKS)
		add_stack_row(r, key, value);
	else if (r->t->spec.kind == TOOL_TABLE)
		add_table_row(r, key, value);
	else if (r->d->hist)
		add_hist_rows(r, key, (const void *)value);
	else
		add_plain_slots(r, key, value);
}
