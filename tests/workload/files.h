/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the parts of `workload files` share. */
#ifndef WORKLOAD_FILES_H
#define WORKLOAD_FILES_H

#include "workload.h"

#define FILE_SIZE 8192 /* of the file that most routes are tried on */

/* Tells one operation: files.c says how. */
void file_record(struct ctx *c, char rw, long fd, const char *route, const char *path,
		 int64_t asked, int64_t offset, long ret);

/* Or ends the program with a message. */
int file_open(const char *path, int flags);

void files_aio(struct ctx *c, const char *dir);
/* Syncs, too, which rwsnoop and its like don't show. */
void files_aio_syncs(struct ctx *c, const char *dir);
void files_aio_uncollected(struct ctx *c, const char *dir);

#endif
