/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O at both ends of system calls: a part of fileio.bpf.h, for commands that show each
 * operation with its time.
 */
#ifndef IOSONDE_FILEIO_CALLS_BPF_H
#define IOSONDE_FILEIO_CALLS_BPF_H

#include "bpf/calls/answered.bpf.h"

SYSCALL_ENTER(fileio_enter)
{
	struct io_state *st;
	struct entered in;

	if (!target_entered(id, &in) || !call_is_operation(in.call))
		return 0;
	st = fileio_create(in.task);
	if (!st) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	if (st->parked.route && rejoins(&st->parked, in.call, regs)) {
		st->op = st->parked;
		st->op.flags |= FILEIO_RESTARTED;
		st->parked.route = 0;
		return 0;
	}
	if (!open_op(&st->op, in.call, in.compat, regs))
		return 0;
#ifdef FILE_IO_KEEPS
	__builtin_memset(&st->op.kept, 0, sizeof(st->op.kept));
#endif
	st->op.start_ns = bpf_ktime_get_ns(); /* last: what came before is our own time */
	return 0;
}

/* A call that never ran: its end is all that there is. */
static __noinline void call_answered(void *ctx, struct pt_regs *regs, s64 ret)
{
	struct returned *r;
	struct entered e;
	u32 zero = 0;

	if (!target_answered(regs, &ret, &e) || !call_is_operation(e.call))
		return;
	r = bpf_map_lookup_elem(&fileio_returned, &zero);
	if (!r)
		return;
	if (!open_op(&r->op, e.call, e.compat, regs))
		return;
	r->op.flags |= FILEIO_ANSWERED;
	r->op.start_ns = bpf_ktime_get_ns();
	end_op(ctx, &r->op, &r->io, ret, r->op.start_ns);
}

SYSCALL_EXIT(fileio_exit)
{
	u64 now = bpf_ktime_get_ns();
	struct file_io io = {};
	struct io_state *st;
	struct io_op *op;

	/* only to leave early: which call it was is what the entry stored */
	if (!REGS_NO_CALL(regs) && !syscall_maybe(REGS_CALL(regs)))
		return 0;
	st = fileio_of(current_task());
	if (!st || !st->op.route) {
		note_names_change(regs, ret);
		if (!REGS_NO_CALL(regs)) {
			if (!aio_call_left(regs, ret))
				call_answered(ctx, regs, ret);
			return 0;
		}
	}
	if (!st)
		return 0;
	op = &st->op;
	if (!op->route) {
		/*
		 * A signal handler returned. If the restored registers point just behind the
		 * instruction of the parked call, it has failed; at it, it will be entered again.
		 */
		if (!st->parked.route || !SAME_PLACE(&st->parked, regs))
			return 0;
		op = &st->parked;
		ret = -EINTR;
	} else if (is_interrupted(ret)) {
		op->ip = REGS_IP(regs);
		op->sp = REGS_SP(regs);
		st->parked = *op;
		op->route = 0;
		return 0;
	}
	end_op(ctx, op, &io, ret, now);
	if (!st->parked.route)
		fileio_drop(current_task());
	return 0;
}

#endif
