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
	uint64_t program; /* program_id() of what it ran when this was read */
	int64_t read_ns;
	struct mapping *map;
	size_t n;
	char *names;
};

/* Reads the executable mappings of @pid. False: it is gone, doesn't run @program, or isn't ours. */
bool mapped_read(struct mapped *m, uint32_t pid, uint64_t program);
void mapped_free(struct mapped *m);

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
