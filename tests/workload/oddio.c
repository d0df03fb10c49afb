// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * workload oddio DIR: I/O that is asked for in odd ways, each step by its name in the list of
 * opens. Of more bytes than a call ever does, as cp asks; of files that are written through; by
 * requests of io_uring whose descriptor is bad, or a place in the ring's own table. In DIR there
 * are two files, "from" of 4096 bytes and "to".
 */
#include "uring.h"
#include "workload.h"

#include <string.h>
#include <sys/uio.h>

#define HUGE	   (1UL << 63)
#define ADDRESS(p) ((uint64_t)(uintptr_t)(p))

static char data[4096];
static char from[4096], to[4096];

static void step(struct ctx *c, const char *id, long ret)
{
	struct want want = { .id = id, .call = id, .flags = -1, .mode = -1 };

	op_record(c, &want, ret);
}

static int must_open(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		die(path);
	return fd;
}

static void much(struct ctx *c)
{
	struct iovec two[2] = { { data, HUGE - 1 }, { data, HUGE - 1 } };
	int in = must_open(from, O_RDONLY), out = must_open(to, O_RDWR), fds[2];

	if (pipe(fds))
		die("pipe");
	step(c, "copy_file_range", SC(SYS_copy_file_range, in, NULL, out, NULL, HUGE - 1, 0));
	step(c, "copy_file_range", SC(SYS_copy_file_range, in, NULL, out, NULL, HUGE, 0));
	lseek(in, 0, SEEK_SET);
	step(c, "sendfile", SC(SYS_sendfile, out, in, NULL, HUGE - 1));
	lseek(in, 0, SEEK_SET);
	step(c, "splice", SC(SYS_splice, in, NULL, fds[1], NULL, HUGE - 1, 0));
	step(c, "pread", SC(SYS_pread64, in, data, HUGE - 1, 0L));
	step(c, "preadv", SC(SYS_preadv, in, two, 2L, 0L, 0L));
	close(in);
	close(out);
}

static void written_through(struct ctx *c)
{
	int plain = must_open(to, O_WRONLY), dsync = must_open(to, O_WRONLY | O_DSYNC),
	    sync = must_open(to, O_RDWR | O_SYNC);
	struct iovec one = { data, 5 };

	step(c, "write plain", SC(SYS_write, plain, data, 1));
	step(c, "write dsync", SC(SYS_write, dsync, data, 2));
	step(c, "write sync", SC(SYS_write, sync, data, 3));
	step(c, "read sync", SC(SYS_read, sync, data, 4));
	step(c, "pwritev2 dsync", SC(SYS_pwritev2, plain, &one, 1L, 0L, 0L, RWF_DSYNC));
	close(plain);
	close(dsync);
	close(sync);
}

static void by_ring(struct ctx *c)
{
	int fd = must_open(from, O_RDONLY), slots[3] = { -1, -1, fd };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_READ, .addr = ADDRESS(data), .len = 6 };
	struct ring r;

	if (!ring_setup(&r)) {
		extra_add(c, "uring_refused", errno);
		return;
	}
	sqe.fd = 77;
	step(c, "ring bad", ring_do(&r, &sqe));
	sqe.flags = IOSQE_ASYNC;
	step(c, "ring bad", ring_do(&r, &sqe));
	if (syscall(SYS_io_uring_register, r.fd, IORING_REGISTER_FILES, slots, 3))
		die("register files");
	sqe.flags = IOSQE_FIXED_FILE;
	sqe.fd = 2;
	step(c, "ring fixed", ring_do(&r, &sqe));
	sqe.fd = 1;
	step(c, "ring empty", ring_do(&r, &sqe));
	close(fd);
	close(r.fd);
}

int cmd_oddio(struct ctx *c)
{
	strcpy(from, join(arg_str(c, 0, "."), "from"));
	strcpy(to, join(arg_str(c, 0, "."), "to"));
	much(c);
	written_through(c);
	by_ring(c);
	return 0;
}
