// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Names that mislead: on mounts that are attached nowhere, in a mount namespace of one's own, too
 * long for whoever writes them down, and targets of mounts by other names. Of an open's op, full is
 * what it is to be called; of a mount's, path is the target as passed and full what that stands
 * for.
 */
#include "workload.h"

#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define LETTER "\xc3\xa9"

static int64_t namespace_inode(void)
{
	struct stat s;

	if (stat("/proc/self/ns/mnt", &s))
		die("/proc/self/ns/mnt");
	return (int64_t)s.st_ino;
}

/* What the kernel calls the directory behind @fd. */
static const char *getcwd_of(long fd)
{
	static char name[4096];

	if (fd < 0 || fchdir((int)fd) || syscall(SYS_getcwd, name, sizeof(name)) < 0)
		die("getcwd");
	if (name[strlen(name) - 1] == '/')
		name[strlen(name) - 1] = '\0'; /* a root ends with it already */
	return name;
}

static void open_below(struct ctx *c, const char *id, long fd)
{
	const char *dir = getcwd_of(fd);
	long leaf = op_openat(c, id, (int)fd, "leaf", join(dir, "leaf"), O_CREAT | O_RDWR, 0600);

	if (leaf < 0)
		die(id);
	close((int)leaf);
	op_openat(c, id, (int)fd, "none", join(dir, "none"), O_RDONLY, 0);
}

static void unreachable(struct ctx *c, const char *dir)
{
	long tree = SC(SYS_open_tree, AT_FDCWD, dir, (long)OPEN_TREE_CLONE), fs, mnt, lazy;

	open_below(c, "attached", open(dir, O_PATH));
	open_below(c, "open_tree", tree);
	fs = SC(SYS_fsopen, "tmpfs", 0);
	if (SC(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		die("fsconfig");
	mnt = SC(SYS_fsmount, fs, 0, 0);
	open_below(c, "fsmount", mnt);
	if (chdir(dir) || mkdir("lazy", 0755) || mount("none", "lazy", "tmpfs", 0, NULL))
		die("lazy");
	lazy = open("lazy", O_PATH);
	if (umount2("lazy", MNT_DETACH))
		die("umount2");
	open_below(c, "lazy", lazy);
	if (chdir(dir))
		die(dir);
}

static void target(struct ctx *c, const char *id, const char *passed, const char *stands_for)
{
	struct want w = { id, "mount", passed, stands_for, FULL_EXACT, 0, -1, 0, 0 };

	op_record(c, &w, SC(SYS_mount, "none", passed, "tmpfs", 0, NULL));
}

static void targets(struct ctx *c, const char *dir)
{
	char name[64];
	int fd;

	if (mkdir("onto", 0755) || mkdir("onto/below", 0755))
		die("onto");
	fd = open("onto", O_PATH);
	snprintf(name, sizeof(name), "/proc/self/fd/%d/below", fd);
	target(c, "fd-below", name, join(dir, "onto/below"));
	snprintf(name, sizeof(name), "/proc/thread-self/fd/%d", fd);
	target(c, "thread-fd", name, join(dir, "onto"));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	target(c, "fd", name, join(dir, "onto"));
	target(c, "relative", "lazy", join(dir, "lazy"));
	target(c, "absolute", join(dir, "lazy"), join(dir, "lazy"));
	target(c, "missing", "/proc/self/fd/99", NULL);
	target(c, "no-number", "/proc/self/fd/x", "/proc/self/fd/x");
	close(fd);
}

/* Of letters of two bytes, so that any odd number of bytes cuts one. */
static void too_long(struct ctx *c)
{
	static char name[473], path[5001];

	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, LETTER, 2);
	op_openat(c, "letters", AT_FDCWD, name, NULL, O_RDONLY, 0);
	for (size_t i = 0; i + 2 < sizeof(path); i += 2)
		memcpy(path + i, LETTER, 2);
	op_openat(c, "more-letters", AT_FDCWD, path, NULL, O_RDONLY, 0);
	name[255] = '\0';
	name[254] = 'x';
	op_openat(c, "fits", AT_FDCWD, name, NULL, O_RDONLY, 0);
	prctl(PR_SET_NAME, LETTER LETTER LETTER LETTER LETTER LETTER LETTER LETTER);
	op_openat(c, "comm", AT_FDCWD, "none", NULL, O_RDONLY, 0);
	prctl(PR_SET_NAME, "workload");
}

int cmd_names(struct ctx *c)
{
	const char *dir = arg_str(c, 0, NULL);

	extra_add(c, "mntns_outside", namespace_inode());
	if (chdir(dir))
		die(dir);
	too_long(c);
	close((int)op_openat(c, "outside", AT_FDCWD, "leaf", join(dir, "leaf"), O_CREAT | O_RDWR,
			     0600));
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	extra_add(c, "mntns_inside", namespace_inode());
	unreachable(c, dir);
	targets(c, dir);
	if (mount("none", dir, "tmpfs", 0, NULL) || chdir(dir))
		die("tmpfs");
	close((int)op_openat(c, "inside", AT_FDCWD, join(dir, "leaf"), join(dir, "leaf"),
			     O_CREAT | O_RDWR, 0600));
	return 0;
}
