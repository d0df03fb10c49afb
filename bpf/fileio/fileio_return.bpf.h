/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O where system calls return: a part of fileio.bpf.h, for commands that only count.
 * Which call it was, what was asked and what came are all in the registers then, so there is
 * neither a program at entry nor, but for a call that a signal interrupts, state per thread. The
 * descriptor is looked up when the call is over: if another thread has closed it meanwhile, or made
 * it another file's, nobody knows which it was.
 */
#ifndef IOSONDE_FILEIO_RETURN_BPF_H
#define IOSONDE_FILEIO_RETURN_BPF_H

#ifndef FILE_IO_ASKED
#define FILE_IO_ASKED false
#endif

static __noinline void describe_call(struct io_op *op, u32 route, struct pt_regs *regs)
{
	open_op(op, route, in_compat_call(), regs);
}

static __always_inline void unpark(struct io_state *st)
{
	st->parked.route = 0;
	one_less_parked();
	fileio_drop(current_task());
}

static __noinline void park(u32 route, struct pt_regs *regs)
{
	struct io_state *st = fileio_create(current_task());

	if (!st) {
		COUNT_EVENT(lost_state);
		return;
	}
	if (!st->parked.route)
		__sync_fetch_and_add(&n_parked, 1);
	describe_call(&st->parked, route, regs);
	st->parked.ip = REGS_IP(regs);
	st->parked.sp = REGS_SP(regs);
}

/* The call that was parked, if it is this one, was entered again and is over. */
static __noinline void joined(u32 route, struct pt_regs *regs)
{
	struct io_state *st = fileio_of(current_task());

	if (st && rejoins(&st->parked, route, regs))
		unpark(st);
}

/* A signal handler returned: fileio_calls.bpf.h explains. */
static __noinline void handler_returned(void *ctx, struct pt_regs *regs)
{
	struct io_state *st = fileio_of(current_task());
	u32 zero = 0;
	struct returned *r = bpf_map_lookup_elem(&fileio_returned, &zero);

	if (!r || !st || !st->parked.route || !SAME_PLACE(&st->parked, regs))
		return;
	end_op(ctx, &st->parked, &r->io, -EINTR, 0);
	unpark(st);
}

/* Any call, by probe reads. */
static __noinline void call_returned(void *ctx, u32 route, struct pt_regs *regs, s64 ret)
{
	u32 zero = 0;
	struct returned *r = bpf_map_lookup_elem(&fileio_returned, &zero);

	if (!r)
		return;
	describe_call(&r->op, route, regs);
	end_op(ctx, &r->op, &r->io, ret, 0);
}

/* The most frequent calls, by plain loads. False: it isn't one of them, or that isn't possible. */
static __always_inline bool held_returned(struct entered *e, struct pt_regs *regs, s64 ret)
{
	struct file_io io = { .ret = ret, .offset = NO_OFFSET, .route = e->call };
	struct syscall_args args;
	struct file *file;

	if (e->call > ROUTE_PWRITE)
		return false;
	syscall_args(regs, e->compat, &args);
	file = held_file_of_fd(e->task, args.a[0]);
	if (!file)
		return false;
	io.fd = (s32)args.a[0];
	if (FILE_IO_ASKED)
		io.asked = at_most(args.a[2], BYTES_MAX);
	io.file = (u64)file;
	io.inode = (u64)file->f_inode;
	io.write = route_writes(e->call);
	return file_io_held(e->task, &io, file, e->ids);
}

/*
 * The call with number @nr returned @ret. @regs are @there, or asked for only now: they cost a
 * call. With @done successful reads and writes are counted already: fileio_functions.bpf.h.
 */
static __always_inline int some_returned(void *ctx, struct pt_regs *regs, bool there, bool done,
					 s64 nr, s64 ret)
{
	struct entered e;
	u32 flags;

	if (!syscall_maybe(nr)) {
		if (n_parked && nr == -1)
			handler_returned(ctx, there ? regs : user_regs());
		return 0;
	}
	e.task = current_task();
	e.compat = task_in_compat_call(e.task);
	e.call = syscall_call(nr, e.compat);
	if (!e.call)
		return 0;
	if (e.call >= CALL_NAMES_CHANGE) {
		if (ret >= 0)
			__sync_fetch_and_add(&names_changes, 1);
		return 0;
	}
	if (call_is_aio(e.call)) {
		aio_call_returned(there ? regs : task_user_regs(e.task), e.call, e.compat, ret);
		return 0;
	}
	flags = target.flags;
	e.ids = ids_by_flags(e.task, flags);
	if (!target_match_by_flags(e.ids, flags))
		return 0;
	if (!there)
		regs = task_user_regs(e.task);
	if (is_interrupted(ret)) {
		park(e.call, regs);
		return 0;
	}
	ret = answer_of(e.task, nr, ret);
	if (n_parked)
		joined(e.call, regs);
	if (done && ret >= 0 && e.call <= ROUTE_PWRITE)
		return 0;
	if (!held_returned(&e, regs, ret))
		call_returned(ctx, e.call, regs, ret);
	return 0;
}

/* Two, as SYSCALL_EXIT() makes them. */
SEC("tp_btf/sys_exit")
int fileio_return(u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];

	return some_returned(ctx, regs, true, false, REGS_CALL(regs), (s64)ctx[1]);
}

SEC("tp/raw_syscalls/sys_exit")
int fileio_return_tp(struct trace_event_raw_sys_exit *ctx)
{
	return some_returned(ctx, NULL, false, false, ctx->id, ctx->ret);
}

#include "bpf/fileio/fileio_functions.bpf.h"

#endif
