// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Reads, writes and syncs of stated number and size. */
#include "workload.h"
#include "ia32call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* One open file and what each call needs; the offset of call i is i * size, modulo the span. */
struct io {
	struct ctx *c;
	int fd, out;
	char *buf;
	size_t size;
	off_t span;
};

static off_t at(const struct io *io, long i)
{
	return (off_t)((uint64_t)i * io->size % (uint64_t)io->span);
}

/* Sequential calls start over before the end of what the file held; lseek isn't counted. */
static void rewind_if(const struct io *io, long i)
{
	if (!at(io, i))
		lseek(io->fd, 0, SEEK_SET);
}

static void halves(const struct io *io, struct iovec v[2])
{
	v[0] = (struct iovec){ io->buf, io->size / 2 };
	v[1] = (struct iovec){ io->buf + io->size / 2, io->size - io->size / 2 };
}

static long do_read(struct io *io, long i)
{
	(void)i;
	return SC(SYS_read, io->fd, io->buf, io->size);
}

static long do_write(struct io *io, long i)
{
	(void)i;
	return SC(SYS_write, io->fd, io->buf, io->size);
}

static long do_pread(struct io *io, long i)
{
	return SC(SYS_pread64, io->fd, io->buf, io->size, at(io, i));
}

static long do_pwrite(struct io *io, long i)
{
	return SC(SYS_pwrite64, io->fd, io->buf, io->size, at(io, i));
}

static long do_readv(struct io *io, long i)
{
	struct iovec v[2];

	(void)i;
	halves(io, v);
	return SC(SYS_readv, io->fd, v, 2);
}

static long do_writev(struct io *io, long i)
{
	struct iovec v[2];

	(void)i;
	halves(io, v);
	return SC(SYS_writev, io->fd, v, 2);
}

static long do_preadv(struct io *io, long i)
{
	struct iovec v[2];

	halves(io, v);
	return SC(SYS_preadv, io->fd, v, 2, at(io, i), 0);
}

static long do_pwritev(struct io *io, long i)
{
	struct iovec v[2];

	halves(io, v);
	return SC(SYS_pwritev, io->fd, v, 2, at(io, i), 0);
}

static long do_preadv2(struct io *io, long i)
{
	struct iovec v[2];

	halves(io, v);
	return SC(SYS_preadv2, io->fd, v, 2, at(io, i), 0, 0);
}

static long do_pwritev2(struct io *io, long i)
{
	struct iovec v[2];

	halves(io, v);
	return SC(SYS_pwritev2, io->fd, v, 2, at(io, i), 0, 0);
}

static long do_fsync(struct io *io, long i)
{
	(void)i;
	return SC(SYS_fsync, io->fd);
}

static long do_fdatasync(struct io *io, long i)
{
	(void)i;
	return SC(SYS_fdatasync, io->fd);
}

static long do_sendfile(struct io *io, long i)
{
	off_t from = at(io, i);

	return SC(SYS_sendfile, io->out, io->fd, &from, io->size);
}

static long do_copy(struct io *io, long i)
{
	loff_t from = at(io, i);

	return SC(SYS_copy_file_range, io->fd, &from, io->out, NULL, io->size, 0);
}

struct call {
	const char *name;
	long (*run)(struct io *io, long i);
	bool sequential, needs_out;
	const char *before; /* a call made ahead of each, so that there is something to do */
};

static const struct call calls[] = {
	{ "read", do_read, true, false, NULL },
	{ "write", do_write, true, false, NULL },
	{ "pread", do_pread, false, false, NULL },
	{ "pwrite", do_pwrite, false, false, NULL },
	{ "readv", do_readv, true, false, NULL },
	{ "writev", do_writev, true, false, NULL },
	{ "preadv", do_preadv, false, false, NULL },
	{ "pwritev", do_pwritev, false, false, NULL },
	{ "preadv2", do_preadv2, false, false, NULL },
	{ "pwritev2", do_pwritev2, false, false, NULL },
	{ "fsync", do_fsync, false, false, "pwrite" },
	{ "fdatasync", do_fdatasync, false, false, "pwrite" },
	{ "sendfile", do_sendfile, false, true, NULL },
	{ "copy_file_range", do_copy, false, true, NULL },
};

static const struct call *find_call(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (!strcmp(calls[i].name, name))
			return &calls[i];
	}
	errno = EINVAL;
	die(name);
}

static int counted_open(struct ctx *c, const char *path, int flags)
{
	struct tally *t = tally_get(c, "openat");
	long fd = TIMED(t, SC(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644));

	if (fd < 0) {
		errno = (int)-fd;
		die(path);
	}
	t->bytes = 0; /* a descriptor is no byte */
	return (int)fd;
}

static void run_call(struct io *io, const struct call *call, long count)
{
	struct tally *t = tally_get(io->c, call->name), *tb = NULL;
	const struct call *before = NULL;

	if (call->before) {
		before = find_call(call->before);
		tb = tally_get(io->c, before->name);
	}
	for (long i = 0; i < count; i++) {
		if (call->sequential)
			rewind_if(io, i);
		if (before)
			TIMED(tb, before->run(io, i));
		TIMED(t, call->run(io, i));
	}
}

