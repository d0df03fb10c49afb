// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The program that is traced: reads lines "CALL N" and makes that many calls at full speed, on the
 * file or device named on its command line. Answers each with the nanoseconds they took, and those
 * of a fixed piece of work just before or after: the gauge of how much of a CPU there was.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAPPED_AT (1L << 20) /* a hole: no disk is asked */

struct io {
	const char *path;
	int file, null, direct;
	unsigned int requests;
	int listening;
	struct sockaddr_in name; /* where it does */
	char *mapped;
	bool failed;
	char byte;
	_Alignas(4096) char page[4096];
};

static void do_open(struct io *io)
{
	syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, io->path, O_RDONLY | O_CLOEXEC, 0));
}

/* Looks for each component of the path. */
static void do_stat(struct io *io)
{
	struct stat st;

	syscall(SYS_newfstatat, AT_FDCWD, io->path, &st, 0);
}

/* One open, then a pause: what a program does that opens files now and then. */
static void do_tick(struct io *io)
{
	static const struct timespec pause = { 0, 1000000 };

	do_open(io);
	nanosleep(&pause, NULL);
}

static void do_null(struct io *io)
{
	syscall(SYS_write, io->null, &io->byte, 1);
}

static void do_write(struct io *io)
{
	syscall(SYS_pwrite64, io->file, &io->byte, 1, 0);
}

static void do_read(struct io *io)
{
	syscall(SYS_pread64, io->file, &io->byte, 1, 0);
}

static void do_read4k(struct io *io)
{
	syscall(SYS_pread64, io->file, io->page, sizeof(io->page), 0);
}

/* One request to the disk each, on a file or device where O_DIRECT works. */
static void do_direct(struct io *io)
{
	syscall(SYS_pread64, io->direct, io->page, sizeof(io->page),
		(off_t)(io->requests++ % 256 * sizeof(io->page)));
}

/* A page in the cache, then at the disk: one request, and no flush of the disk's own cache. */
static void do_synced(struct io *io)
{
	syscall(SYS_pwrite64, io->file, io->page, sizeof(io->page), 0);
	syscall(SYS_sync_file_range, io->file, 0L, sizeof(io->page),
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

/* A connection to oneself: made, accepted and, so that no port stays behind, reset. */
static void do_connect(struct io *io)
{
	static const struct linger now = { 1, 0 };
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), server;

	if (connect(client, (struct sockaddr *)&io->name, sizeof(io->name)))
		io->failed = true;
	server = accept4(io->listening, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0 || setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)))
		io->failed = true;
	close(client);
	close(server);
}

/* A page of a mapped file that isn't in memory. */
static void do_fault(struct io *io)
{
	madvise(io->mapped, sizeof(io->page), MADV_DONTNEED);
	posix_fadvise(io->file, MAPPED_AT, sizeof(io->page), POSIX_FADV_DONTNEED);
	*(volatile char *)io->mapped;
}

static void do_getppid(struct io *io)
{
	(void)io;
	syscall(SYS_getppid);
}

static const struct call {
	const char *name;
	void (*run)(struct io *io);
} calls[] = {
	{ "open", do_open },	 { "tick", do_tick },	    { "null", do_null },
	{ "write", do_write },	 { "read", do_read },	    { "getppid", do_getppid },
	{ "read4k", do_read4k }, { "direct", do_direct },   { "synced", do_synced },
	{ "stat", do_stat },	 { "connect", do_connect }, { "fault", do_fault },
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Enough independent work to fill a core, so that it feels a neighbour on the same one. */
static uint64_t gauge(void)
{
	uint64_t start = now_ns();
	volatile uint64_t sink;
	uint64_t x[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	for (int i = 0; i < 20000; i++)
		for (int k = 0; k < 8; k++)
			x[k] = (x[k] ^ x[k] >> 7) + (x[k] << 9);
	sink = x[0] ^ x[1] ^ x[2] ^ x[3] ^ x[4] ^ x[5] ^ x[6] ^ x[7];
	(void)sink;
	return now_ns() - start;
}

static void batch(struct io *io, const struct call *call, long n)
{
	uint64_t before = gauge(), start = now_ns(), end, after;

	for (long i = 0; i < n; i++)
		call->run(io);
	end = now_ns();
	after = gauge();
	printf("%llu %llu\n", (unsigned long long)(end - start),
	       (unsigned long long)(before > after ? before : after));
	fflush(stdout);
}

static bool block_device(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISBLK(st.st_mode);
}

static bool listen_here(struct io *io)
{
	socklen_t len = sizeof(io->name);

	io->name.sin_family = AF_INET;
	io->name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	io->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return !bind(io->listening, (struct sockaddr *)&io->name, len) &&
	       !listen(io->listening, 16) &&
	       !getsockname(io->listening, (struct sockaddr *)&io->name, &len);
}

/* A file that can be mapped: a device can't be made longer. */
static bool map_file(struct io *io)
{
	if (ftruncate(io->file, MAPPED_AT + (off_t)sizeof(io->page)))
		return false;
	io->mapped = mmap(NULL, sizeof(io->page), PROT_READ, MAP_SHARED, io->file, MAPPED_AT);
	return io->mapped != MAP_FAILED && !madvise(io->mapped, sizeof(io->page), MADV_RANDOM);
}

/* What a call needs that not all do. */
static bool prepare(struct io *io, const struct call *call)
{
	if (call->run == do_connect && !io->listening)
		return listen_here(io);
	return call->run != do_fault || io->mapped || map_file(io);
}

int main(int argc, char **argv)
{
	static struct io io;
	char line[64], name[32];
	long n;

	io.path = argc > 1 ? argv[1] : "";
	io.byte = 'x';
	io.file = open(io.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	io.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (io.file < 0 || io.null < 0 ||
	    (!block_device(io.file) && write(io.file, io.page, sizeof(io.page)) < 0)) {
		perror("loop");
		return 1;
	}
	io.direct = open(io.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	while (fgets(line, sizeof(line), stdin)) {
		const struct call *call = NULL;

		if (sscanf(line, "%31s %ld", name, &n) != 2)
			return 2;
		for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
			if (!strcmp(name, calls[i].name))
				call = &calls[i];
		if (!call)
			return 2;
		if (!prepare(&io, call)) {
			perror(name);
			return 1;
		}
		batch(&io, call, n);
		if (io.failed) {
			fprintf(stderr, "%s: it failed\n", name);
			return 1;
		}
	}
	return 0;
}
