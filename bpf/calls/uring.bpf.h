/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Requests of io_uring, whatever the tracepoints look like. The file that includes this has defined
 *
 *	uring_submitted(req, key)	in the submitting thread, names copied from user memory
 *	uring_completed(ctx, key, res)	in whatever thread got it done
 *
 * as functions or macros. @key tells a request while it is in flight. The descriptor's probe takes
 * its rungs from URING_RUNGS() in uring.h.
 */
#ifndef IOSONDE_URING_BPF_H
#define IOSONDE_URING_BPF_H

#include "bpf/core/core.bpf.h"

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit, struct io_kiocb *req)
{
	uring_submitted(req, (u64)req);
	return 0;
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_sqe, struct io_kiocb *req)
{
	uring_submitted(req, (u64)req);
	return 0;
}

static __always_inline u64 ring_key(void *ring, u64 user_data)
{
	return (u64)ring ^ user_data * 0x9e3779b97f4a7c15ULL;
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit_ring, void *ring, void *req, u8 opcode, u64 user_data)
{
	uring_submitted(req, ring_key(ring, user_data));
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete, struct io_ring_ctx *ring, void *req, struct io_uring_cqe *cqe)
{
	uring_completed(ctx, (u64)req, BPF_CORE_READ(cqe, res));
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_res, void *ring, void *req, u64 user_data, int res)
{
	uring_completed(ctx, (u64)req, res);
	return 0;
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(uring_complete_ring, void *ring, u64 user_data, int res)
{
	uring_completed(ctx, ring_key(ring, user_data), res);
	return 0;
}

#endif
