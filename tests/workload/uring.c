// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "uring.h"
#include "workload.h"

#include <sys/mman.h>

bool ring_setup(struct ring *r)
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

long ring_do(struct ring *r, const struct io_uring_sqe *sqe)
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
