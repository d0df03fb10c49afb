/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The ladder of the programs in uring.bpf.h, for a descriptor's table of probes. */
#ifndef IOSONDE_URING_H
#define IOSONDE_URING_H

/*
 * The tracepoints as they have been: since 6.3 submit_req, before it submit_sqe; completion names
 * the request since 5.17, before that only the ring and what the program called the request.
 */
/* clang-format off */
#define URING_RUNGS                                                                                \
	{                                                                                          \
		{ { "uring_submit(io_kiocb)", "uring_complete(io_ring_ctx,void,io_uring_cqe)" } }, \
		{ { "uring_submit(io_kiocb)", "uring_complete_res(void,void,*,int,*,*,*)" } },     \
		{ { "uring_submit_sqe(io_kiocb,*)",                                                \
		    "uring_complete_res(void,void,*,int,*,*,*)" } },                               \
		{ { "uring_submit_ring(void,void,*,*,*,*,*)",                                      \
		    "uring_complete_ring(void,*,int,*)" },                                         \
		  .blind = "two io_uring requests in flight with the same user_data" },            \
	}
/* clang-format on */

#endif
