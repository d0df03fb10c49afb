/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Parts of core/rows/by. */
#ifndef IOSONDE_BY_IMPL_H
#define IOSONDE_BY_IMPL_H

#include "core/base/text_buf.h"
#include "core/rows/by.h"

struct group;

/* What a group's record begins with; the key follows. */
struct by_head {
	uint64_t count;
	uint64_t sum;
	uint64_t p50;
	uint64_t p99;
	uint64_t max;
	uint64_t rank; /* from 1, as of by_sorted(); 0: the others */
};

struct by {
	const struct table *source;
	struct names *names;
	const struct column *latency; /* in source; NULL: none */
	size_t n_keys;
	size_t bytes, limit; /* of memory: what the groups take, and where new ones end */
	int *keys;	     /* indices into source->columns */
	struct table table;
	struct column *columns;
	size_t fixed;	       /* bytes of a record before the variable ones */
	struct group **groups; /* in the order in which they came */
	size_t n, cap;
	struct group *others; /* the rows that found no room */
	uint32_t *slots; /* the hash table: index + 1 into groups, 0 is free; open addressing */
	size_t n_slots;
	uint64_t seed;	     /* so that nobody can choose names that collide */
	struct text_buf key; /* of the row being added */
	struct sort_row *order;
};

/*
 * Reads @keys, the columns' names, and makes the groups' table: by->keys to by->fixed. False with a
 * line in @err. Released by by_table_free().
 */
bool by_table_make(struct by *by, const char *keys, char *err, size_t err_size);
void by_table_free(struct by *by);

#endif
