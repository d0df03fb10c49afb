// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Where a name starts from: directory descriptors, working directories, roots and mounts. */
#include "workload.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void shut(long fd)
{
	if (fd >= 0)
		close((int)fd);
}

/* Any open that is to be right in its full path, closed at once. */
static void open_at(struct ctx *c, const char *id, int dirfd, const char *path, const char *full,
		    int flags)
{
	shut(op_openat(c, id, dirfd, path, full, flags, 0));
}

static void by_dirfd(struct ctx *c, const char *dir)
{
	long fd;

	make_file("sub/leaf", 0644);
	fd = op_openat(c, "dirfd-itself", AT_FDCWD, "sub", join(dir, "sub"), O_RDONLY | O_DIRECTORY,
		       0);
	open_at(c, "dirfd", (int)fd, "leaf", join(dir, "sub/leaf"), O_RDONLY);
	open_at(c, "dirfd-enoent", (int)fd, "none", join(dir, "sub/none"), O_RDONLY);
	open_at(c, "dirfd-ignored", (int)fd, join(dir, "plain"), join(dir, "plain"), O_RDONLY);
	open_at(c, "dirfd-dot", (int)fd, ".", join(dir, "sub"), O_RDONLY);
	open_at(c, "dirfd-up", (int)fd, "../plain", join(dir, "plain"), O_RDONLY);
	shut(fd);
	fd = op_openat(c, "o-path", AT_FDCWD, "sub", join(dir, "sub"), O_PATH | O_CLOEXEC, 0);
	open_at(c, "dirfd-o-path", (int)fd, "leaf", join(dir, "sub/leaf"), O_RDONLY);
	shut(fd);
	fd = op_openat(c, "file", AT_FDCWD, "plain", join(dir, "plain"), O_RDONLY, 0);
	open_at(c, "dirfd-is-file", (int)fd, "leaf", join(dir, "plain/leaf"), O_RDONLY);
	shut(fd);
}

static void by_cwd(struct ctx *c, const char *dir)
{
	open_at(c, "cwd-before", AT_FDCWD, "sub/leaf", join(dir, "sub/leaf"), O_RDONLY);
	if (chdir("sub"))
		die("sub");
	open_at(c, "chdir", AT_FDCWD, "leaf", join(dir, "sub/leaf"), O_RDONLY);
	open_at(c, "chdir-enoent", AT_FDCWD, "none", join(dir, "sub/none"), O_RDONLY);
	if (chdir(".."))
		die("..");
	if (symlink("sub", "dirlink") || symlink("../plain", "sub/up"))
		die("symlink");
	open_at(c, "symlink", AT_FDCWD, "link", join(dir, "plain"), O_RDONLY);
	open_at(c, "symlink-dir", AT_FDCWD, "dirlink/leaf", join(dir, "sub/leaf"), O_RDONLY);
	open_at(c, "symlink-up", AT_FDCWD, "sub/up", join(dir, "plain"), O_RDONLY);
}

static void in_deleted(struct ctx *c, const char *dir)
{
	const char *gone = join(dir, "gone");
	struct want w = { "deleted-cwd", "openat", ".", gone, FULL_PREFIX, O_RDONLY, -1, 0, 0 };
	long fd;

	if (mkdir("gone", 0755) || chdir("gone") || rmdir(gone))
		die("gone");
	/* How "deleted" is written is the tracer's choice: the start is not. */
	fd = SC(SYS_openat, AT_FDCWD, ".", O_RDONLY, 0);
	op_record(c, &w, fd);
	shut(fd);
	w.id = "deleted-cwd-enoent";
	w.path = "lost";
	op_record(c, &w, SC(SYS_openat, AT_FDCWD, "lost", O_RDONLY, 0));
}

static void deleted_file(struct ctx *c, const char *dir)
{
	struct want w = { "deleted-file", "openat", NULL, NULL, FULL_PREFIX, O_RDONLY, -1, 0, 0 };
	char link[64];
	long fd, again;

	fd = op_openat(c, "to-be-deleted", AT_FDCWD, "doomed", join(dir, "doomed"),
		       O_CREAT | O_RDWR, 0600);
	unlink("doomed");
	snprintf(link, sizeof(link), "/proc/self/fd/%ld", fd);
	w.path = link;
	w.full = join(dir, "doomed");
	again = SC(SYS_openat, AT_FDCWD, link, O_RDONLY, 0);
	op_record(c, &w, again);
	shut(again);
	shut(fd);
}

