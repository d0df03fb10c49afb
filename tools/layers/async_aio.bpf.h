/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Operations of libaio: a part of async.bpf.h. */
#ifndef IOSONDE_LAYERS_ASYNC_AIO_BPF_H
#define IOSONDE_LAYERS_ASYNC_AIO_BPF_H

static __always_inline u32 aio_op_of(u16 opcode)
{
	switch (opcode) {
	case IOCB_CMD_PREAD:
	case IOCB_CMD_PREADV:
		return ASYNC_READ;
	case IOCB_CMD_PWRITE:
	case IOCB_CMD_PWRITEV:
		return ASYNC_WRITE;
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
		return ASYNC_FSYNC;
	default:
		return ASYNC_NONE;
	}
}

#define AIO_CONTEXTS 256 /* of a process, that are looked through */

/* Context number @i in the table at @table; 0: there is none. */
static __always_inline u64 aio_context_at(u64 table, u32 i)
{
	u64 ctx = 0;

	bpf_probe_read_kernel(&ctx, sizeof(ctx),
			      (void *)(table + bpf_core_field_offset(struct kioctx_table, table) +
				       (u64)i * sizeof(ctx)));
	return ctx;
}

/* Of the @n contexts at @table, at most a round, the one called @id; 0: it isn't there. */
__noinline u64 aio_find_round(u64 table, u32 n, u64 id)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++) {
		u64 ctx = aio_context_at(table, i);

		if (ctx && BPF_CORE_READ((struct kioctx *)ctx, user_id) == id)
			return ctx;
	}
	return 0;
}

/* The one that io_setup() called @id: before its first use the memory isn't there yet. */
__noinline u64 aio_find_context(u64 table, u32 n, u64 id)
{
	u64 ctx = 0;

	for (u32 i = 0; !ctx && i < AIO_CONTEXTS && i < n; i += AIO_ROUND)
		ctx = aio_find_round(table + i * sizeof(ctx), n - i, id);
	return ctx;
}

/*
 * The context that the current process knows by @id, which is the address of memory that it shares
 * with the kernel. 0: there is none.
 */
static __noinline u64 aio_context(u64 id)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct kioctx_table *table;
	u32 i, n;

	if (!bpf_core_field_exists(task->mm->ioctx_table))
		return 0;
	table = BPF_CORE_READ(task, mm, ioctx_table);
	if (!table)
		return 0;
	n = BPF_CORE_READ(table, nr);
	if (bpf_probe_read_user(&i, sizeof(i), (const void *)id))
		return aio_find_context((u64)table, n, id);
	return i < n ? aio_context_at((u64)table, i) : 0;
}

/* Begins number @i of the array at @list. */
__noinline int aio_submit(u64 ctx, u64 list, u64 now, u32 i, u32 compat)
{
	u64 iocb = iocb_in(list, i, compat), key = aio_key(ctx, iocb);
	struct async_op *op;
	struct user_iocb cb;
	u32 what;

	if (!iocb || bpf_probe_read_user(&cb, sizeof(cb), (const void *)iocb))
		return 0;
	what = aio_op_of(cb.opcode);
	if (!what)
		return 0;
	op = async_begin(key, ASYNC_WHAT(ASYNC_AIO, what));
	if (!op)
		return 0;
	async_file(op, file_of_fd(cb.fd));
	async_began(op, now);
	return 0;
}

/* Of the @n requests at @list, a round. */
__noinline int aio_submit_round(u64 ctx, u64 list, u64 n, u64 now, u32 compat)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_submit(ctx, list, now, i, compat);
	return 0;
}

static __always_inline void aio_submit_all(u64 ctx, u64 list, u64 n, u32 compat)
{
	u64 now = bpf_ktime_get_ns();

	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_submit_round(ctx, iocbs_from(list, i, compat), n - i, now, compat);
}

static __always_inline int aio_enter(struct pt_regs *regs, bool compat)
{
	struct syscall_args args;
	u64 ctx;

	syscall_args(regs, compat, &args);
	ctx = aio_context(args.a[0]);
	if (ctx)
		aio_submit_all(ctx, args.a[2], args.a[1], compat);
	return 0;
}

/*
 * Number @i of the array was taken: a read or write of a disk that has no requests by now has been
 * done without. False: there is nothing to look for in the others.
 */
__noinline int aio_taken(u64 ctx, u64 list, u64 now, u32 i, u32 compat)
{
	u64 key = aio_key(ctx, iocb_in(list, i, compat));
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);

	if (op && !op->n_bios && !op->end_ns && op->flags & ASYNC_ON_DISK &&
	    op->key.what != ASYNC_WHAT(ASYNC_AIO, ASYNC_FSYNC))
		op->end_ns = now;
	return 0;
}

