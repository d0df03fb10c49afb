// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/by_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/rows/hist.h"

#define FIRST_SLOTS 64 /* of the hash table; a power of two */
/* What a group costs besides its record: its places in the tables and in an order, and malloc(). */
#define GROUP_TABLES 128
#define OTHERS	     "(others)"

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

void by_set_names(struct by *by, struct names *names)
{
	by->names = names;
}

void by_set_limit(struct by *by, size_t bytes)
{
	by->limit = bytes;
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

static void key_number(struct by *by, struct field field, size_t head, const struct value *v)
{
	/* All that mean "none" are the same. */
	struct kept kept = { .kind = v->kind };

	if (v->kind == V_INT || v->kind == V_UINT)
		kept.number = v->u;
	else if (v->kind == V_BYTES)
		kept.text = v->bytes.p;
	memcpy(by->key.data + field.off - head, &kept, sizeof(kept));
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

		column_value(by->names, src, rec, len, scratch, &v);
		if (!unit_is_text(src->unit))
			key_number(by, by->columns[i].field, head, &v);
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

static size_t group_bytes(const struct group *g)
{
	return sizeof(*g) + g->len + GROUP_TABLES;
}

/* A group with by->key; NULL when out of memory. */
static struct group *new_group(const struct by *by, uint32_t hash)
{
	size_t len = sizeof(struct by_head) + by->key.len;
	struct group *g = by->key.failed ? NULL : calloc(1, sizeof(*g) + len);

	if (!g)
		return NULL;
	g->hash = hash;
	g->len = (uint32_t)len;
	memcpy(g->rec + sizeof(struct by_head), by->key.data, by->key.len);
	return g;
}

/* The number, from 1, of the group with by->key, made if need be; 0: there is no room. */
static uint32_t find_group(struct by *by)
{
	uint32_t hash = hash_key(by->seed, by->key.data, by->key.len);
	uint32_t number = *find_slot(by, hash);
	struct group *g;

	if (number || by->bytes >= by->limit || !grow_groups(by) || !grow_slots(by))
		return number;
	g = new_group(by, hash);
	if (!g)
		return 0;
	by->bytes += group_bytes(g);
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
	size_t slots = g->hist.n;
	struct value v;

	column_value(by->names, by->latency, rec, len, scratch, &v);
	if (v.kind == V_UINT)
		hist_add(&g->hist, v.u);
	else if (v.kind == V_INT)
		hist_add(&g->hist, v.i > 0 ? (uint64_t)v.i : 0);
	by->bytes += (g->hist.n - slots) * sizeof(*g->hist.slots);
}

uint32_t by_group(struct by *by, const void *rec, size_t len)
{
	return make_key(by, rec, len) ? find_group(by) : 0;
}

/* The row's own group, or that of all that found no room. */
static struct group *group_of(struct by *by, const void *rec, size_t len)
{
	uint32_t number = by_group(by, rec, len);

	return number ? by->groups[number - 1] : by->others;
}

void by_count(struct by *by, const void *rec, size_t len, uint64_t n)
{
	head_of(group_of(by, rec, len))->count += n;
}

void by_add(struct by *by, const void *rec, size_t len)
{
	struct group *g = group_of(by, rec, len);

	head_of(g)->count++;
	if (by->latency)
		add_latency(by, g, rec, len);
}

/* A column that can say OTHERS: the first that is text, else the first. */
static const struct column *others_column(const struct by *by)
{
	for (size_t i = 0; i < by->n_keys; i++)
		if (by->columns[i].field.kind == F_VSTR)
			return &by->columns[i];
	return &by->columns[0];
}

/* The group of those that find no room: its key says so. */
static struct group *make_others(struct by *by)
{
	const struct column *col = others_column(by);
	const struct value name = { V_BYTES, .bytes = { OTHERS, strlen(OTHERS) } };

	by->key.len = 0;
	text_pad(&by->key, 0, by->fixed - sizeof(struct by_head));
	if (col->field.kind == F_VSTR)
		key_bytes(by, col->field, sizeof(struct by_head), &name);
	else if (col->field.kind != F_VSTACK && !by->key.failed)
		key_number(by, col->field, sizeof(struct by_head), &name);
	return new_group(by, 0);
}

struct by *by_open(const struct table *table, const char *keys, char *err, size_t err_size)
{
	struct by *by = calloc(1, sizeof(*by));

	if (by) {
		by->source = table;
		by->limit = SIZE_MAX;
		by->seed = random_seed();
		by->slots = calloc(FIRST_SLOTS, sizeof(*by->slots));
		by->n_slots = FIRST_SLOTS;
	}
	snprintf(err, err_size, "out of memory");
	if (by && by->slots && by_table_make(by, keys, err, err_size)) {
		by->others = make_others(by);
		if (by->others)
			return by;
	}
	by_free(by);
	return NULL;
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
	size_t n;

	free(by->order);
	by->order = calloc(by->n + 1, sizeof(*by->order));
	if (!by->order)
		return 0;
	for (size_t i = 0; i < by->n; i++) {
		fill_figures(by->groups[i]);
		by->order[i] = (struct sort_row){ by->groups[i]->rec, by->groups[i]->len };
	}
	sort_rows(by->names, &by->table, sort ? *sort : by_count, by->order, by->n);
	for (size_t i = 0; i < by->n; i++)
		((struct by_head *)by->order[i].rec)->rank = i + 1;
	n = top && top < by->n ? top : by->n;
	if (!by_overflow(by))
		return n;
	fill_figures(by->others);
	by->order[n] = (struct sort_row){ by->others->rec, by->others->len };
	return n + 1;
}

const struct sort_row *by_rows(const struct by *by)
{
	return by->order;
}

const void *by_row(const struct by *by, size_t i, size_t *len)
{
	*len = by->order[i].len;
	return by->order[i].rec;
}

uint64_t by_overflow(const struct by *by)
{
	return head_of(by->others)->count;
}

void by_clear(struct by *by)
{
	for (size_t i = 0; i < by->n; i++) {
		hist_free(&by->groups[i]->hist);
		free(by->groups[i]);
	}
	by->n = 0;
	by->bytes = 0;
	if (by->others) {
		hist_free(&by->others->hist);
		memset(head_of(by->others), 0, sizeof(struct by_head));
	}
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
	free(by->others);
	free(by->groups);
	free(by->slots);
	free(by->order);
	by_table_free(by);
	text_free(&by->key);
	free(by);
}
