/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/user.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "core/base/digits.h"

/*
 * A user namespace can hold 2^32 users: past this many, numbers are printed and nobody is asked,
 * for so long. Then all are forgotten, and those that are still there asked for again.
 */
#define MAX_USERS     4096
#define FULL_SECONDS  60
#define SLOTS	      (2 * MAX_USERS)
#define PASSWD_BUFFER 16384

struct user {
	uint32_t uid;
	char *name; /* NULL: free slot */
};

static struct user *find_slot(struct user_names *names, uint32_t uid)
{
	size_t i = (uid * 2654435761u) >> 19; /* Knuth's constant; the upper 13 bits */

	_Static_assert(SLOTS == 1 << 13, "the shift above must leave log2(SLOTS) bits");
	while (names->slots[i].name && names->slots[i].uid != uid)
		i = (i + 1) % SLOTS;
	return &names->slots[i];
}

static const char *number_name(struct user_names *names, uint32_t uid)
{
	names->number[put_u64(names->number, uid)] = '\0';
	return names->number;
}

/* Returns a copy to free, or NULL when out of memory. */
static char *ask_name(struct user_names *names, uint32_t uid)
{
	char *buf = malloc(PASSWD_BUFFER), *name;
	struct passwd entry, *found = NULL;

	if (!buf)
		return NULL;
	if (getpwuid_r(uid, &entry, buf, PASSWD_BUFFER, &found) != 0 || !found ||
	    !found->pw_name[0])
		name = strdup(number_name(names, uid));
	else
		name = strdup(found->pw_name);
	free(buf);
	return name;
}

static void forget_all(struct user_names *names)
{
	for (size_t i = 0; names->slots && i < SLOTS; i++)
		free(names->slots[i].name);
}

/* Is there room for one more? */
static bool make_room(struct user_names *names)
{
	struct timespec now;

	if (names->used < MAX_USERS)
		return true;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (!names->full_s)
		names->full_s = now.tv_sec + FULL_SECONDS;
	if (now.tv_sec < names->full_s)
		return false;
	forget_all(names);
	memset(names->slots, 0, SLOTS * sizeof(*names->slots));
	names->used = 0;
	names->full_s = 0;
	return true;
}

const char *user_name(struct user_names *names, uint32_t uid)
{
	struct user *slot;

	if (!names->slots)
		names->slots = calloc(SLOTS, sizeof(*names->slots));
	if (!names->slots)
		return number_name(names, uid);
	slot = find_slot(names, uid);
	if (!slot->name) {
		if (!make_room(names))
			return number_name(names, uid);
		slot = find_slot(names, uid);
		slot->name = ask_name(names, uid);
		if (!slot->name)
			return number_name(names, uid);
		slot->uid = uid;
		names->used++;
	}
	return slot->name;
}

void user_names_free(struct user_names *names)
{
	forget_all(names);
	free(names->slots);
	*names = (struct user_names){ 0 };
}

static bool parse_uid(const char *s, size_t len, uint32_t *uid)
{
	uint64_t n = 0;

	if (len == 0 || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	if (n > UINT32_MAX)
		return false;
	*uid = (uint32_t)n;
	return true;
}

bool user_id(const char *name, size_t len, uint32_t *uid)
{
	struct passwd entry, *found = NULL;
	char *copy, *buf;

	if (len == 0 || memchr(name, '\0', len))
		return false;
	copy = strndup(name, len);
	buf = malloc(PASSWD_BUFFER);
	/* A name wins over a number: POSIX lets a user be called "1000". */
	if (copy && buf && getpwnam_r(copy, &entry, buf, PASSWD_BUFFER, &found) == 0 && found)
		*uid = found->pw_uid;
	free(copy);
	free(buf);
	return found || parse_uid(name, len, uid);
}
