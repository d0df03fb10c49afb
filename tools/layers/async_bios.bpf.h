/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Operations that go on beside the thread that submitted them, and the block requests of each. A
 * bio leads to its operation: by what direct I/O keeps for its end, else by who queues it, a worker
 * of io_uring's or the thread that is just submitting. Its stamps are kept with the operation.
 */
#ifndef IOSONDE_LAYERS_ASYNC_BIOS_BPF_H
#define IOSONDE_LAYERS_ASYNC_BIOS_BPF_H

#include "bpf/block/blkio.bpf.h"
#include "bpf/calls/aio.bpf.h"
#include "tools/layers/state.bpf.h"
#include "tools/layers/stretch.bpf.h"

#define ASYNC_BIOS     16 /* bios of one operation */
#define ASYNC_KEPT     4096
#define ASYNC_IN_BLOCK 16384 /* bios of all */

enum async_flags {
	ASYNC_WORKER = 1 << 0,
	ASYNC_BIOS_FULL = 1 << 1,
	ASYNC_OVER = 1 << 2,	   /* and in the sums; it isn't collected yet */
	ASYNC_ON_DISK = 1 << 3,	   /* its file is on a block device */
	ASYNC_BY_REQUEST = 1 << 4, /* how its end is known; else somebody told */
	ASYNC_BY_COLLECT = 1 << 5,
};

struct async_op {
	u64 start_ns;
	u64 end_ns; /* 0: not known yet */
	u64 req;    /* of io_uring: the request */
	u64 file;   /* struct file */
	struct layers_async_key key;
	u32 flags;
	u32 gen; /* tells this operation from others with the same key */
	u32 n_bios;
	u32 tid; /* of io_uring: who submitted it */
	struct bio_stretch stretch;
	struct bio_stamps bios[ASYNC_BIOS];
};

const volatile struct async_op async_zero;

/* By the address of the request, ring_key() or aio_key(). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ASYNC_KEPT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct async_op);
} async_ops SEC(".maps");

/* Where completion names no request: the key of each. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ASYNC_KEPT);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u64);
} async_reqs SEC(".maps");

struct async_ref {
	u64 key;
	u32 gen;
	u32 slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ASYNC_IN_BLOCK);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64); /* address of the bio */
	__type(value, struct async_ref);
} async_refs SEC(".maps");

/* Which kinds were met so far: while it is 0 no hook does anything for them. */
u32 async_seen;

/* --- which operation --- */

/* What tells an operation of libaio: its context, and the user address of its iocb. */
static __always_inline u64 aio_key(u64 ctx, u64 iocb)
{
	return ctx ^ iocb * 0x9e3779b97f4a7c15ULL;
}

static __always_inline u64 aio_key_of(const struct aio_kiocb *req)
{
	return aio_key((u64)BPF_CORE_READ(req, ki_ctx), BPF_CORE_READ(req, ki_res.obj));
}

static __always_inline u64 uring_key_of(u64 req)
{
	u64 *known;

	if (!req || bpf_map_lookup_elem(&async_ops, &req))
		return req;
	known = bpf_map_lookup_elem(&async_reqs, &req);
	return known ? *known : 0;
}

/* The operation that has its kiocb at @iocb: it begins with that, whose it ever is. 0: none. */
__noinline u64 async_of_kiocb(u64 iocb)
{
	u64 key = 0;

	if (!iocb)
		return 0;
	if (async_seen & 1 << ASYNC_URING)
		key = uring_key_of(iocb);
	if (key || !(async_seen & 1 << ASYNC_AIO))
		return key;
	key = aio_key_of((void *)iocb);
	return bpf_map_lookup_elem(&async_ops, &key) ? key : 0;
}

