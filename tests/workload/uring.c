// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "uring.h"
#include "workload.h"

#include <sys/mman.h>

bool ring_setup(struct ring *r)
{
	struct io_uring_params p = { 0 };
	char *sq, *cq;

	r->fd = (int)SC(SYS_io_uring_setup, RING_ENTRIES, &p);
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

void ring_push(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint32_t tail = *r->sq_tail, at = tail & *r->sq_mask;

	r->sqes[at] = *sqe;
	r->sq_array[at] = at;
	*r->sq_tail = tail + 1;
}

long ring_enter(struct ring *r, unsigned int n, unsigned int wait)
{
	return SC(SYS_io_uring_enter, r->fd, n, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

bool ring_pop(struct ring *r, uint64_t *user_data, long *res)
{
	uint32_t head = *r->cq_head;

	if (*r->cq_tail == head)
		return false;
	*user_data = r->cqes[head & *r->cq_mask].user_data;
	*res = r->cqes[head & *r->cq_mask].res;
	*r->cq_head = head + 1;
	return true;
}

long ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	uint64_t user_data;
	long ret;

	ring_push(r, sqe);
	ret = ring_enter(r, 1, 1);
	if (ret < 0) {
		errno = (int)-ret;
		die("io_uring_enter");
	}
	while (!ring_pop(r, &user_data, &ret))
		;
	return ret;
}
