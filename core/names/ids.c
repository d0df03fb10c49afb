/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/ids.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS (1u << 14)

/* Places are 1 + an index; 0: none. */
struct entry {
	uint64_t id;
	char *name;
	size_t len;
	uint32_t next; /* in its bucket, or of those that are free */
	uint32_t older, newer;
};

static struct {
	struct entry *entries;
	uint32_t *buckets; /* NULL until first used */
	uint32_t used, room, free;
	uint32_t oldest, newest; /* by when they were last learnt */
} ids;

static uint32_t *bucket_of(uint64_t id)
{
	return &ids.buckets[id * 0x9e3779b97f4a7c15ull >> 50];
}

static struct entry *find(uint64_t id)
{
	_Static_assert(BUCKETS == 1u << 14, "the shift above must leave log2(BUCKETS) bits");
	for (uint32_t i = ids.buckets ? *bucket_of(id) : 0; i; i = ids.entries[i - 1].next)
		if (ids.entries[i - 1].id == id)
			return &ids.entries[i - 1];
	return NULL;
}

static struct entry *at_place(uint32_t place)
{
	return place ? &ids.entries[place - 1] : NULL;
}

static uint32_t place_of(const struct entry *e)
{
	return (uint32_t)(e - ids.entries) + 1;
}

/* Takes @e out of the order. */
static void leave_order(const struct entry *e)
{
	*(e->older ? &at_place(e->older)->newer : &ids.oldest) = e->newer;
	*(e->newer ? &at_place(e->newer)->older : &ids.newest) = e->older;
}

static void become_newest(struct entry *e)
{
	e->older = ids.newest;
	e->newer = 0;
	*(e->older ? &at_place(e->older)->newer : &ids.oldest) = place_of(e);
	ids.newest = place_of(e);
}

static void drop_oldest(void)
{
	struct entry *e = at_place(ids.oldest);
	uint32_t *at = bucket_of(e->id);

	while (*at != place_of(e))
		at = &at_place(*at)->next;
	*at = e->next;
	leave_order(e);
	free(e->name);
	e->next = ids.free;
	ids.free = place_of(e);
}

static bool grow(void)
{
	uint32_t room = ids.room ? 2 * ids.room : 256;
	struct entry *more;

	if (!ids.buckets)
		ids.buckets = calloc(BUCKETS, sizeof(*ids.buckets));
	if (!ids.buckets || room > NAME_IDS_MAX)
		return false;
	more = realloc(ids.entries, room * sizeof(*more));
	if (!more)
		return false;
	ids.entries = more;
	ids.room = room;
	return true;
}

/* A place for one more, perhaps the oldest one's; NULL: no memory for the first ones. */
static struct entry *take_place(void)
{
	struct entry *e;

	if (!ids.free && (ids.used < ids.room || grow()))
		return &ids.entries[ids.used++];
	if (!ids.free && ids.oldest)
		drop_oldest();
	e = at_place(ids.free);
	if (e)
		ids.free = e->next;
	return e;
}

static struct entry *enter(uint64_t id)
{
	struct entry *e = take_place();
	uint32_t *bucket;

	if (!e)
		return NULL;
	bucket = bucket_of(id);
	*e = (struct entry){ .id = id, .next = *bucket };
	*bucket = place_of(e);
	return e;
}

void name_id_learn(uint64_t id, const char *name, size_t len)
{
	struct entry *e = find(id);
	char *copy = malloc(len ? len : 1);

	if (copy && e)
		leave_order(e);
	else if (copy)
		e = enter(id);
	if (!copy || !e) {
		free(copy);
		return;
	}
	memcpy(copy, name, len);
	free(e->name);
	e->name = copy;
	e->len = len;
	become_newest(e);
}

bool name_of_id(uint64_t id, const char **name, size_t *len)
{
	const struct entry *e = find(id);

	if (!e)
		return false;
	*name = e->name;
	*len = e->len;
	return true;
}
