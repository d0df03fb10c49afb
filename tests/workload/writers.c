// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * workload writers make DIR, workload writers run DIR: processes that write in every way there is,
 * so that whose bytes come to the disk is known. Each has a name of its own (comm), and ends
 * before the filesystem is told to write what is left. The table of who wrote how much of which
 * file is in tests/truth/test_attribution.py.
 */
#include "uring.h"
#include "workload.h"

#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BLOCK 4096
#define KIB   1024
#define MiB   (1024 * KIB)

static const char *dir;
static char *buffer; /* aligned; a MiB */

static int open_at(const char *name, int flags)
{
	int fd = open(join(dir, name), flags | O_CLOEXEC, 0644);

	if (fd < 0)
		die(name);
	return fd;
}

static void put(int fd, size_t bytes, off_t at)
{
	for (size_t done = 0, n; done < bytes; done += n) {
		ssize_t ret;

		n = bytes - done < MiB ? bytes - done : MiB;
		ret = pwrite(fd, buffer, n, at + (off_t)done);
		if (ret != (ssize_t)n)
			die("pwrite");
	}
}

static void flush(int fd)
{
	if (fsync(fd))
		die("fsync");
}

/* --- what the children do; @which counts those that do the same --- */

static void private_file(int which)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "private%d", which);
	fd = open_at(name, O_CREAT | O_WRONLY);
	/* in pieces, so that they run side by side */
	for (int i = 0; i < 8 * (which + 1); i++)
		put(fd, 32 * KIB, i * 32 * KIB);
}

static void every_third(const char *name, int which)
{
	int fd = open_at(name, O_CREAT | O_WRONLY);

	for (int i = which; i < 192; i += 3)
		put(fd, BLOCK, (off_t)i * BLOCK);
}

static void alternate_new(int which)
{
	every_third("alternate", which);
}

static void alternate_cached(int which)
{
	every_third("cached", which);
}

static void append(int which)
{
	int fd = open_at("appended", O_CREAT | O_WRONLY | O_APPEND);

	(void)which;
	for (int i = 0; i < 16; i++)
		if (write(fd, buffer, BLOCK) != BLOCK)
			die("append");
}

static void mapped(int which)
{
	int fd = open_at(which ? "hole" : "mapped", O_CREAT | O_RDWR);
	char *at;

	if (which && ftruncate(fd, 128 * KIB))
		die("ftruncate");
	at = mmap(NULL, 128 * KIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < 128 * KIB; i += BLOCK)
		at[i] = 'm';
}

static void direct(int which)
{
	int fd = open_at("direct", O_CREAT | O_WRONLY | O_DIRECT);

	(void)which;
	put(fd, 128 * KIB, 0);
}

/* The memory belongs to another file, which nothing is written to. */
static void direct_from_mapping(int which)
{
	int fd = open_at("copied", O_CREAT | O_WRONLY | O_DIRECT), from = open_at("source", O_RDWR);
	char *at =
		mmap(NULL, 128 * KIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, from, 0);

	(void)which;
	if (at == MAP_FAILED || pwrite(fd, at, 128 * KIB, 0) != 128 * KIB)
		die("direct from a mapping");
}

static void uring(int which)
{
	int fd = open_at(which ? "uring-direct" : "uring",
			 O_CREAT | O_WRONLY | (which ? O_DIRECT : 0));
	struct io_uring_sqe sqe = { .opcode = IORING_OP_WRITE, .fd = fd, .len = 64 * KIB };
	struct ring r;

	if (!ring_setup(&r))
		die("io_uring");
	sqe.addr = (uint64_t)(uintptr_t)buffer;
	if (ring_do(&r, &sqe) != 64 * KIB)
		die("io_uring write");
}

static void synchronous(int which)
{
	int fd = open_at("synchronous", O_CREAT | O_WRONLY | O_DSYNC);

	(void)which;
	for (int i = 0; i < 4; i++)
		put(fd, 16 * KIB, i * 16 * KIB);
}

static void vectors(int which)
{
	int fd = open_at("sent", O_CREAT | O_WRONLY), from = open_at("source", O_RDONLY);

	(void)which;
	if (sendfile(fd, from, NULL, 64 * KIB) != 64 * KIB)
		die("sendfile");
}

