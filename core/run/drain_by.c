/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* --by of a table: rows that differ in none of its columns are added up. */
#include "core/run/drain.h"

#include <string.h>

/*
 * What the rows of a group have in common, of a key and a value: @row and @value belong to one of
 * them. Some maps keep in the value what follows from the key.
 */
static void set_common(const struct report *r, char *row, const char *key, const char *value)
{
	uint32_t key_size = r->d->key_size;

	memcpy(row, key, sizeof(r->epoch));
	for (const struct column *c = r->t->spec.row.columns; c->name; c++) {
		uint32_t off = c->field.off;

		if (by_is_key(r->t->by, c))
			memcpy(row + off, off < key_size ? key + off : value + off - key_size,
			       c->field.size);
	}
}

/* The group of the row that the entry would make; 0 if --where drops it. */
static uint32_t group_of(struct report *r, const char *key, const uint64_t *value)
{
	size_t n = r->n, len = r->bytes.len;
	uint32_t group = 0;

	report_add_entry(r, key, value);
	if (r->n > n)
		group = by_group(r->t->by, r->bytes.data + (size_t)r->row[n].rec, r->row[n].len);
	r->n = n;
	r->bytes.len = len;
	return group;
}

/* What is kept of a group: its key, and the sum of its values. */
static bool add_to_group(struct report *r, struct keymap *groups, uint64_t group, const char *key,
			 const uint64_t *value)
{
	char *kept = keymap_get(groups, &group, true);

	if (!kept)
		return false;
	report_merge(r, (uint64_t *)(kept + r->d->key_size), value);
	set_common(r, kept, key, (const char *)value);
	return true;
}

void drain_by(struct report *r)
{
	struct keymap groups = { sizeof(uint64_t), r->d->key_size + r->d->value_size };

	for (size_t i = 0; i < r->merged.n; i++) {
		const char *key = keymap_key(&r->merged, i);
		const uint64_t *value = keymap_value(&r->merged, i);
		uint32_t group = group_of(r, key, value);

		if (group && !add_to_group(r, &groups, group, key, value))
			r->failed = true;
	}
	r->counted = true;
	for (size_t i = 0; i < groups.n; i++) {
		const char *kept = keymap_value(&groups, i);

		report_add_entry(r, kept, (const uint64_t *)(kept + r->d->key_size));
	}
	keymap_free(&groups);
	output_by_clear(r->run, r->t->by);
}