static void tmpfile_and_proc(struct ctx *c, const char *dir)
{
	struct want w = { "o-tmpfile",	      "openat", ".", NULL, FULL_PREFIX,
			  O_TMPFILE | O_RDWR, 0602,	0,   0 };
	long fd = SC(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0602);
	char proc[64];

	w.full = dir;
	op_record(c, &w, fd);
	shut(fd);
	snprintf(proc, sizeof(proc), "/proc/%d/status", (int)getpid());
	open_at(c, "procfs", AT_FDCWD, "/proc/self/status", proc, O_RDONLY);
	open_at(c, "device", AT_FDCWD, "/dev/null", "/dev/null", O_WRONLY);
	open_at(c, "root", AT_FDCWD, "/", "/", O_RDONLY | O_DIRECTORY);
}

/* chroot: the full path is the one outside, with all mounts crossed. */
static void in_chroot(struct ctx *c, const char *dir)
{
	if (mkdir("jail", 0755) || mkdir("jail/etc", 0755))
		die("jail");
	make_file("jail/etc/inner", 0644);
	if (chroot("jail") || chdir("/"))
		die("chroot");
	open_at(c, "chroot", AT_FDCWD, "/etc/inner", join(dir, "jail/etc/inner"), O_RDONLY);
	open_at(c, "chroot-relative", AT_FDCWD, "etc/inner", join(dir, "jail/etc/inner"), O_RDONLY);
	open_at(c, "chroot-enoent", AT_FDCWD, "/etc/none", join(dir, "jail/etc/none"), O_RDONLY);
}

static void in_namespace(struct ctx *c, const char *dir)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("unshare");
	if (mkdir("from", 0755) || mkdir("from/deep", 0755) || mkdir("onto", 0755) ||
	    mkdir("mem", 0755))
		die("mkdir");
	make_file("from/f", 0644);
	make_file("from/deep/g", 0644);
	if (mount("from", "onto", NULL, MS_BIND, NULL) || mount("none", "mem", "tmpfs", 0, NULL))
		die("mount");
	open_at(c, "bind", AT_FDCWD, "onto/f", join(dir, "onto/f"), O_RDONLY);
	open_at(c, "bind-source", AT_FDCWD, "from/f", join(dir, "from/f"), O_RDONLY);
	open_at(c, "bind-enoent", AT_FDCWD, "onto/none", join(dir, "onto/none"), O_RDONLY);
	shut(op_openat(c, "tmpfs", AT_FDCWD, "mem/t", join(dir, "mem/t"), O_CREAT | O_RDWR, 0600));
	if (mkdir("mem/b", 0755) || mount("from/deep", "mem/b", NULL, MS_BIND, NULL))
		die("nested mount");
	open_at(c, "bind-on-tmpfs", AT_FDCWD, "mem/b/g", join(dir, "mem/b/g"), O_RDONLY);
	if (chdir("mem/b"))
		die("mem/b");
	open_at(c, "bind-cwd", AT_FDCWD, "g", join(dir, "mem/b/g"), O_RDONLY);
	open_at(c, "bind-cwd-enoent", AT_FDCWD, "h", join(dir, "mem/b/h"), O_RDONLY);
}

/* Directories of 200 letters below dir until the path has at least that many bytes. */
static void go_deep(char *path, size_t want_len)
{
	char name[201];

	memset(name, 'd', 200);
	name[200] = '\0';
	while (strlen(path) < want_len) {
		if ((mkdir(name, 0755) && errno != EEXIST) || chdir(name))
			die(name);
		strcat(path, "/");
		strcat(path, name);
	}
}

static void deep(struct ctx *c, const char *dir)
{
	char *path = calloc(1, 8192), leaf[256];
	size_t room;
	struct want w = {
		"full-too-long", "openat", "leaf", "/leaf", FULL_TAIL, O_RDONLY, -1, 0, 0
	};
	long fd;

	strcpy(path, dir);
	go_deep(path, 4095 - 250);
	room = 4095 - strlen(path) - 1;
	memset(leaf, 'L', room);
	leaf[room] = '\0';
	make_file(leaf, 0644);
	strcat(path, "/");
	strcat(path, leaf);
	open_at(c, "path-4095", AT_FDCWD, path, path, O_RDONLY);
	open_at(c, "full-4095", AT_FDCWD, leaf, path, O_RDONLY);
	path[strlen(path) - 1] = 'M';
	open_at(c, "path-4095-enoent", AT_FDCWD, path, path, O_RDONLY);
	path[strlen(path) - room - 1] = '\0';
	go_deep(path, 4600);
	make_file("leaf", 0644);
	fd = SC(SYS_openat, AT_FDCWD, "leaf", O_RDONLY, 0);
	op_record(c, &w, fd);
	shut(fd);
}

void opens_places(struct ctx *c, const char *dir)
{
	if (mkdir("sub", 0755))
		die("sub");
	by_dirfd(c, dir);
	by_cwd(c, dir);
	in_child(c, in_deleted, dir);
	deleted_file(c, dir);
	tmpfile_and_proc(c, dir);
	in_child(c, deep, dir);
	if (geteuid() != 0)
		return;
	in_child(c, in_chroot, dir);
	in_child(c, in_namespace, dir);
}