static void deleted(int which)
{
	int fd = open_at("deleted", O_CREAT | O_WRONLY);

	(void)which;
	put(fd, 64 * KIB, 0);
	if (unlink(join(dir, "deleted")))
		die("unlink");
	flush(fd);
}

/* Twice, with a flush in between: each pays for its own. */
static void redirtied(int which)
{
	int fd = open_at("redirtied", O_CREAT | O_WRONLY);

	put(fd, 64 * KIB, 0);
	if (!which)
		flush(fd);
}

/* Twice without one: the first one's bytes never get to the disk. */
static void overwritten(int which)
{
	(void)which;
	put(open_at("overwritten", O_CREAT | O_WRONLY), 64 * KIB, 0);
}

static void read_cold(int which)
{
	int fd = open_at("cold", O_RDONLY);

	(void)which;
	for (int i = 0; i < 4; i++)
		if (pread(fd, buffer, 64 * KIB, i * 64 * KIB) != 64 * KIB)
			die("pread");
}

static void read_ahead(int which)
{
	int fd = open_at("ahead", O_RDONLY);

	(void)which;
	if (readahead(fd, 0, 128 * KIB))
		die("readahead");
}

static void read_after(int which)
{
	(void)which;
	if (pread(open_at("ahead", O_RDONLY), buffer, 128 * KIB, 0) != 128 * KIB)
		die("pread");
}

struct part {
	const char *comm; /* a % becomes the number of the process */
	int processes;
	bool together; /* at the same time; else one after the other */
	void (*run)(int which);
};

static const struct part parts[] = {
	{ "private%", 3, true, private_file },
	{ "alternate%", 3, true, alternate_new },
	{ "cached%", 3, true, alternate_cached },
	{ "append%", 2, true, append },
	{ "mapped%", 2, false, mapped },
	{ "direct", 1, false, direct },
	{ "directmap", 1, false, direct_from_mapping },
	{ "uring%", 2, false, uring },
	{ "dsync", 1, false, synchronous },
	{ "sendfile", 1, false, vectors },
	{ "deleted", 1, false, deleted },
	{ "redirty%", 2, false, redirtied },
	{ "overwrite%", 2, false, overwritten },
	{ "cold", 1, false, read_cold },
	{ "ahead", 1, false, read_ahead },
	{ "after", 1, false, read_after },
};

static pid_t start(const struct part *p, int which)
{
	char comm[16];
	size_t len = strcspn(p->comm, "%");
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	snprintf(comm, sizeof(comm), "%.*s", (int)len, p->comm);
	if (p->comm[len])
		snprintf(comm + len, sizeof(comm) - len, "%d", which);
	prctl(PR_SET_NAME, comm);
	p->run(which);
	_exit(0);
}

static void run_part(const struct part *p)
{
	pid_t pids[8];

	for (int i = 0; i < p->processes; i++) {
		pids[i] = start(p, i);
		if (!p->together)
			wait_for(pids[i]);
	}
	for (int i = 0; p->together && i < p->processes; i++)
		wait_for(pids[i]);
}

/* What is to be there before, on the disk and, but for the cold ones, in the cache. */
static void make_files(void)
{
	static const struct {
		const char *name;
		size_t bytes;
		bool cold;
	} files[] = { { "cached", 192 * BLOCK, false },
		      { "mapped", 128 * KIB, false },
		      { "source", 128 * KIB, false },
		      { "cold", 256 * KIB, true },
		      { "ahead", 128 * KIB, true } };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = open_at(files[i].name, O_CREAT | O_WRONLY);

		put(fd, files[i].bytes, 0);
		flush(fd);
		if (files[i].cold && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			die("fadvise");
		close(fd);
	}
}

int cmd_writers(struct ctx *c)
{
	bool make = !strcmp(arg_str(c, 0, NULL), "make");
	int fd;

	dir = arg_str(c, 1, NULL);
	if (posix_memalign((void **)&buffer, BLOCK, MiB))
		die("memory");
	memset(buffer, 'w', MiB);
	fd = open_at(".", O_RDONLY | O_DIRECTORY);
	if (make) {
		make_files();
		syncfs(fd);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (c->argc < 3 || !strncmp(parts[i].comm, c->argv[2], strlen(c->argv[2])))
			run_part(&parts[i]);
	prctl(PR_SET_NAME, "syncer");
	if (syncfs(fd))
		die("syncfs");
	return 0;
}
