// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/by_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/rows/hist.h"

#define FIRST_SLOTS 64 /* of the hash table; a power of two */

struct group {
	struct hist hist;
	uint32_t hash;
	uint32_t len;		/* of the record */
	_Alignas(8) char rec[]; /* struct by_head, the key's fields, their bytes */
};

static uint64_t random_seed(void)
{
	struct timespec now;
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
		return seed;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
}

struct by *by_open(const struct table *table, const char *keys, char *err, size_t err_size)
{
	struct by *by = calloc(1, sizeof(*by));

	if (by) {
		by->source = table;
		by->limit = BY_GROUPS_MAX;
		by->seed = random_seed();
		by->slots = calloc(FIRST_SLOTS, sizeof(*by->slots));
		by->n_slots = FIRST_SLOTS;
	}
	if (by && by->slots) {
		if (by_table_make(by, keys, err, err_size))
			return by;
	} else {
		snprintf(err, err_size, "out of memory");
	}
	by_free(by);
	return NULL;
}

void by_set_limit(struct by *by, size_t n)
{
	by->limit = n;
}

/* --- adding rows --- */

/* Mixes eight bytes at a time. */
static uint32_t hash_key(uint64_t seed, const char *key, size_t len)
{
	uint64_t h = seed ^ (len * 0x9e3779b97f4a7c15ULL);

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, key + i, len - i < 8 ? len - i : 8);
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	h *= 0xc4ceb9fe1a85ec53ULL;
	return (uint32_t)(h >> 32);
}

/* The bytes of a value go behind the fixed part; addresses are aligned like the record. */
static void key_bytes(struct by *by, struct field field, size_t head, const struct value *v)
{
	struct vstr at = { 0 };

	if (v->kind == V_BYTES && v->bytes.len > 0) {
		if (field.kind == F_VSTACK)
			text_pad(&by->key, 0, -(head + by->key.len) % 8);
		at.off = (uint32_t)(head + by->key.len);
		at.len = (uint32_t)v->bytes.len;
		text_add(&by->key, v->bytes.p, v->bytes.len);
	}
	/* struct vstack has the same shape. */
	if (!by->key.failed)
		memcpy(by->key.data + field.off - head, &at, sizeof(at));
}

static void key_number(struct by *by, const struct column *src, struct field field, size_t head,
		       const struct value *v, const char *rec)
{
	char *to = by->key.data + field.off - head;

	/* All that mean "none" are the same. */
	if (v->kind == V_NONE)
		memset(to, 0xff, field.size);
	else
		memcpy(to, rec + src->field.off, field.size);
}

/* Puts the key of a row together in by->key: what follows struct by_head in a group's record. */
static bool make_key(struct by *by, const void *rec, size_t len)
{
	const size_t head = sizeof(struct by_head);
	char scratch[VALUE_SCRATCH];

	by->key.len = 0;
	by->key.failed = false;
	text_pad(&by->key, 0, by->fixed - head);
	for (size_t i = 0; i < by->n_keys && !by->key.failed; i++) {
		const struct column *src = &by->source->columns[by->keys[i]];
		struct value v;

		column_value(src, rec, len, scratch, &v);
		if (!unit_is_text(src->unit))
			key_number(by, src, by->columns[i].field, head, &v, rec);
		else
			key_bytes(by, by->columns[i].field, head, &v);
	}
	return !by->key.failed;
}

static bool has_key(const struct group *g, uint32_t hash, const struct text_buf *key)
{
	return g->hash == hash && g->len == sizeof(struct by_head) + key->len &&
	       memcmp(g->rec + sizeof(struct by_head), key->data, key->len) == 0;
}

/* The slot of the group with by->key, or the free one where it belongs. */
static uint32_t *find_slot(const struct by *by, uint32_t hash)
{
	size_t i = hash & (by->n_slots - 1);

	while (by->slots[i] && !has_key(by->groups[by->slots[i] - 1], hash, &by->key))
		i = (i + 1) & (by->n_slots - 1);
	return &by->slots[i];
}

/* Keeps the hash table at most half full. */
static bool grow_slots(struct by *by)
{
	size_t n = 2 * by->n_slots;
	uint32_t *slots;

	if (2 * (by->n + 1) <= by->n_slots)
		return true;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t g = 0; g < by->n; g++) {
		size_t i = by->groups[g]->hash & (n - 1);

		while (slots[i])
			i = (i + 1) & (n - 1);
		slots[i] = (uint32_t)g + 1;
	}
	free(by->slots);
	by->slots = slots;
	by->n_slots = n;
	return true;
}

