// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Each call that asks about a file, with each way to name one. An op's path is what a tracer is to
 * show: the name as passed or, where only a descriptor is, the path of that file.
 */
#include "workload.h"
#include "ia32call.h"

#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

/* Larger than any of the structs that are asked for. */
static char answer[1024];

static void record(struct ctx *c, const char *id, const char *call, const char *path,
		   const char *full, int64_t flags, long ret)
{
	struct want w = { id, call, path, full, FULL_EXACT, flags, -1, 0, 0 };

	op_record(c, &w, ret);
}

static void at(struct ctx *c, const char *id, int dfd, const char *name, const char *full,
	       int flags)
{
	record(c, id, "fstatat", name, full, flags, SC(SYS_newfstatat, dfd, name, answer, flags));
}

static void statx_at(struct ctx *c, const char *id, int dfd, const char *name, const char *full,
		     int flags)
{
	record(c, id, "statx", name, full, flags,
	       SC(SYS_statx, dfd, name, flags, STATX_BASIC_STATS, answer));
}

static void by_name(struct ctx *c, const char *dir)
{
#ifdef SYS_stat
	record(c, "stat", "stat", "plain", join(dir, "plain"), 0, SC(SYS_stat, "plain", answer));
	record(c, "stat-enoent", "stat", "none", join(dir, "none"), 0,
	       SC(SYS_stat, "none", answer));
	record(c, "stat-eloop", "stat", "loop", join(dir, "loop"), 0, SC(SYS_stat, "loop", answer));
	record(c, "lstat", "lstat", "loop", join(dir, "loop"), 0, SC(SYS_lstat, "loop", answer));
	record(c, "lstat-enotdir", "lstat", "plain/x", join(dir, "plain/x"), 0,
	       SC(SYS_lstat, "plain/x", answer));
	record(c, "stat-efault", "stat", NULL, NULL, 0, SC(SYS_stat, NULL, answer));
	record(c, "stat-answer-efault", "stat", "plain", join(dir, "plain"), 0,
	       SC(SYS_stat, "plain", (void *)8));
#endif
	record(c, "statfs", "statfs", dir, dir, 0, SC(SYS_statfs, dir, answer));
	record(c, "statfs-enoent", "statfs", "/none", "/none", 0, SC(SYS_statfs, "/none", answer));
	at(c, "at", AT_FDCWD, "plain", join(dir, "plain"), 0);
	at(c, "at-nofollow", AT_FDCWD, "loop", join(dir, "loop"), AT_SYMLINK_NOFOLLOW);
	at(c, "at-dot", AT_FDCWD, ".", join(dir, "."), 0);
	at(c, "at-slashes", AT_FDCWD, "//proc//self", "/proc//self", 0);
	at(c, "at-empty-enoent", AT_FDCWD, "", NULL, 0);
	statx_at(c, "statx", AT_FDCWD, "plain", join(dir, "plain"), AT_STATX_DONT_SYNC);
	statx_at(c, "statx-enoent", AT_FDCWD, "none", join(dir, "none"), 0);
}

static void by_descriptor(struct ctx *c, const char *dir)
{
	int file = open("plain", O_RDONLY), sub = open("sub", O_PATH | O_DIRECTORY), fds[2];
	char text[64];
	struct stat s;
	long ret;

	if (file < 0 || sub < 0 || pipe(fds))
		die("descriptors");
	record(c, "fstat", "fstat", join(dir, "plain"), join(dir, "plain"), 0,
	       SC(SYS_fstat, file, answer));
	record(c, "fstat-ebadf", "fstat", NULL, NULL, 0, SC(SYS_fstat, 999, answer));
	record(c, "fstat-minus-one", "fstat", NULL, NULL, 0, SC(SYS_fstat, -1, answer));
	record(c, "fstatfs", "fstatfs", join(dir, "plain"), join(dir, "plain"), 0,
	       SC(SYS_fstatfs, file, answer));
	record(c, "fstatfs-ebadf", "fstatfs", NULL, NULL, 0, SC(SYS_fstatfs, 998, answer));
	at(c, "dirfd", sub, "leaf", join(dir, "sub/leaf"), 0);
	at(c, "dirfd-enoent", sub, "none", join(dir, "sub/none"), 0);
	at(c, "dirfd-ignored", sub, join(dir, "plain"), join(dir, "plain"), 0);
	at(c, "dirfd-ebadf", 999, "leaf", NULL, 0);
	at(c, "dirfd-enotdir", file, "leaf", join(dir, "plain/leaf"), 0);
	statx_at(c, "statx-dirfd", sub, "leaf", join(dir, "sub/leaf"), 0);
	/* The descriptor alone, in three ways to say so */
	record(c, "empty-path", "fstatat", join(dir, "plain"), join(dir, "plain"), AT_EMPTY_PATH,
	       SC(SYS_newfstatat, file, "", answer, AT_EMPTY_PATH));
	record(c, "empty-path-cwd", "fstatat", dir, dir, AT_EMPTY_PATH,
	       SC(SYS_newfstatat, AT_FDCWD, "", answer, AT_EMPTY_PATH));
	record(c, "statx-empty-path", "statx", join(dir, "sub"), join(dir, "sub"), AT_EMPTY_PATH,
	       SC(SYS_statx, sub, "", AT_EMPTY_PATH, STATX_BASIC_STATS, answer));
	at(c, "empty-path-unused", sub, "leaf", join(dir, "sub/leaf"), AT_EMPTY_PATH);
	ret = SC(SYS_fstat, fds[0], &s);
	snprintf(text, sizeof(text), "pipe:[%lu]", (unsigned long)s.st_ino);
	record(c, "fstat-pipe", "fstat", text, text, 0, ret);
	close(file);
	close(sub);
	close(fds[0]);
	close(fds[1]);
}