static void open_files(struct io *io, const char *path, int flags, bool out)
{
	struct stat st;
	char copy[4096];

	io->fd = counted_open(io->c, path, O_RDWR | flags);
	if (out) {
		snprintf(copy, sizeof(copy), "%s.copy", path);
		io->out = counted_open(io->c, copy, O_RDWR | O_CREAT | O_TRUNC);
	}
	if (fstat(io->fd, &st))
		die("fstat");
	/* Devices have no size: any offset does. */
	io->span = S_ISREG(st.st_mode) ? st.st_size / (off_t)io->size * (off_t)io->size : 0;
	if (!io->span)
		io->span = (off_t)io->size << 10;
}

int cmd_rw(struct ctx *c)
{
	char *names = strdup(arg_str(c, 0, NULL)), *save = NULL;
	const struct call *list[ARRAY_SIZE(calls)];
	struct io io = { .c = c, .size = (size_t)arg_num(c, 2, 1), .out = -1 };
	const char *path = arg_str(c, 3, NULL);
	size_t n = 0;
	int flags = 0;
	bool out = false;

	for (char *s = strtok_r(names, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		if (n == ARRAY_SIZE(list))
			die("too many calls");
		list[n] = find_call(s);
		out |= list[n++]->needs_out;
	}
	for (int i = 4; i < c->argc; i++)
		flags |= !strcmp(c->argv[i], "direct") ? O_DIRECT : 0;
	if (posix_memalign((void **)&io.buf, 1 << 16, io.size + (1 << 16)))
		die("memory");
	memset(io.buf, 'x', io.size);
	open_files(&io, path, flags, out);
	for (size_t i = 0; i < n; i++)
		run_call(&io, list[i], arg_num(c, 1, 1));
	free(names);
	return 0;
}

/* Not for tracing: data that is on the disk, not a hole and not unwritten extents. */
int cmd_make(struct ctx *c)
{
	const char *path = arg_str(c, 0, NULL);
	long left = arg_num(c, 1, 1 << 20);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
	uint32_t x = 2463534242u;
	static uint32_t buf[1 << 16];

	if (fd < 0)
		die(path);
	while (left > 0) {
		size_t want = left < (long)sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t n;

		for (size_t i = 0; i < ARRAY_SIZE(buf); i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			buf[i] = x;
		}
		n = write(fd, buf, want);
		if (n <= 0)
			die("write");
		left -= n;
	}
	if (fsync(fd))
		die("fsync");
	close(fd);
	return 0;
}

static void make_errors(struct ctx *c, const char *dir, int pipe_fd)
{
	char buf[16] = { 0 };
	int dirfd = counted_open(c, dir, O_RDONLY | O_DIRECTORY);
	int full = counted_open(c, "/dev/full", O_WRONLY);
	int null = counted_open(c, "/dev/zero", O_RDONLY);
	struct tally *rd = tally_get(c, "read"), *wr = tally_get(c, "write");
	struct tally *pr = tally_get(c, "pread"), *fs = tally_get(c, "fsync");
	struct tally *cf = tally_get(c, "copy_file_range");

	TIMED(rd, SC(SYS_read, 999, buf, 1));
	TIMED(rd, SC(SYS_read, full, buf, 1));
	TIMED(rd, SC(SYS_read, dirfd, buf, 1));
	TIMED(rd, SC(SYS_read, null, (char *)8, 1));
	TIMED(rd, SC(SYS_read, pipe_fd, buf, 1));
	TIMED(wr, SC(SYS_write, full, buf, 7));
	TIMED(wr, SC(SYS_write, null, buf, 1));
	TIMED(pr, SC(SYS_pread64, pipe_fd, buf, 1, 0L));
	TIMED(fs, SC(SYS_fsync, pipe_fd));
	TIMED(cf, SC(SYS_copy_file_range, dirfd, NULL, full, NULL, 1UL, 0U));
}

int cmd_errors(struct ctx *c)
{
	int fds[2];

	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
		die("pipe2");
	make_errors(c, arg_str(c, 0, NULL), fds[0]);
	return 0;
}

int cmd_ia32(struct ctx *c)
{
#if HAVE_IA32
	struct tally *rd = tally_get(c, "read"), *wr = tally_get(c, "write");
	long count = arg_num(c, 0, 100);
	char *buf = low_alloc(4096);
	int fd;

	if (!ia32_offered(c))
		return 96;
	if (!buf)
		die("low memory");
	fd = counted_open(c, arg_str(c, 1, NULL), O_RDWR);
	for (long i = 0; i < count; i++)
		TIMED(wr, ia32(IA32_WRITE, (uint32_t)fd, low(buf), 1, 0));
	lseek(fd, 0, SEEK_SET);
	for (long i = 0; i < count; i++)
		TIMED(rd, ia32(IA32_READ, (uint32_t)fd, low(buf), 1, 0));
	return 0;
#else
	(void)c;
	return 96;
#endif
}
