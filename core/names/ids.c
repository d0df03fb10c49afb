/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/ids.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS (1u << 14)

/* Places are 1 + an index; 0: none. */
struct id_name {
	uint64_t id;
	char *name;
	size_t len;
	uint32_t next; /* in its bucket, or of those that are free */
	uint32_t older, newer;
};

static uint32_t *bucket_of(const struct id_names *ids, uint64_t id)
{
	return &ids->buckets[id * 0x9e3779b97f4a7c15ull >> 50];
}

static struct id_name *find(const struct id_names *ids, uint64_t id)
{
	_Static_assert(BUCKETS == 1u << 14, "the shift above must leave log2(BUCKETS) bits");
	for (uint32_t i = ids->buckets ? *bucket_of(ids, id) : 0; i; i = ids->entries[i - 1].next)
		if (ids->entries[i - 1].id == id)
			return &ids->entries[i - 1];
	return NULL;
}

static struct id_name *at_place(const struct id_names *ids, uint32_t place)
{
	return place ? &ids->entries[place - 1] : NULL;
}

static uint32_t place_of(const struct id_names *ids, const struct id_name *e)
{
	return (uint32_t)(e - ids->entries) + 1;
}

/* Takes @e out of the order. */
static void leave_order(struct id_names *ids, const struct id_name *e)
{
	*(e->older ? &at_place(ids, e->older)->newer : &ids->oldest) = e->newer;
	*(e->newer ? &at_place(ids, e->newer)->older : &ids->newest) = e->older;
}

static void become_newest(struct id_names *ids, struct id_name *e)
{
	e->older = ids->newest;
	e->newer = 0;
	*(e->older ? &at_place(ids, e->older)->newer : &ids->oldest) = place_of(ids, e);
	ids->newest = place_of(ids, e);
}

static void drop_oldest(struct id_names *ids)
{
	struct id_name *e = at_place(ids, ids->oldest);
	uint32_t *at = bucket_of(ids, e->id);

	while (*at != place_of(ids, e))
		at = &at_place(ids, *at)->next;
	*at = e->next;
	leave_order(ids, e);
	free(e->name);
	e->next = ids->free;
	ids->free = place_of(ids, e);
}

static bool grow(struct id_names *ids)
{
	uint32_t room = ids->room ? 2 * ids->room : 256;
	struct id_name *more;

	if (!ids->buckets)
		ids->buckets = calloc(BUCKETS, sizeof(*ids->buckets));
	if (!ids->buckets || room > NAME_IDS_MAX)
		return false;
	more = realloc(ids->entries, room * sizeof(*more));
	if (!more)
		return false;
	ids->entries = more;
	ids->room = room;
	return true;
}

/* A place for one more, perhaps the oldest one's; NULL: no memory for the first ones. */
static struct id_name *take_place(struct id_names *ids)
{
	struct id_name *e;

	if (!ids->free && (ids->used < ids->room || grow(ids)))
		return &ids->entries[ids->used++];
	if (!ids->free && ids->oldest)
		drop_oldest(ids);
	e = at_place(ids, ids->free);
	if (e)
		ids->free = e->next;
	return e;
}

static struct id_name *enter(struct id_names *ids, uint64_t id)
{
	struct id_name *e = take_place(ids);
	uint32_t *bucket;

	if (!e)
		return NULL;
	bucket = bucket_of(ids, id);
	*e = (struct id_name){ .id = id, .next = *bucket };
	*bucket = place_of(ids, e);
	return e;
}

void name_id_learn(struct id_names *ids, uint64_t id, const char *name, size_t len)
{
	struct id_name *e = find(ids, id);
	char *copy = malloc(len ? len : 1);

	if (copy && e)
		leave_order(ids, e);
	else if (copy)
		e = enter(ids, id);
	if (!copy || !e) {
		free(copy);
		return;
	}
	memcpy(copy, name, len);
	free(e->name);
	e->name = copy;
	e->len = len;
	become_newest(ids, e);
}

bool name_of_id(const struct id_names *ids, uint64_t id, const char **name, size_t *len)
{
	const struct id_name *e = find(ids, id);

	if (!e)
		return false;
	*name = e->name;
	*len = e->len;
	return true;
}

void id_names_free(struct id_names *ids)
{
	while (ids->oldest)
		drop_oldest(ids);
	free(ids->entries);
	free(ids->buckets);
	*ids = (struct id_names){ 0 };
}
