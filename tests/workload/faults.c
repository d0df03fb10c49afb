// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Programs that touch memory which isn't there, and know how many faults the kernel counted. */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE   4096L
#define STRIDE 7919 /* prime: pages in an order that read-ahead can't guess */
#define FEW    10

struct faults {
	long major, minor;
};

static struct faults faults_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct faults){ usage.ru_majflt, usage.ru_minflt };
}

static struct faults faults_since(struct faults then)
{
	struct faults now = faults_now();

	return (struct faults){ now.major - then.major, now.minor - then.minor };
}

static long read_bytes(void)
{
	static char text[1024];
	int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *at = n > 0 ? strstr(text, "\nread_bytes: ") : NULL;

	if (!at)
		die("/proc/self/io");
	close(fd);
	return atol(at + 13);
}

static long page_at(long i, long pages)
{
	return i * STRIDE % pages;
}

static char *map(int fd, long pages, int prot, int flags)
{
	char *at = mmap(NULL, (size_t)(pages * PAGE), prot, flags, fd, 0);

	if (at == MAP_FAILED)
		die("mmap");
	madvise(at, (size_t)(pages * PAGE), fd < 0 ? MADV_NOHUGEPAGE : MADV_RANDOM);
	return at;
}

/* A file of so many pages, none of which is in memory. */
static int cold_file(const char *path, long pages)
{
	static char buffer[1 << 20];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	long left = pages * PAGE, n;

	if (fd < 0)
		die(path);
	memset(buffer, 'x', sizeof(buffer));
	for (; left > 0; left -= n) {
		n = write(fd, buffer, left < (long)sizeof(buffer) ? (size_t)left : sizeof(buffer));
		if (n <= 0)
			die("write");
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("fadvise");
	return fd;
}

static void touch(volatile char *at, long first, long n, long pages)
{
	for (long i = first; i < first + n; i++)
		(void)at[page_at(i, pages) * PAGE];
}

static void touch_to_write(volatile char *at, long first, long n, long pages)
{
	for (long i = first; i < first + n; i++)
		at[page_at(i, pages) * PAGE] = 1;
}

/* The kernel touches them: for write(). */
static void touch_by_calls(const char *at, long first, long n, long pages)
{
	char byte;
	int ends[2];

	if (pipe(ends))
		die("pipe");
	for (long i = first; i < first + n; i++)
		if (write(ends[1], at + page_at(i, pages) * PAGE, 1) != 1 ||
		    read(ends[0], &byte, 1) != 1)
			die("write");
	close(ends[0]);
	close(ends[1]);
}

/*
 * PAGES pages of a cold mapping are read in an order that nothing can guess, FEW by system calls,
 * FEW are written (to a copy of the program's own); then as many pages of fresh memory. Each part
 * is measured by the kernel's own count.
 */
int cmd_faults(struct ctx *c)
{
	long n = arg_num(c, 1, 3000), pages = 2 * n + 2 * FEW + 1, bytes;
	int fd = cold_file(arg_str(c, 0, ""), pages);
	char *shared = map(fd, pages, PROT_READ, MAP_SHARED);
	char *own = map(fd, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	char *fresh = map(-1, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	struct faults start, read, call, written, minor;

	touch_by_calls("", 0, 1, 1); /* what the measuring itself needs is there */
	bytes = read_bytes();
	start = faults_now();
	touch(shared, 0, n, pages);
	read = faults_since(start);
	bytes = read_bytes() - bytes;
	start = faults_now();
	touch_by_calls(shared, n, FEW, pages);
	call = faults_since(start);
	start = faults_now();
	touch_to_write(own, n + FEW, FEW, pages);
	written = faults_since(start);
	start = faults_now();
	touch_to_write(fresh, 0, n, n);
	minor = faults_since(start);
	printf("{\"workload\":\"faults\",\"pid\":%d,\"pages\":%ld,\"stride\":%d,\"few\":%d,"
	       "\"shared\":%lu,\"own\":%lu,\"fresh\":%lu,\"bytes\":%ld,\"majors\":%ld,"
	       "\"majors_by_calls\":%ld,\"majors_written\":%ld,\"minors\":%ld}\n",
	       getpid(), pages, STRIDE, FEW, (unsigned long)shared, (unsigned long)own,
	       (unsigned long)fresh, bytes, read.major, call.major, written.major, minor.minor);
	fflush(stdout);
	c->silent = true;
	return 0;
}

/* In a cgroup that has less room: what was written first is in swap when it is read again. */
int cmd_swapped(struct ctx *c)
{
	long pages = arg_num(c, 0, 24) * (1L << 20) / PAGE;
	struct faults start, back;
	char *at;

	if (mlockall(MCL_CURRENT)) /* the program itself stays */
		die("mlockall");
	at = map(-1, pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	touch_to_write(at, 0, pages, pages);
	start = faults_now();
	touch(at, 0, pages, pages);
	back = faults_since(start);
	printf("{\"workload\":\"swapped\",\"pid\":%d,\"at\":%lu,\"pages\":%ld,\"majors\":%ld}\n",
	       getpid(), (unsigned long)at, pages, back.major);
	fflush(stdout);
	c->silent = true;
	return 0;
}
