/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* io_uring without a library: one ring, one request at a time. */
#ifndef WORKLOAD_URING_H
#define WORKLOAD_URING_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/io_uring.h>

#define RING_ENTRIES 4

struct ring {
	int fd;
	_Atomic uint32_t *sq_tail, *cq_head, *cq_tail;
	uint32_t *sq_mask, *sq_array, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

/* False with errno: refused. */
bool ring_setup(struct ring *r);
/* Submits a copy of @sqe and waits for its result. */
long ring_do(struct ring *r, const struct io_uring_sqe *sqe);

/* The same in steps: a copy of @sqe is submitted by the next ring_enter(). */
void ring_push(struct ring *r, const struct io_uring_sqe *sqe);
/* Submits @n and waits until there are results of @wait. Returns what the call did. */
long ring_enter(struct ring *r, unsigned int n, unsigned int wait);
/* The next result; false: there is none by now. */
bool ring_pop(struct ring *r, uint64_t *user_data, long *res);

#endif
