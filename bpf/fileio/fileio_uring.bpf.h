/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O by io_uring: a part of fileio.bpf.h. A request is described when it is submitted, by
 * the thread that it belongs to, and completes in whatever thread gets it done.
 */
#ifndef IOSONDE_FILEIO_URING_BPF_H
#define IOSONDE_FILEIO_URING_BPF_H

#include "bpf/calls/uring_ops.h"

static __always_inline u32 uring_route(u8 opcode)
{
	switch (opcode) {
	case IORING_OP_READV:
		return ROUTE_URING_READV;
	case IORING_OP_WRITEV:
		return ROUTE_URING_WRITEV;
	case IORING_OP_READ_FIXED:
		return ROUTE_URING_READ_FIXED;
	case IORING_OP_WRITE_FIXED:
		return ROUTE_URING_WRITE_FIXED;
	case IORING_OP_READ:
		return ROUTE_URING_READ;
	case IORING_OP_WRITE:
		return ROUTE_URING_WRITE;
	case IORING_OP_FSYNC:
		return all_ops ? ROUTE_URING_FSYNC : 0;
	case IORING_OP_OPENAT:
		return all_ops ? ROUTE_URING_OPENAT : 0;
	case IORING_OP_OPENAT2:
		return all_ops ? ROUTE_URING_OPENAT2 : 0;
	default:
		return 0;
	}
}

/* The file that the request has, or else will have, unless the descriptor changes before it begins.
 */
static __always_inline void uring_file(struct io_side *side, const struct io_kiocb *req, u32 flags)
{
	u64 file = (u64)BPF_CORE_READ(req, file);

	side->fd = uring_fd(req);
	if (!file && side->fd >= 0 && !(flags & REQ_F_FIXED_FILE))
		file = (u64)file_of_fd(side->fd);
	side_of_file(side, file);
}

/*
 * The one that it had when it was done; none where the descriptor turned out to be bad. Where that
 * can't be seen, it was known before the request was submitted.
 */
static __always_inline void uring_file_had(struct async_io *u)
{
	struct io_kiocb *req = (struct io_kiocb *)u->req;
	u64 file;

	if (!req)
		return;
	file = (u64)BPF_CORE_READ(req, file);
	if (file == u->op.side.file)
		return;
	side_of_file(&u->op.side, file);
	u->op.flags &= ~(FILEIO_DIRECT | FILEIO_APPEND);
	u->op.flags |= file_flags(file);
}

/* Of a request that moves no data: opens get their file when they are done. */
static __always_inline void uring_ask_other(struct async_io *u, struct io_kiocb *req, u32 flags)
{
	u->op.side.offset = NO_OFFSET;
	if (route_opens(u->op.route))
		u->op.side.fd = -1;
	else
		uring_file(&u->op.side, req, flags);
}

/* Of a read or a write. */
static __always_inline void uring_ask(struct async_io *u, struct io_kiocb *req, u32 flags)
{
	const struct io_rw *rw = (const void *)req;
	u32 route = u->op.route;
	u64 len = uring_rw_len(rw);

	uring_file(&u->op.side, req, flags);
	if (route == ROUTE_URING_READV || route == ROUTE_URING_WRITEV)
		ask_vectors(&u->op, BPF_CORE_READ(rw, addr), len);
	else
		u->op.asked = at_most((u32)len, BYTES_MAX);
	u->op.side.offset = BPF_CORE_READ(rw, kiocb.ki_pos);
	u->op.flags = uring_rw_flags(rw) & FILEIO_RWF_MASK;
	if (u->op.side.file) {
		u->op.flags |= file_flags(u->op.side.file);
		if (u->op.side.offset == NO_OFFSET)
			u->op.side.offset = own_position(&u->op.side);
	}
}

/* Into the ring's own table: what it opens has no descriptor to find it by. */
static __always_inline bool opens_into_slot(u32 route, struct io_kiocb *req)
{
	return route_opens(route) && BPF_CORE_READ((struct io_open *)req, file_slot);
}

static __always_inline void file_io_submitted(void *ctx, struct io_kiocb *req, u64 key)
{
	u8 opcode = BPF_CORE_READ(req, opcode);
	u32 route = uring_route(opcode), flags;
	struct async_io *u;

#ifdef FILE_IO_NAMES
	if (opcode == IORING_OP_RENAMEAT)
		__sync_fetch_and_add(&names_changes, 1);
#endif
	if (!route || !target_match(current_ids()) || opens_into_slot(route, req))
		return;
	if (bpf_map_lookup_elem(&async_ios, &key)) { /* its completion was never seen */
		COUNT_EVENT(lost_end);
	}
	u = async_begin(key, route);
	if (!u)
		return;
	u->req = key == (u64)req ? key : 0;
	flags = uring_flags(req);
	if (all_ops && route >= ROUTE_FSYNC)
		uring_ask_other(u, req, flags);
	else
		uring_ask(u, req, flags);
	if (flags & REQ_F_FIXED_FILE)
		u->op.flags |= FILEIO_FIXED_FILE;
	u->op.start_ns = bpf_ktime_get_ns();
}

static __always_inline void file_io_completed(void *ctx, u64 key, s32 res)
{
	struct async_io *u = bpf_map_lookup_elem(&async_ios, &key);
	struct task_struct *task;
	struct file_io io = {};

	if (!u)
		return;
	if (!route_opens(u->op.route))
		uring_file_had(u);
	else if (res >= 0) /* in a worker, too: it shares the descriptors of who asked */
		side_of_fd(&u->op.side, res);
	task = (struct task_struct *)bpf_get_current_task();
	if (LOAD(struct task_struct, task, flags) & PF_IO_WORKER)
		io.flags |= FILEIO_WORKER;
	async_end(ctx, key, u, &io, res);
}

#define uring_submitted(req, key)      file_io_submitted(ctx, req, key)
#define uring_completed(ctx, key, res) file_io_completed(ctx, key, res)
#include "bpf/calls/uring.bpf.h"

#endif
