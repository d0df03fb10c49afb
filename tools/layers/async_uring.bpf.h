/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Operations of io_uring: a part of async.bpf.h. */
#ifndef IOSONDE_LAYERS_ASYNC_URING_BPF_H
#define IOSONDE_LAYERS_ASYNC_URING_BPF_H

#include "bpf/calls/uring_ops.h"

const volatile u8 uring_ops[64] = {
	[IORING_OP_READV] = ASYNC_READ,		[IORING_OP_WRITEV] = ASYNC_WRITE,
	[IORING_OP_FSYNC] = ASYNC_FSYNC,	[IORING_OP_READ_FIXED] = ASYNC_READ,
	[IORING_OP_WRITE_FIXED] = ASYNC_WRITE,	[IORING_OP_SYNC_FILE_RANGE] = ASYNC_FSYNC,
	[IORING_OP_FALLOCATE] = ASYNC_OTHER,	[IORING_OP_OPENAT] = ASYNC_OPEN,
	[IORING_OP_CLOSE] = ASYNC_CLOSE,	[IORING_OP_STATX] = ASYNC_STAT,
	[IORING_OP_READ] = ASYNC_READ,		[IORING_OP_WRITE] = ASYNC_WRITE,
	[IORING_OP_OPENAT2] = ASYNC_OPEN,	[IORING_OP_SPLICE] = ASYNC_OTHER,
	[IORING_OP_TEE] = ASYNC_OTHER,		[IORING_OP_RENAMEAT] = ASYNC_OTHER,
	[IORING_OP_UNLINKAT] = ASYNC_OTHER,	[IORING_OP_MKDIRAT] = ASYNC_OTHER,
	[IORING_OP_SYMLINKAT] = ASYNC_OTHER,	[IORING_OP_LINKAT] = ASYNC_OTHER,
	[IORING_OP_FTRUNCATE] = ASYNC_OTHER,	[IORING_OP_READV_FIXED] = ASYNC_READ,
	[IORING_OP_WRITEV_FIXED] = ASYNC_WRITE,
};

static __always_inline u32 uring_op_of(struct io_kiocb *req)
{
	u64 opcode = BPF_CORE_READ(req, opcode);

	if (opcode >= sizeof(uring_ops))
		return ASYNC_NONE;
	BOUND(opcode, sizeof(uring_ops) - 1);
	return uring_ops[opcode];
}

/* The file that it has, or else will have, unless the descriptor changes before it begins. */
static __always_inline struct file *uring_file_of(struct io_kiocb *req)
{
	struct file *file = BPF_CORE_READ(req, file);
	s64 fd = uring_fd(req);

	if (!file && fd >= 0 && !(uring_flags(req) & REQ_F_FIXED_FILE))
		file = file_of_fd(fd);
	return file;
}

static __noinline int async_submitted(struct io_kiocb *req, u64 key)
{
	struct task_struct *task = current_task();
	struct layers_state *st;
	struct async_op *op;
	u32 what = uring_op_of(req);
	u64 address = (u64)req;

	if (!all_attached || !target_match(ids_of(task)))
		return 0;
	st = layers_of(task);
	if (st)
		st->async = what ? key : 0;
	if (!what)
		return 0;
	op = async_begin(key, ASYNC_WHAT(ASYNC_URING, what));
	if (!op)
		return 0;
	op->req = address;
	op->tid = bpf_get_current_pid_tgid();
	if (key != address)
		bpf_map_update_elem(&async_reqs, &address, &key, BPF_ANY);
	if (what == ASYNC_READ || what == ASYNC_WRITE || what == ASYNC_FSYNC)
		async_file(op, uring_file_of(req));
	async_began(op, bpf_ktime_get_ns());
	return 0;
}

/*
 * The file that @op, whose request still is there, had when it was done; none where the descriptor
 * turned out to be bad. Of an open: the one that it made.
 */
static __noinline int uring_file_now(struct async_op *op, u32 what, s32 res)
{
	struct io_kiocb *req = (struct io_kiocb *)op->req;
	struct file *file = BPF_CORE_READ(req, file);

	if (what == ASYNC_OPEN) {
		if (res >= 0 && !BPF_CORE_READ((struct io_open *)req, file_slot))
			async_file(op, file_of_fd(res));
	} else if (what <= ASYNC_FSYNC && (u64)file != op->file) {
		async_file(op, file);
	}
	return 0;
}

static __always_inline bool same_async(const struct layers_async_key *a,
				       const struct layers_async_key *b)
{
	return a->file.ino == b->file.ino && a->file.dev == b->file.dev &&
	       a->file.gen == b->file.gen && a->what == b->what;
}

/* @op is over, in the thread that submitted it: its call is about to return, and brings it. */
static __noinline int async_is_pending(const struct async_op *op)
{
	struct layers_state *st = layers_of(current_task());

	if (!st)
		return 0;
	for (int i = 0; i < ASYNC_PENDING; i++) {
		struct async_pending *p = &st->pending[i];

		if (p->count && !same_async(&p->key, &op->key))
			continue;
		if (!p->count) {
			p->key = op->key;
			p->sum_ns = 0;
			p->first_ns = op->end_ns;
		}
		p->sum_ns += op->end_ns;
		p->count++;
		return 0;
	}
	return 0;
}

/* The current thread returns from io_uring_enter(). */
__noinline int async_returned(void)
{
	struct layers_state *st = layers_of(current_task());
	u64 now = bpf_ktime_get_ns();

	if (!st)
		return 0;
	st->async = 0;
	for (int i = 0; i < ASYNC_PENDING; i++) {
		struct async_pending *p = &st->pending[i];
		struct layers_async_sums *sums;
		u64 n = p->count, sum = p->sum_ns;

		p->count = 0;
		/* an interrupt may have added one in between */
		if (!n || sum < n * p->first_ns || sum > n * now)
			continue;
		sums = async_sums(&p->key);
		if (!sums)
			continue;
		__sync_fetch_and_add(&sums->collected, n);
		__sync_fetch_and_add(&sums->collect_ns, n * now - sum);
	}
	return 0;
}

static __noinline int async_completed(u64 key, s32 res)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);
	struct task_struct *task = current_task();
	u64 now = bpf_ktime_get_ns(), req;

	if (!op || closed_ns)
		return 0;
	req = op->req;
	if (LOAD(struct task_struct, task, flags) & PF_IO_WORKER)
		op->flags |= ASYNC_WORKER;
	if (key == req)
		uring_file_now(op, op->key.what % N_ASYNC_OPS, res);
	async_close(key, now, res);
	if (op->tid == (u32)bpf_get_current_pid_tgid())
		async_is_pending(op);
	bpf_map_delete_elem(&async_ops, &key);
	if (key != req)
		bpf_map_delete_elem(&async_reqs, &req);
	return 0;
}

#define uring_submitted(req, key)      async_submitted(req, key)
#define uring_completed(ctx, key, res) async_completed(key, res)
#include "bpf/calls/uring.bpf.h"

/* A worker is to get the request done. */
static __noinline int async_to_worker(u64 req)
{
	u64 key = uring_key_of(req);
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);

	if (op)
		op->flags |= ASYNC_WORKER;
	return 0;
}

SEC("tp_btf/io_uring_queue_async_work")
int BPF_PROG(uring_worker, struct io_kiocb *req)
{
	return async_to_worker((u64)req);
}

SEC("tp_btf/io_uring_queue_async_work")
int BPF_PROG(uring_worker_ring, void *ring, int rw, void *req)
{
	return async_to_worker((u64)req);
}

#endif
