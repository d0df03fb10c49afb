/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Files of tracefs, wherever that is; and changes to them that are taken back in any case. */
#ifndef IOSONDE_TRACEFS_H
#define IOSONDE_TRACEFS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Its directory. Where it isn't mounted, it is a mount that is in no directory and that nobody else
 * sees. -1 with one line in @why.
 */
int tracefs_open(char *why, size_t size);

/* The first line of @file without its end, "" for an empty one. False with errno. */
bool tracefs_read(int dir, const char *file, char *text, size_t size);

/* What @file holds gives way to @text, or gets @text besides. False with errno. */
bool tracefs_write(int dir, const char *file, const char *text);
bool tracefs_append(int dir, const char *file, const char *text);

/* Is @word one of those, between spaces, in @file? */
bool tracefs_lists(int dir, const char *file, const char *word);

/* The value of a setting, without what some files say besides: "mono" of "local [mono]". */
void tracefs_value(char *text);

#define KEPT_MAX 24

/* Settings as they were before, here and in a file that outlives us. */
struct tracefs_kept {
	int dir; /* borrowed */
	int fd;	 /* of the file, locked; -1: closed */
	size_t n;
	struct {
		char file[64], value[128];
	} of[KEPT_MAX];
};

/*
 * Locks the file @record, which is made with its directory, and puts back what a run that was
 * killed has left changed. False with one line in @why: somebody else has it, or it can't be made.
 */
bool tracefs_keep(struct tracefs_kept *kept, int dir, const char *record, char *why, size_t size);

/* Sets @file to @value until tracefs_give_back(). False with errno. */
bool tracefs_set(struct tracefs_kept *kept, const char *file, const char *value);

/* The latest first. False with errno: something could not be put back, and stays in the record. */
bool tracefs_give_back(struct tracefs_kept *kept);

#endif