static void elsewhere(struct ctx *c, const char *dir)
{
	int fd = open("doomed", O_CREAT | O_RDWR, 0600);
	struct want w = {
		"fstat-deleted", "fstat", join(dir, "doomed (deleted)"), NULL, FULL_ANY, 0, -1, 0, 0
	};

	if (fd < 0 || unlink("doomed"))
		die("doomed");
	op_record(c, &w, SC(SYS_fstat, fd, answer));
	close(fd);
	if (chdir("sub"))
		die("sub");
	at(c, "chdir", AT_FDCWD, "leaf", join(dir, "sub/leaf"), 0);
	if (chdir(".."))
		die("..");
}

/* Two pages of which only the first is mapped; returns the first byte of the hole. */
static char *edge(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + page, page))
		die("edge");
	return p + page;
}

static void awkward(struct ctx *c, const char *dir)
{
	char *hole = edge(), *name = hole - sizeof("plain"), *longest = malloc(8192);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = open("names", O_CREAT | O_RDWR, 0600);
	char *map;
	struct want w = { "name-4096", "fstatat", longest, NULL, FULL_ANY, 0, -1, 4095, true };

	strcpy(name, "plain");
	at(c, "page-end", AT_FDCWD, name, join(dir, "plain"), 0);
	if (fd < 0 || write(fd, "plain", 6) != 6)
		die("names");
	/* A name that only the call itself brings into memory */
	map = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED || madvise(map, page, MADV_DONTNEED))
		die("mmap");
	record(c, "absent-page", "fstatat", "plain", join(dir, "plain"), 0,
	       SC(SYS_newfstatat, AT_FDCWD, map, answer, 0));
	close(fd);
	memset(longest, '/', 4095);
	longest[4095] = '\0';
	at(c, "name-4095", AT_FDCWD, longest, NULL, 0);
	memset(longest, '/', 5000);
	longest[5000] = '\0';
	op_record(c, &w, SC(SYS_newfstatat, AT_FDCWD, longest, answer, 0));
	at(c, "hostile", AT_FDCWD, "line\nfeed\033[31m\"\xff",
	   join(dir, "line\nfeed\033[31m\"\xff"), 0);
	free(longest);
}

/* What a 32-bit program calls: three generations of stat(). */
static void by_ia32(struct ctx *c, const char *dir)
{
#if HAVE_IA32
	static const struct {
		uint32_t nr;
		const char *id, *call;
	} names[] = {
		{ 18, "ia32-oldstat", "stat" },	  { 84, "ia32-oldlstat", "lstat" },
		{ 106, "ia32-stat", "stat" },	  { 107, "ia32-lstat", "lstat" },
		{ 195, "ia32-stat64", "stat" },	  { 196, "ia32-lstat64", "lstat" },
	}, fds[] = { { 28, "ia32-oldfstat", "fstat" },
		     { 108, "ia32-fstat", "fstat" },
		     { 197, "ia32-fstat64", "fstat" } };
	char *name = low_string("plain"), *out = low_alloc(4096);
	int fd = open("plain", O_RDONLY);

	if (!name || !out || fd < 0)
		die("low memory");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		record(c, names[i].id, names[i].call, "plain", join(dir, "plain"), 0,
		       ia32(names[i].nr, low(name), low(out), 0, 0));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		record(c, fds[i].id, fds[i].call, join(dir, "plain"), join(dir, "plain"), 0,
		       ia32(fds[i].nr, (uint32_t)fd, low(out), 0, 0));
	record(c, "ia32-fstatat64", "fstatat", "plain", join(dir, "plain"), AT_SYMLINK_NOFOLLOW,
	       ia32(300, (uint32_t)AT_FDCWD, low(name), low(out), AT_SYMLINK_NOFOLLOW));
	record(c, "ia32-statfs64", "statfs", "plain", join(dir, "plain"), 0,
	       ia32(268, low(name), 84, low(out), 0));
	record(c, "ia32-fstatfs", "fstatfs", join(dir, "plain"), join(dir, "plain"), 0,
	       ia32(100, (uint32_t)fd, low(out), 0, 0));
	close(fd);
#else
	(void)c, (void)dir;
#endif
}

/* Processes that are gone right after the call: whoever reads their memory later comes too late. */
static void by_the_dying(struct ctx *c, const char *dir)
{
	char name[32];

	for (int i = 0; i < 20; i++) {
		pid_t pid;

		snprintf(name, sizeof(name), "gone-%d", i);
		pid = fork();
		if (!pid) {
			long ret = SC(SYS_newfstatat, AT_FDCWD, name, answer, 0);

			record(c, "dying", "fstatat", name, join(dir, name), 0, ret);
			_exit(0);
		}
		wait_for(pid);
	}
}

int cmd_stats(struct ctx *c)
{
	const char *dir = arg_str(c, 0, NULL);

	if (chdir(dir) || symlink("loop", "loop") || mkdir("sub", 0755))
		die(dir);
	make_file("plain", 0644);
	make_file("sub/leaf", 0644);
	by_name(c, dir);
	by_descriptor(c, dir);
	elsewhere(c, dir);
	awkward(c, dir);
	if (ia32_offered(c))
		by_ia32(c, dir);
	by_the_dying(c, dir);
	return 0;
}
