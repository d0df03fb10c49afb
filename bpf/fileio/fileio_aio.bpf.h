/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O by libaio: a part of fileio.bpf.h. Where functions can be hooked, an operation begins
 * where the kernel has found its file, and ends where its result is made known. Elsewhere all
 * that is seen is what the calls carry: the requests when io_submit() is entered, their results
 * when a call collects them.
 *
 * One that isn't taken at all is told by io_submit(), if it is the first of its array; else the
 * caller learns how many were taken, and asks for it again.
 */
#ifndef IOSONDE_FILEIO_AIO_BPF_H
#define IOSONDE_FILEIO_AIO_BPF_H

#ifndef FILE_IO_AIO_PROBE
#define FILE_IO_AIO_PROBE 2
#endif
#define AIO_BY_FUNCTIONS() (rungs[FILE_IO_AIO_PROBE] == 1 || rungs[FILE_IO_AIO_PROBE] == 2)
#define AIO_BY_CALLS()	   (rungs[FILE_IO_AIO_PROBE] > 2)

static __always_inline u32 aio_route(u16 opcode)
{
	switch (opcode) {
	case IOCB_CMD_PREAD:
		return ROUTE_AIO_READ;
	case IOCB_CMD_PWRITE:
		return ROUTE_AIO_WRITE;
	case IOCB_CMD_PREADV:
		return ROUTE_AIO_READV;
	case IOCB_CMD_PWRITEV:
		return ROUTE_AIO_WRITEV;
	case IOCB_CMD_FSYNC:
		return all_ops ? ROUTE_AIO_FSYNC : 0;
	case IOCB_CMD_FDSYNC:
		return all_ops ? ROUTE_AIO_FDSYNC : 0;
	default:
		return 0;
	}
}

/* What tells an operation of the current process by the address of its iocb there. */
static __always_inline u64 aio_key(u64 iocb)
{
	return iocb ^ (current_ids() >> 32) * 0x9e3779b97f4a7c15ULL;
}

static __always_inline void aio_ask(struct io_op *op, const struct user_iocb *cb)
{
	op->side.fd = cb->fd;
	op->side.offset = NO_OFFSET;
	op->flags = file_flags(op->side.file);
	if (all_ops && op->route >= ROUTE_FSYNC)
		return;
	op->flags |= cb->rw_flags & FILEIO_RWF_MASK;
	if (has_offset(op->side.inode))
		op->side.offset = cb->offset;
	if (op->route == ROUTE_AIO_READV || op->route == ROUTE_AIO_WRITEV)
		ask_vectors(op, cb->buf, cb->nbytes);
	else
		op->asked = at_most(cb->nbytes, BYTES_MAX);
	if (op->iov) /* and when it ends, nobody can look any more */
		op->flags |= FILEIO_ASKED_UNREAD;
}

/* @file: 0 for that of the descriptor. */
static __always_inline void aio_begin(u64 key, const struct user_iocb *cb, u64 file)
{
	u32 route = aio_route(cb->opcode);
	struct async_io *u;

	if (!route || !target_match(current_ids()))
		return;
	u = async_begin(key, route);
	if (!u)
		return;
	u->op.compat = in_compat_call();
	side_of_file(&u->op.side, file ? file : (u64)file_of_fd(cb->fd));
	aio_ask(&u->op, cb);
	u->op.start_ns = bpf_ktime_get_ns();
}

/*
 * No stack is shown with it: it would be that of whoever was interrupted, or collects. @io is room
 * for what the command is told.
 */
static __always_inline void aio_end(u64 key, struct async_io *u, s64 ret, u32 flags,
				    struct file_io *io)
{
	__builtin_memset(io, 0, sizeof(*io));
	io->flags = flags;
	async_end(NULL, key, u, io, ret);
}

/* --- by functions --- */

/*
 * The kernel has copied the iocb, and looked up the file. What is kept at the same address is a
 * request that began, and then was not taken.
 */
static __noinline void aio_began(const struct aio_kiocb *req, const void *iocb)
{
	u64 key = (u64)req;
	struct user_iocb cb;

	bpf_map_delete_elem(&async_ios, &key);
	if (!bpf_probe_read_kernel(&cb, sizeof(cb), iocb))
		aio_begin(key, &cb, (u64)BPF_CORE_READ(req, ki_filp));
}

static __always_inline void aio_ended_by_function(struct aio_kiocb *req)
{
	u64 key = (u64)req;
	struct async_io *u = bpf_map_lookup_elem(&async_ios, &key);
	struct file_io io;

	/* of another file: a poll, at the address of one that was not taken */
	if (u && u->op.side.file == (u64)BPF_CORE_READ(req, ki_filp))
		aio_end(key, u, BPF_CORE_READ(req, ki_res.res), 0, &io);
}

#define aio_completed(req) aio_ended_by_function(req)
#include "bpf/calls/aio_done.bpf.h"

SEC("fentry/aio_read")
int BPF_PROG(aio_began_read, struct kiocb *req, const void *iocb)
{
	aio_began((void *)req, iocb);
	return 0;
}

SEC("fentry/aio_write")
int BPF_PROG(aio_began_write, struct kiocb *req, const void *iocb)
{
	aio_began((void *)req, iocb);
	return 0;
}

SEC("kprobe/aio_read")
int BPF_KPROBE(aio_began_read_kp, void *req, const void *iocb)
{
	aio_began(req, iocb);
	return 0;
}

SEC("kprobe/aio_write")
int BPF_KPROBE(aio_began_write_kp, void *req, const void *iocb)
{
	aio_began(req, iocb);
	return 0;
}

#ifdef FILE_IO_ALL_OPS
SEC("fentry/aio_fsync")
int BPF_PROG(aio_began_fsync, void *req, const void *iocb)
{
	aio_began(req, iocb);
	return 0;
}

