/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a process has mapped: by which file, and which byte of it, an address is backed. */
#ifndef IOSONDE_NAMES_MAPPED_H
#define IOSONDE_NAMES_MAPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
	uint64_t start, end, offset, ino;
	uint32_t major, minor;
	uint32_t name;	     /* of the file without its directories: offset into mapped.names */
	bool looked;	     /* for its symbols */
	const void *symbols; /* the caller's; NULL: none */
};

struct mapped {
	uint32_t pid;
	uint64_t program;	   /* program_id() of what it ran when this was read */
	int64_t read_ns, pause_ns; /* when, and how long not again: mapped_due() */
	uint64_t used;		   /* mapped_place() */
	struct mapping *map;
	size_t n;
	char *names;
};

/* Reads the executable mappings of @pid. False: it is gone, doesn't run @program, or isn't ours. */
bool mapped_read(struct mapped *m, uint32_t pid, uint64_t program);
void mapped_free(struct mapped *m);

/*
 * Looks at them again, if it is time to: they change by dlopen() and dlclose(). @again: it is worth
 * it, as an address wasn't there; less and less if that brings nothing new. True: @m is another one
 * now. What can't be read any more, because it has gone or runs another program, stays as it was.
 */
bool mapped_look(struct mapped *m, bool again);

/*
 * The place that @pid has while it runs @program, of @n places of @size bytes that begin with a
 * struct mapped. If it has none, that which was used longest ago: *@taken is false, and what it
 * holds is another's. @used: a number that the caller keeps, 0 at first.
 */
void *mapped_place(void *places, size_t n, size_t size, uint32_t pid, uint64_t program,
		   uint64_t *used, bool *taken);

/* Does @pid run @program just now? */
bool runs_program(uint32_t pid, uint64_t program);

struct mapping *mapped_find(const struct mapped *m, uint64_t addr);

/*
 * Opens the file behind a mapping to be read: itself, by the kernel's own link to it, whatever its
 * name leads to by now. Only a regular file, on a filesystem that answers by itself. -1: no, with
 * errno.
 */
int mapping_open(uint32_t pid, const struct mapping *map);

#endif
