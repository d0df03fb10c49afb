/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The row "(others)": what found no room in an aggregating map (bpf/core/others.bpf.h). */
#include "core/run/drain.h"

#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/core/memo.h"

#define OTHERS "(others)"

static bool is_any(const uint64_t *value, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (value[i])
			return true;
	return false;
}

const struct bpf_map *drain_others_map(const struct run *run, const struct drain *d)
{
	bool main = d == run->plan.main->spec.drain;

	if (!d->others && !main)
		return NULL;
	return bpf_object__find_map_by_name(run->source.loaded->obj,
					    d->others ? d->others : "others");
}

/* One of its values, and 0 instead of it; the command's own map is mapped. */
static bool take_value(const struct report *r, int fd, uint32_t index, uint64_t *value,
		       const uint64_t *zero)
{
	const struct halves *others = &r->run->source.loaded->others;
	size_t size = r->d->value_size;
	void *at = others->at + index * others->size;

	if (r->d->others)
		return !bpf_map_lookup_elem(fd, &index, value) && is_any(value, size / 8) &&
		       !bpf_map_update_elem(fd, &index, zero, BPF_ANY);
	if (!is_any(at, size / 8))
		return false;
	memcpy(value, at, size);
	memset(at, 0, size);
	return true;
}

/* Adds up what all CPUs counted in the epoch, and clears it. False: nothing. */
static bool take_others(const struct report *r, uint64_t *sum)
{
	const struct bpf_map *map = drain_others_map(r->run, r->d);
	size_t size = r->d->value_size;
	uint64_t *value = calloc(2, size);
	bool any = false;

	for (uint32_t cpu = 0; map && value && cpu < r->run->source.loaded->cpu_ids; cpu++) {
		if (!take_value(r, bpf_map__fd(map), MEMO_INDEX(cpu, r->epoch), value,
				value + size / 8))
			continue;
		any = true;
		report_merge(r, sum, value);
	}
	free(value);
	return any;
}

/* What a column that tells rows apart holds in this one: a text says so, a number has no value. */
static void set_other(const struct column *c, char *at)
{
	uint64_t none = 0;

	if (c->field.kind == F_CHARS) {
		strncpy(at, OTHERS, c->field.size);
		return;
	}
	if (c->unit == U_SYSCALL)
		none = SYSCALL_OTHERS;
	else if (unit_is_text(c->unit))
		none = NAME_OTHERS;
	if (c->field.size <= sizeof(none))
		memcpy(at, &none, c->field.size);
}

static void set_key(const struct report *r, char *key, char *value)
{
	const struct drain *d = r->d;

	memcpy(key, &r->epoch, sizeof(r->epoch));
	for (const struct column *c = r->t->spec.row.columns; c->name; c++) {
		uint32_t off = c->field.off;

		if (!drain_identifies(&r->t->spec, c))
			continue;
		if (off + c->field.size <= d->key_size)
			set_other(c, key + off);
		else if (r->t->spec.kind == TOOL_TABLE && off >= d->key_size &&
			 off + c->field.size <= d->key_size + d->value_size)
			set_other(c, value + off - d->key_size);
	}
	if (d->kstack_id.kind != F_NONE)
		memset(key + d->kstack_id.off, 0xff, d->kstack_id.size);
	if (d->ustack_id.kind != F_NONE)
		memset(key + d->ustack_id.off, 0xff, d->ustack_id.size);
	if (d->wstack_id.kind != F_NONE)
		memset(key + d->wstack_id.off, 0xff, d->wstack_id.size);
}

/* How many events the value stands for: the first member, or all slots of a histogram. */
static uint64_t events_of(const struct report *r, const uint64_t *value)
{
	size_t slots = r->d->hist ? HIST_SLOTS : r->d->value_size / 8;
	uint64_t n = 0;

	if (r->t->spec.kind != TOOL_HISTOGRAM)
		return *value;
	for (size_t i = 0; i < slots; i++)
		n += value[i];
	return n;
}

void drain_others(struct report *r)
{
	const struct drain *d = r->d;
	char *key = calloc(1, d->key_size);
	uint64_t *value = calloc(1, d->value_size);

	if (!key || !value) {
		r->failed = true;
	} else if (take_others(r, value)) {
		r->run->account.others += r->t->spec.again ? 0 : events_of(r, value);
		set_key(r, key, (char *)value);
		report_keep(r, key, value);
	}
	free(key);
	free(value);
}
