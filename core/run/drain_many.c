/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tables with a place per target: one half of an array becomes rows, while the other is counted in.
 * And what rows tell of targets.
 */
#include "core/run/drain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "core/kernel/many.h"

static struct many_row describe(struct many_target *t)
{
	snprintf(t->na, sizeof(t->na), "n/a: %s", t->why);
	return (struct many_row){
		.name = t->shown,
		.module = t->module,
		.how = hook_how_names[t->how],
		.note = *t->why ? t->na : t->note,
		.address = t->address ? t->address : MANY_NONE,
		.added_ns = t->added_ns,
		.run_ns = t->run_ns,
	};
}

size_t report_target_size(const struct drain *d)
{
	return d->target.kind == F_NONE ? 0 : sizeof(struct many_row);
}

static bool is_folded(const struct report *r)
{
	return r->d->apart.kind != F_NONE && !field_is_set(r->run->plan.cfg, &r->d->apart);
}

static uint32_t number_in(const struct report *r, const char *key)
{
	uint32_t number;

	memcpy(&number, key + r->d->target.off, sizeof(number));
	return number;
}

void report_fold_target(const struct report *r, char *key)
{
	const struct many *m = &r->run->source.many;
	uint32_t number;

	if (r->d->target.kind == F_NONE || !is_folded(r))
		return;
	number = number_in(r, key);
	if (!number || number > m->n)
		return;
	number = m->target[number - 1].pattern + 1;
	memcpy(key + r->d->target.off, &number, sizeof(number));
}

void report_put_target(const struct report *r, const char *key, char *at)
{
	struct many_row target = { .name = "(others)", .address = MANY_NONE };
	struct many *m = &r->run->source.many;
	uint32_t number;

	if (r->d->target.kind == F_NONE)
		return;
	number = number_in(r, key);
	if (number && is_folded(r))
		target.name = r->run->plan.opts.patterns[number - 1].text;
	else if (number && number <= m->n)
		target = describe(&m->target[number - 1]);
	memcpy(at, &target, sizeof(target));
}

/* key, value, time, target, length of the epoch */
static void add_target_row(struct report *r, const struct many_key *key, const uint64_t *value)
{
	struct many_target *t = &r->run->source.many.target[key->index];
	const struct many_row target = describe(t);
	size_t size = r->d->value_size;
	char *row = report_add_row(r, sizeof(*key) + size + sizeof(r->ts_ns) + sizeof(target) +
					      sizeof(r->span_ns));
	char *at = row;

	if (!row)
		return;
	at = mempcpy(at, key, sizeof(*key));
	if (*t->why) /* nothing was counted, which isn't nothing */
		at = (char *)memset(at, 0xff, size) + size;
	else
		at = mempcpy(at, value, size);
	at = mempcpy(at, &r->ts_ns, sizeof(r->ts_ns));
	at = mempcpy(at, &target, sizeof(target));
	memcpy(at, &r->span_ns, sizeof(r->span_ns));
	report_filter_row(r, row, *t->why ? 0 : value[0]);
}

static bool any(const uint64_t *value, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (value[i])
			return true;
	return false;
}

int drain_targets(struct report *r)
{
	const struct many *m = &r->run->source.many;
	size_t words = r->d->value_size / 8 * (size_t)r->n_cpus;
	uint64_t *value = calloc(words, 8), *zero = calloc(words, 8);
	int err = value && zero ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < m->n; i++) {
		const struct many_key key = { r->epoch, i };
		uint32_t slot = (r->epoch & 1) * (uint32_t)m->n + i;

		err = bpf_map_lookup_elem(r->map_fd, &slot, value) ? -errno : 0;
		if (err)
			break;
		if (any(value, words)) {
			err = bpf_map_update_elem(r->map_fd, &slot, zero, BPF_ANY) ? -errno : 0;
			report_merge_cpus(r, value);
			add_target_row(r, &key, value);
		} else if (r->d->zeros) {
			add_target_row(r, &key, value);
		}
	}
	free(value);
	free(zero);
	return err;
}
