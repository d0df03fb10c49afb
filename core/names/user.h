/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Users by number and by name. Answers are cached for the run: each uid is asked for once. */
#ifndef IOSONDE_NAMES_USER_H
#define IOSONDE_NAMES_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The name of @uid, or its number in decimal where it has none; never NULL, never fails. Good
 * until the next call. Not for threads.
 */
const char *user_name(uint32_t uid);

/*
 * The uid of the user called @name (@len bytes), which may also be a number. Returns false, and
 * leaves *@uid alone, if there is none.
 */
bool user_id(const char *name, size_t len, uint32_t *uid);

#endif
