/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Users by number and by name. Each uid is asked for once. */
#ifndef IOSONDE_NAMES_USER_H
#define IOSONDE_NAMES_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/digits.h"

struct user;

/* Answers: they depend on nothing but the uid. All zeroes: none yet. */
struct user_names {
	struct user *slots; /* open addressing; NULL until first used */
	size_t used;
	int64_t full_s;		     /* until then nobody is asked; 0: there is room */
	char number[DIGITS_MAX + 1]; /* the name of the last user that is not in slots */
};

/*
 * The name of @uid, or its number in decimal where it has none; never NULL, never fails. Good
 * until the next call. Not for threads.
 */
const char *user_name(struct user_names *names, uint32_t uid);
void user_names_free(struct user_names *names);

/*
 * The uid of the user called @name (@len bytes), which may also be a number. Returns false, and
 * leaves *@uid alone, if there is none.
 */
bool user_id(const char *name, size_t len, uint32_t *uid);

#endif