SEC("kprobe/aio_fsync")
int BPF_KPROBE(aio_began_fsync_kp, void *req, const void *iocb)
{
	aio_began(req, iocb);
	return 0;
}
#endif

/* --- by calls --- */

/* Begins number @i of the array at @list. */
__noinline int aio_submit(u64 list, u32 i, u32 compat)
{
	u64 iocb = iocb_in(list, i, compat), key = aio_key(iocb);
	struct user_iocb cb;

	if (!iocb || bpf_probe_read_user(&cb, sizeof(cb), (const void *)iocb))
		return 0;
	if (AIO_BY_CALLS() &&
	    bpf_map_lookup_elem(&async_ios, &key)) { /* nobody has collected its result */
		COUNT_EVENT(lost_end);
	}
	aio_begin(key, &cb, 0);
	return 0;
}

/* Number @i of the array was not taken. */
__noinline int aio_forget(u64 list, u32 i, u32 compat)
{
	u64 iocb = iocb_in(list, i, compat), key = aio_key(iocb);

	if (iocb)
		bpf_map_delete_elem(&async_ios, &key);
	return 0;
}

/*
 * Of key @key, if that isn't 0, else of the result at @event: one or the other, for this is called
 * where little is left of the stack, and is to take little.
 */
__noinline int aio_ended(u64 key, s64 ret, u64 event)
{
	u32 zero = 0;
	struct returned *r = bpf_map_lookup_elem(&fileio_returned, &zero);
	struct async_io *u;

	if (!r)
		return 0;
	if (!key) {
		if (bpf_probe_read_user(&r->result, sizeof(r->result),
					(const void *)(event + EVENT_RESULT_AT)))
			return 0;
		key = aio_key(r->result.obj);
		ret = r->result.res;
	}
	u = bpf_map_lookup_elem(&async_ios, &key);
	if (!u)
		return 0;
	aio_end(key, u, ret, event ? FILEIO_COLLECTED : 0, &r->io);
	r->io.who = 0;
	return 0;
}

/* Of the @n requests at @list, a round. */
__noinline int aio_submit_round(u64 list, u64 n, u32 compat)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_submit(list, i, compat);
	return 0;
}

static __always_inline void aio_submit_all(u64 list, u64 n, u32 compat)
{
	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_submit_round(iocbs_from(list, i, compat), n - i, compat);
}

__noinline int aio_forget_round(u64 list, u64 n, u32 compat)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_forget(list, i, compat);
	return 0;
}

static __always_inline void aio_forget_all(u64 list, u64 n, u32 compat)
{
	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_forget_round(iocbs_from(list, i, compat), n - i, compat);
}

__noinline int aio_collect_round(u64 events, u64 n)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_ended(0, 0, events + i * EVENT_BYTES);
	return 0;
}

static __always_inline void aio_collect_all(u64 events, u64 n)
{
	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_collect_round(events + i * EVENT_BYTES, n - i);
}

SYSCALL_ENTER(aio_enter)
{
	struct syscall_args args;
	struct entered in;

	if (target_entered(id, &in) && in.call == CALL_IO_SUBMIT) {
		syscall_args(regs, in.compat, &args);
		aio_submit_all(args.a[2], args.a[1], in.compat);
	}
	return 0;
}

/* Argument @n of the call. Apart: who calls this has no room for all of them. */
static __noinline u64 aio_arg(struct pt_regs *regs, bool compat, u32 n)
{
	struct syscall_args args;

	syscall_args(regs, compat, &args);
	return n == 1 ? args.a[1] : n == 2 ? args.a[2] : args.a[3];
}

/* With its own stack, for what is told below takes nearly all that there is. */
SYSCALL_EXIT(aio_leave)
{
	u64 n, list, taken = ret > 0 ? ret : 0;
	bool compat;
	u32 call;

	if (REGS_NO_CALL(regs))
		return 0;
	call = syscall_entered(REGS_CALL(regs), &compat);
	if (!call_is_aio(call))
		return 0;
	if (call != CALL_IO_SUBMIT) {
		if (ret > 0)
			aio_collect_all(aio_arg(regs, compat, 3), ret);
		if (ret > AIO_AT_ONCE)
			COUNT_EVENTS(lost_end, ret - AIO_AT_ONCE);
		return 0;
	}
	n = aio_arg(regs, compat, 1);
	list = aio_arg(regs, compat, 2);
	if (ret < 0)
		aio_ended(aio_key(iocb_in(list, 0, compat)), ret, 0);
	n = n < AIO_AT_ONCE ? n : AIO_AT_ONCE; /* the rest was never begun */
	if (taken < n)
		aio_forget_all(iocbs_from(list, taken, compat), n - taken, compat);
	if (ret > AIO_AT_ONCE)
		COUNT_EVENTS(lost_state, ret - AIO_AT_ONCE);
	return 0;
}

/* Where functions tell the rest: the current thread's call @call returned @ret. */
static __always_inline void aio_call_returned(struct pt_regs *regs, u32 call, bool compat, s64 ret)
{
	u64 list;

	if (!AIO_BY_FUNCTIONS() || call != CALL_IO_SUBMIT || ret >= 0 || !aio_arg(regs, compat, 1))
		return;
	list = aio_arg(regs, compat, 2);
	aio_submit(list, 0, compat);
	aio_ended(aio_key(iocb_in(list, 0, compat)), ret, 0);
}

/* The same for any call. False: it is none of them. */
static __always_inline bool aio_call_left(struct pt_regs *regs, s64 ret)
{
	bool compat;
	u32 call = syscall_entered(REGS_CALL(regs), &compat);

	if (!call_is_aio(call))
		return false;
	aio_call_returned(regs, call, compat, ret);
	return true;
}

#endif