__noinline int aio_taken_round(u64 ctx, u64 list, u64 n, u64 now, u32 compat)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_taken(ctx, list, now, i, compat);
	return 0;
}

static __always_inline void aio_taken_all(u64 ctx, u64 list, u64 n, u32 compat)
{
	u64 now = bpf_ktime_get_ns();

	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_taken_round(ctx, iocbs_from(list, i, compat), n - i, now, compat);
}

/* Number @i was not: it is as if it had never been asked for. */
__noinline int aio_forget(u64 ctx, u64 list, u32 i, u32 compat)
{
	u64 key = aio_key(ctx, iocb_in(list, i, compat));

	bpf_map_delete_elem(&async_ops, &key);
	return 0;
}

__noinline int aio_forget_round(u64 ctx, u64 list, u64 n, u32 compat)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_forget(ctx, list, i, compat);
	return 0;
}

static __always_inline void aio_forget_all(u64 ctx, u64 list, u64 n, u32 compat)
{
	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_forget_round(ctx, iocbs_from(list, i, compat), n - i, compat);
}

/* io_submit() returned @ret: how many it took. If it took none, that is what the first has failed
 * with. */
static __always_inline int aio_submitted(struct pt_regs *regs, bool compat, s64 ret)
{
	struct syscall_args args;
	u64 ctx, n, list, taken = ret > 0 ? ret : 0;

	syscall_args(regs, compat, &args);
	ctx = aio_context(args.a[0]);
	n = args.a[1] < AIO_AT_ONCE ? args.a[1] : AIO_AT_ONCE;
	list = args.a[2];
	if (!ctx)
		return 0;
	if (ret > 0 && !aio_told)
		aio_taken_all(ctx, list, ret, compat);
	if (ret < 0)
		async_close(aio_key(ctx, iocb_in(list, 0, compat)), bpf_ktime_get_ns(), ret);
	if (taken < n)
		aio_forget_all(ctx, iocbs_from(list, taken, compat), n - taken, compat);
	return 0;
}

/* When the operation that a call tells to be over at @now has been so. */
static __noinline u64 aio_end_of(struct async_op *op, u64 key, u64 now)
{
	u64 end = op->end_ns ? op->end_ns : async_last(key);

	op->flags |= end ? ASYNC_BY_REQUEST : ASYNC_BY_COLLECT;
	return end ? end : now;
}

/* A call collects the result at @event. */
__noinline int aio_collect(u64 ctx, u64 event, u64 now)
{
	struct layers_async_sums *sums;
	struct user_io_result r;
	struct async_op *op;
	u64 key;

	if (bpf_probe_read_user(&r, sizeof(r), (const void *)(event + EVENT_RESULT_AT)))
		return 0;
	key = aio_key(ctx, r.obj);
	op = bpf_map_lookup_elem(&async_ops, &key);
	if (!op)
		return 0;
	if (!(op->flags & ASYNC_OVER))
		async_close(key, aio_end_of(op, key, now), r.res);
	sums = async_sums(&op->key);
	if (sums && now >= op->end_ns) {
		__sync_fetch_and_add(&sums->collected, 1);
		__sync_fetch_and_add(&sums->collect_ns, now - op->end_ns);
	}
	bpf_map_delete_elem(&async_ops, &key);
	return 0;
}

__noinline int aio_collect_round(u64 ctx, u64 events, u64 n, u64 now)
{
	for (u32 i = 0; i < AIO_ROUND && i < n; i++)
		aio_collect(ctx, events + i * EVENT_BYTES, now);
	return 0;
}

static __always_inline void aio_collect_all(u64 ctx, u64 events, u64 n)
{
	u64 now = bpf_ktime_get_ns();

	for (u64 i = 0; i < AIO_AT_ONCE && i < n; i += AIO_ROUND)
		aio_collect_round(ctx, events + i * EVENT_BYTES, n - i, now);
}

static __always_inline int aio_collected(struct pt_regs *regs, bool compat, s64 ret)
{
	struct syscall_args args;
	u64 ctx;

	syscall_args(regs, compat, &args);
	ctx = aio_context(args.a[0]);
	if (ctx)
		aio_collect_all(ctx, args.a[3], ret);
	return 0;
}

/* --- by a function --- */

static __noinline int aio_is_over(struct aio_kiocb *req)
{
	u64 key;
	struct async_op *op;

	if (!async_seen || closed_ns)
		return 0;
	key = aio_key_of(req);
	op = bpf_map_lookup_elem(&async_ops, &key);
	aio_told = 1;
	/* of another file: a poll, at the address of one that was not taken */
	if (op && op->file == (u64)BPF_CORE_READ(req, ki_filp))
		async_close(key, bpf_ktime_get_ns(), BPF_CORE_READ(req, ki_res.res));
	return 0;
}

#define aio_completed(req) aio_is_over(req)
#include "bpf/calls/aio_done.bpf.h"

#endif
