/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* io_uring without a library: one ring, one request at a time. */
#ifndef WORKLOAD_URING_H
#define WORKLOAD_URING_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/io_uring.h>

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

#endif
