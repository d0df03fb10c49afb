/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/ids.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS (1u << 14)

struct entry {
	uint64_t id;
	char *name;
	size_t len;
	uint32_t next; /* in its bucket: 1 + an index, 0 ends */
};

/* In the order in which they came; the oldest place is used again when all are taken. */
static struct {
	struct entry *entries;
	uint32_t *buckets; /* 1 + an index; NULL until first used */
	uint32_t used, room, oldest;
	uint32_t trimmed; /* the oldest one that has its name still */
	size_t bytes;	  /* of all names */
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

static void unlink_entry(const struct entry *e)
{
	uint32_t *at = bucket_of(e->id);

	while (*at && &ids.entries[*at - 1] != e)
		at = &ids.entries[*at - 1].next;
	*at = e->next;
}

static void forget(struct entry *e)
{
	ids.bytes -= e->len;
	free(e->name);
	e->name = NULL;
	e->len = 0;
}

static bool make_room(void)
{
	uint32_t room = ids.room ? 2 * ids.room : 256;
	struct entry *more;

	if (!ids.buckets)
		ids.buckets = calloc(BUCKETS, sizeof(*ids.buckets));
	if (!ids.buckets)
		return false;
	if (ids.used < ids.room || room > NAME_IDS_MAX)
		return true;
	more = realloc(ids.entries, room * sizeof(*more));
	if (more) {
		ids.entries = more;
		ids.room = room;
	}
	return ids.room != 0;
}

/* A place for one more, perhaps the oldest one's. */
static struct entry *take_place(void)
{
	struct entry *e;

	if (ids.used < ids.room)
		return &ids.entries[ids.used++];
	e = &ids.entries[ids.oldest];
	if (ids.trimmed == ids.oldest)
		ids.trimmed = (ids.trimmed + 1) % ids.room;
	ids.oldest = (ids.oldest + 1) % ids.room;
	unlink_entry(e);
	forget(e);
	return e;
}

/* Long names: those of the oldest entries go, and the entries keep their places. */
static void limit_bytes(void)
{
	while (ids.bytes > NAME_IDS_BYTES) {
		forget(&ids.entries[ids.trimmed]);
		ids.trimmed = (ids.trimmed + 1) % ids.used;
	}
}

void name_id_learn(uint64_t id, const char *name, size_t len)
{
	struct entry *e = find(id);
	char *copy = malloc(len ? len : 1);
	uint32_t *bucket;

	if (!copy)
		return;
	memcpy(copy, name, len);
	if (e) {
		forget(e);
	} else if (make_room()) {
		e = take_place();
		bucket = bucket_of(id);
		e->id = id;
		e->next = *bucket;
		*bucket = (uint32_t)(e - ids.entries) + 1;
	} else {
		free(copy);
		return;
	}
	e->name = copy;
	e->len = len;
	ids.bytes += len;
	limit_bytes();
}

bool name_of_id(uint64_t id, const char **name, size_t *len)
{
	const struct entry *e = find(id);

	if (!e || !e->name)
		return false;
	*name = e->name;
	*len = e->len;
	return true;
}