static bool grow_groups(struct by *by)
{
	size_t cap = by->cap ? 2 * by->cap : FIRST_SLOTS;
	struct group **more;

	if (by->n < by->cap)
		return true;
	more = reallocarray(by->groups, cap, sizeof(struct group *));
	if (!more)
		return false;
	by->groups = more;
	by->cap = cap;
	return true;
}

/* The number, from 1, of the group with by->key, made if need be; 0: there is no room. */
static uint32_t find_group(struct by *by)
{
	uint32_t hash = hash_key(by->seed, by->key.data, by->key.len);
	size_t len = sizeof(struct by_head) + by->key.len;
	uint32_t number = *find_slot(by, hash);
	struct group *g;

	if (number || by->n >= by->limit || !grow_groups(by) || !grow_slots(by))
		return number;
	g = calloc(1, sizeof(*g) + len);
	if (!g)
		return 0;
	g->hash = hash;
	g->len = (uint32_t)len;
	memcpy(g->rec + sizeof(struct by_head), by->key.data, by->key.len);
	by->groups[by->n++] = g;
	return *find_slot(by, hash) = (uint32_t)by->n;
}

static struct by_head *head_of(struct group *g)
{
	return (struct by_head *)g->rec;
}

static void add_latency(struct by *by, struct group *g, const void *rec, size_t len)
{
	char scratch[VALUE_SCRATCH];
	struct value v;

	column_value(by->latency, rec, len, scratch, &v);
	if (v.kind == V_UINT)
		hist_add(&g->hist, v.u);
	else if (v.kind == V_INT)
		hist_add(&g->hist, v.i > 0 ? (uint64_t)v.i : 0);
}

uint32_t by_group(struct by *by, const void *rec, size_t len)
{
	uint32_t number = make_key(by, rec, len) ? find_group(by) : 0;

	by->overflow += !number;
	return number;
}

void by_count(struct by *by, const void *rec, size_t len, uint64_t n)
{
	uint32_t number = by_group(by, rec, len);

	if (number)
		head_of(by->groups[number - 1])->count += n;
	else
		by->overflow += n - 1;
}

void by_add(struct by *by, const void *rec, size_t len)
{
	uint32_t number = by_group(by, rec, len);

	if (!number)
		return;
	head_of(by->groups[number - 1])->count++;
	if (by->latency)
		add_latency(by, by->groups[number - 1], rec, len);
}

/* --- reading groups --- */

static void fill_figures(struct group *g)
{
	struct by_head *head = head_of(g);

	head->sum = g->hist.sum;
	head->max = g->hist.max;
	head->p50 = hist_percentile(&g->hist, 50);
	head->p99 = hist_percentile(&g->hist, 99);
}

size_t by_sorted(struct by *by, const struct sort *sort, size_t top)
{
	struct sort by_count = { .col = (int)by->n_keys, .desc = true };

	free(by->order);
	by->order = calloc(by->n + 1, sizeof(*by->order));
	if (!by->order)
		return 0;
	for (size_t i = 0; i < by->n; i++) {
		fill_figures(by->groups[i]);
		by->order[i] = (struct sort_row){ by->groups[i]->rec, by->groups[i]->len };
	}
	sort_rows(&by->table, sort ? *sort : by_count, by->order, by->n);
	for (size_t i = 0; i < by->n; i++)
		((struct by_head *)by->order[i].rec)->rank = i + 1;
	return top && top < by->n ? top : by->n;
}

const void *by_row(const struct by *by, size_t i, size_t *len)
{
	*len = by->order[i].len;
	return by->order[i].rec;
}

uint64_t by_overflow(const struct by *by)
{
	return by->overflow;
}

void by_clear(struct by *by)
{
	for (size_t i = 0; i < by->n; i++) {
		hist_free(&by->groups[i]->hist);
		free(by->groups[i]);
	}
	by->n = 0;
	by->overflow = 0;
	memset(by->slots, 0, by->n_slots * sizeof(*by->slots));
	free(by->order);
	by->order = NULL;
}

void by_free(struct by *by)
{
	if (!by)
		return;
	if (by->slots)
		by_clear(by);
	free(by->groups);
	free(by->slots);
	free(by->order);
	by_table_free(by);
	text_free(&by->key);
	free(by);
}
