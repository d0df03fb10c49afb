// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Asynchronous operations of stated number and depth, by libaio's calls and by io_uring. */
#include "uring.h"
#include "workload.h"

#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define DEPTH_MAX RING_ENTRIES

struct async {
	struct tally *t;
	bool uring, writes, syncs, worker, bad;
	long depth;
	int fd;
	size_t size;
	off_t span;
	char *buf[DEPTH_MAX];
	uint64_t began[DEPTH_MAX]; /* by slot */
	struct ring ring;
	aio_context_t ctx;
	struct iocb cb[DEPTH_MAX];
};

/* Of those that are to fail, every fourth does: direct I/O can't begin at an odd byte. */
static off_t offset_of(const struct async *a, long i)
{
	off_t at = (off_t)((uint64_t)i * a->size % (uint64_t)a->span);

	return a->bad && i % 4 == 3 ? at + 1 : at;
}

static void push_uring(struct async *a, long i, long slot)
{
	struct io_uring_sqe sqe = { .opcode = a->syncs	  ? IORING_OP_FSYNC
					      : a->writes ? IORING_OP_WRITE
							  : IORING_OP_READ,
				    .flags = a->worker ? IOSQE_ASYNC : 0,
				    .fd = a->fd,
				    .user_data = (uint64_t)slot };

	if (!a->syncs) {
		sqe.addr = (uintptr_t)a->buf[slot];
		sqe.len = (uint32_t)a->size;
		sqe.off = (uint64_t)offset_of(a, i);
	}
	ring_push(&a->ring, &sqe);
}

static void push_aio(struct async *a, long i, long slot)
{
	a->cb[slot] = (struct iocb){ .aio_data = (uint64_t)slot,
				     .aio_lio_opcode = a->syncs	   ? IOCB_CMD_FSYNC
						       : a->writes ? IOCB_CMD_PWRITE
								   : IOCB_CMD_PREAD,
				     .aio_fildes = (uint32_t)a->fd };
	if (a->syncs)
		return;
	a->cb[slot].aio_buf = (uintptr_t)a->buf[slot];
	a->cb[slot].aio_nbytes = a->size;
	a->cb[slot].aio_offset = offset_of(a, i);
}

/* Submits those in @slot[0..n), of which the first is number @i. */
static void submit(struct async *a, long i, const long *slot, long n)
{
	struct iocb *list[DEPTH_MAX];
	long ret;

	for (long k = 0; k < n; k++) {
		if (a->uring)
			push_uring(a, i + k, slot[k]);
		else
			push_aio(a, i + k, slot[k]);
		list[k] = &a->cb[slot[k]];
	}
	for (long k = 0; k < n; k++)
		a->began[slot[k]] = now_ns();
	ret = a->uring ? ring_enter(&a->ring, (unsigned int)n, 0)
		       : SC(SYS_io_submit, a->ctx, n, list);
	if (ret != n)
		die(a->uring ? "io_uring_enter" : "io_submit");
}

/* Waits for at least one; returns how many, and which slots are free again. */
static long collect(struct async *a, long *slot)
{
	struct io_event events[DEPTH_MAX];
	uint64_t which;
	long n = 0, res;

	if (!a->uring) {
		n = SC(SYS_io_getevents, a->ctx, 1L, (long)DEPTH_MAX, events, NULL);
		for (long k = 0; k < n; k++) {
			slot[k] = (long)events[k].data;
			tally_add(a->t, (long)events[k].res, now_ns() - a->began[slot[k]]);
		}
		return n;
	}
	if (ring_enter(&a->ring, 0, 1) < 0)
		die("io_uring_enter");
	while (ring_pop(&a->ring, &which, &res)) {
		slot[n++] = (long)which;
		tally_add(a->t, res, now_ns() - a->began[which]);
	}
	return n;
}

static void run_all(struct async *a, long count)
{
	long slot[DEPTH_MAX], n = a->depth, i = 0, flying = 0;

	for (long k = 0; k < n; k++)
		slot[k] = k;
	while (i < count || flying) {
		if (n > count - i)
			n = count - i;
		if (n)
			submit(a, i, slot, n);
		i += n;
		flying += n;
		n = collect(a, slot);
		flying -= n;
	}
}

static bool word_in(struct ctx *c, const char *word)
{
	for (int i = 6; i < c->argc; i++)
		if (!strcmp(c->argv[i], word))
			return true;
	return false;
}

/* KIND OP N DEPTH SIZE FILE [direct] [worker] [bad] */
int cmd_async(struct ctx *c)
{
	const char *op = arg_str(c, 1, "read"), *file = arg_str(c, 5, NULL);
	struct async a = { .uring = !strcmp(arg_str(c, 0, "io_uring"), "io_uring"),
			   .writes = !strcmp(op, "write"),
			   .syncs = !strcmp(op, "fsync"),
			   .worker = word_in(c, "worker"),
			   .bad = word_in(c, "bad"),
			   .depth = arg_num(c, 3, 1),
			   .size = (size_t)arg_num(c, 4, 4096) };
	struct stat st;
	uint64_t began;
	char name[32];

	if (a.depth > DEPTH_MAX)
		die("depth");
	a.fd = open(file, O_RDWR | (word_in(c, "direct") ? O_DIRECT : 0));
	if (a.fd < 0 || fstat(a.fd, &st))
		die(file);
	a.span = st.st_size - st.st_size % (off_t)a.size;
	if (S_ISBLK(st.st_mode))
		a.span = (off_t)a.size * 16;
	if (a.uring ? !ring_setup(&a.ring) : SC(SYS_io_setup, (long)DEPTH_MAX, &a.ctx) != 0) {
		extra_add(c, "async_refused", errno);
		return 0;
	}
	for (int i = 0; i < DEPTH_MAX; i++) {
		a.buf[i] = mmap(NULL, a.size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (a.buf[i] == MAP_FAILED)
			die("mmap");
	}
	snprintf(name, sizeof(name), "%s %s", a.uring ? "io_uring" : "libaio", op);
	a.t = tally_get(c, name);
	began = now_ns();
	run_all(&a, arg_num(c, 2, 1));
	extra_add(c, "span_ns", (int64_t)(now_ns() - began));
	if (!a.uring) /* or it is the kernel that takes its time at the end */
		SC(SYS_io_destroy, a.ctx);
	return 0;
}
