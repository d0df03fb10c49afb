// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A program in trouble, and the other one, a child called by its part, that makes it. */
#ifndef INCIDENT_H
#define INCIDENT_H

#include "workload.h"

struct incident {
	const char *name;		  /* of the trouble, and of who makes it */
	void (*make)(struct incident *i); /* in the child, until it is killed; NULL: nobody does */
	void (*suffer)(struct incident *i);  /* for that many milliseconds */
	void (*prepare)(struct incident *i); /* before the child is made; NULL: nothing to do */
	bool apart;			     /* on CPUs of their own, where there are two */
	uint64_t ms;
	const char *path; /* a file, or a directory */
	int pipe[2];
	char *memory;
	size_t size;
	_Atomic int *ready; /* the child says 1 when the trouble has begun */
};

uint64_t incident_end(const struct incident *i);

/* incident_alone.c: of a program's own making */
void suffer_cold_mapping(struct incident *i);
void prepare_cold_file(struct incident *i);
void suffer_failing_stats(struct incident *i);
void prepare_directory(struct incident *i);
void suffer_forks(struct incident *i);
void suffer_lookups(struct incident *i);
void suffer_listing(struct incident *i);
void suffer_no_descriptors(struct incident *i);
void suffer_one_byte_reads(struct incident *i);
void suffer_temporary_files(struct incident *i);
void suffer_throttling(struct incident *i);
void suffer_memory_limit(struct incident *i);

/* incident_disk.c: by others who use the same disk, or filesystem */
void make_noise(struct incident *i);
void suffer_noise(struct incident *i);
void make_commits(struct incident *i);
void suffer_commits(struct incident *i);

/* incident_fuse.c: a server of files that is slow */
void make_fuse(struct incident *i);
void suffer_fuse(struct incident *i);

#endif
