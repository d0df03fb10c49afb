/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Names of errors, both ways: the C library's, and those that never leave the kernel. */
#include "core/rows/unit.h"

#include <errno.h>
#include <string.h>

#define MAX_ERRNO 4095

struct error_name {
	int err;
	const char *name;
};

/* include/linux/errno.h: seen by probes inside the kernel, never by a program. */
static const struct error_name kernel_names[] = {
	{ 512, "ERESTARTSYS" },
	{ 513, "ERESTARTNOINTR" },
	{ 514, "ERESTARTNOHAND" },
	{ 515, "ENOIOCTLCMD" },
	{ 516, "ERESTART_RESTARTBLOCK" },
	{ 517, "EPROBE_DEFER" },
	{ 518, "EOPENSTALE" },
	{ 519, "ENOPARAM" },
	{ 521, "EBADHANDLE" },
	{ 522, "ENOTSYNC" },
	{ 523, "EBADCOOKIE" },
	{ 524, "ENOTSUPP" },
	{ 525, "ETOOSMALL" },
	{ 526, "ESERVERFAULT" },
	{ 527, "EBADTYPE" },
	{ 528, "EJUKEBOX" },
	{ 529, "EIOCBQUEUED" },
	{ 530, "ERECALLCONFLICT" },
};

/* Second names of the same numbers, accepted but never printed. */
static const struct error_name aliases[] = {
	{ EWOULDBLOCK, "EWOULDBLOCK" },
	{ EDEADLOCK, "EDEADLOCK" },
	{ ENOTSUP, "ENOTSUP" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *errno_name(int err)
{
	if (err <= 0 || err > MAX_ERRNO)
		return NULL;
	for (size_t i = 0; err >= kernel_names[0].err && i < COUNT(kernel_names); i++)
		if (kernel_names[i].err == err)
			return kernel_names[i].name;
	return strerrorname_np(err);
}

static bool same(const char *known, const char *name, size_t len)
{
	return known && strncmp(known, name, len) == 0 && known[len] == '\0';
}

int errno_number(const char *name, size_t len)
{
	if (len == 0 || memchr(name, '\0', len))
		return -1;
	for (size_t i = 0; i < COUNT(aliases); i++)
		if (same(aliases[i].name, name, len))
			return aliases[i].err;
	for (int err = 1; err <= 530; err++)
		if (same(errno_name(err), name, len))
			return err;
	return -1;
}
