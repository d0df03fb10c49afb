// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Opens through io_uring, without a library: one ring, one request at a time. */
#include "workload.h"

#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>

struct ring {
	int fd;
	_Atomic uint32_t *sq_tail, *cq_head, *cq_tail;
	uint32_t *sq_mask, *sq_array, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static bool ring_setup(struct ring *r)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	r->fd = (int)SC(SYS_io_uring_setup, 4, &p);
	if (r->fd < 0)
		return false;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || r->sqes == MAP_FAILED)
		die("ring");
	r->sq_tail = (void *)(sq + p.sq_off.tail);
	r->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	r->sq_array = (void *)(sq + p.sq_off.array);
	r->cq_head = (void *)(cq + p.cq_off.head);
	r->cq_tail = (void *)(cq + p.cq_off.tail);
	r->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	r->cqes = (void *)(cq + p.cq_off.cqes);
	return true;
}

static long ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint32_t tail = *r->sq_tail, head = *r->cq_head, at = tail & *r->sq_mask;
	long ret;

	r->sqes[at] = *sqe;
	r->sq_array[at] = at;
	*r->sq_tail = tail + 1;
	ret = SC(SYS_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	if (ret < 0) {
		errno = (int)-ret;
		die("io_uring_enter");
	}
	while (*r->cq_tail == head)
		;
	ret = r->cqes[head & *r->cq_mask].res;
	*r->cq_head = head + 1;
	return ret;
}

static void uring_open(struct ctx *c, struct ring *r, const struct want *w)
{
	struct open_how how = { .flags = (uint64_t)w->flags, .mode = w->mode < 0 ? 0 : w->mode };
	struct io_uring_sqe sqe = { .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD };
	long ret;

	sqe.addr = (uint64_t)(uintptr_t)w->path;
	if (!strcmp(w->call, "io_uring_openat2")) {
		sqe.opcode = IORING_OP_OPENAT2;
		sqe.len = sizeof(how);
		sqe.off = (uint64_t)(uintptr_t)&how;
	} else {
		sqe.open_flags = (uint32_t)w->flags;
		sqe.len = (uint32_t)how.mode;
	}
	ret = ring_do(r, &sqe);
	op_record(c, w, ret);
	if (ret >= 0)
		close((int)ret);
}

void opens_uring(struct ctx *c, const char *dir)
{
	struct want w = { "uring",    "io_uring_openat",    "plain", join(dir, "plain"),
			  FULL_EXACT, O_RDONLY | O_CLOEXEC, -1,	     0,
			  0 };
	struct ring r;

	if (!ring_setup(&r)) {
		extra_add(c, "uring_refused", errno);
		return;
	}
	uring_open(c, &r, &w);
	w.id = "uring-enoent";
	w.path = "uring-missing";
	w.full = join(dir, "uring-missing");
	uring_open(c, &r, &w);
	w = (struct want){ "uring-creates",
			   "io_uring_openat",
			   "made-by-uring",
			   join(dir, "made-by-uring"),
			   FULL_EXACT,
			   O_CREAT | O_RDWR,
			   0640,
			   0,
			   0 };
	uring_open(c, &r, &w);
	w = (struct want){ "uring-openat2",
			   "io_uring_openat2",
			   "link",
			   join(dir, "plain"),
			   FULL_EXACT,
			   O_RDONLY,
			   -1,
			   0,
			   0 };
	uring_open(c, &r, &w);
	close(r.fd);
}