/* By what direct I/O keeps in its bios. That may be anything, and then leads to none. */
__noinline u64 async_of_direct(u64 bio)
{
	u64 dio = (u64)BPF_CORE_READ((struct bio *)bio, bi_private), around, key;

	if (dio) {
		key = async_of_kiocb((u64)BPF_CORE_READ((struct iomap_dio *)dio, iocb));
		if (key || !bpf_core_type_exists(struct dio___if_built))
			return key;
		return async_of_kiocb((u64)BPF_CORE_READ((struct dio___if_built *)dio, iocb));
	}
	if (!bpf_core_type_exists(struct blkdev_dio))
		return 0;
	around = bio - bpf_core_field_offset(struct blkdev_dio, bio);
	return async_of_kiocb((u64)BPF_CORE_READ((struct blkdev_dio *)around, iocb));
}

/* By the thread that queues it. */
static __noinline u64 async_of_thread(struct task_struct *task)
{
	struct task_struct___since_v5_17 *now = (void *)task;
	struct layers_state *st;
	struct io_worker *worker;
	u64 work = 0;

	if (!(async_seen & 1 << ASYNC_URING))
		return 0;
	if (BPF_CORE_READ(task, flags) & PF_IO_WORKER) {
		if (bpf_core_field_exists(now->worker_private)) {
			worker = BPF_CORE_READ(now, worker_private);
			work = (u64)BPF_CORE_READ(worker, cur_work);
		}
		return work ? uring_key_of(work - bpf_core_field_offset(struct io_kiocb, work)) : 0;
	}
	st = layers_of(task);
	return st ? st->async : 0;
}

/* --- their bios --- */

/* One more of the operation @key. */
__noinline int async_add_bio(u64 key, u64 bio, u64 queued, u64 issued)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);
	struct async_ref ref = { .key = key };
	u64 i;

	if (!op || op->flags & ASYNC_OVER)
		return 0;
	i = op->n_bios;
	ref.slot = i;
	ref.gen = op->gen;
	if (i >= ASYNC_BIOS || bpf_map_update_elem(&async_refs, &bio, &ref, BPF_ANY)) {
		op->flags |= ASYNC_BIOS_FULL;
		TALLY(LAYERS_BIOS_FULL);
		return 0;
	}
	BOUND(i, ASYNC_BIOS - 1);
	op->bios[i].issued_ns = issued;
	op->bios[i].queued_ns = queued;
	op->n_bios = i + 1;
	return 0;
}

static __noinline int async_bio_queued(u64 bio, u64 now, u64 issued)
{
	u64 key = async_of_direct(bio);

	if (!key)
		key = async_of_thread(current_task());
	if (key)
		async_add_bio(key, bio, now, issued);
	return 0;
}

/* The stamps of @bio; NULL: it isn't followed. */
static __always_inline struct bio_stamps *async_stamps(const struct async_ref *ref)
{
	struct async_op *op;
	u64 key, i;

	if (!ref)
		return NULL;
	key = ref->key;
	i = ref->slot;
	op = bpf_map_lookup_elem(&async_ops, &key);
	if (!op || op->gen != ref->gen)
		return NULL;
	BOUND(i, ASYNC_BIOS - 1);
	return &op->bios[i];
}

static __noinline int async_bio_split(u64 child)
{
	u64 parent = (u64)BPF_CORE_READ((struct bio *)child, bi_private);
	struct async_ref *ref = bpf_map_lookup_elem(&async_refs, &parent);
	struct bio_stamps *at = async_stamps(ref);

	if (at)
		async_add_bio(ref->key, child, at->queued_ns, 0);
	return 0;
}

static __always_inline void async_bio_issued(u64 bio, u64 stamp)
{
	struct bio_stamps *at = async_stamps(bpf_map_lookup_elem(&async_refs, &bio));

	if (at)
		at->issued_ns = stamp;
}

static __always_inline void async_bio_done(u64 bio, u64 q, u64 now)
{
	struct async_ref *ref = bpf_map_lookup_elem(&async_refs, &bio);
	struct bio_stamps *at = async_stamps(ref);

	if (at) {
		if (!at->issued_ns && q)
			at->issued_ns = flush_of(q, at->queued_ns, now);
		at->done_ns = now;
	}
	if (ref)
		bpf_map_delete_elem(&async_refs, &bio);
}

#endif
