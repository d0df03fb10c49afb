/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The account of asynchronous operations, from submission to completion. Those of io_uring are told
 * by its tracepoints. Those of libaio are submitted and collected by calls; in between a function
 * tells that one is over, where it can be hooked, else its last request has to.
 */
#ifndef IOSONDE_LAYERS_ASYNC_BPF_H
#define IOSONDE_LAYERS_ASYNC_BPF_H

#include "tools/layers/sums.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct layers_async_key);
	__type(value, struct layers_async_sums);
} async_table SEC(".maps");

/* What finds no room there, by layers_async_key.what. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, N_ASYNC_WHATS);
	__type(key, u32);
	__type(value, struct layers_async_sums);
} async_rest SEC(".maps");

const volatile struct layers_async_sums async_sums_zero;

#define S_IFMT	0170000
#define S_IFBLK 0060000

/* Was the end of an operation of libaio ever told by a function? */
u32 aio_told;

/* --- the sums --- */

/* Those of @key; NULL: would be a bug. */
static __noinline struct layers_async_sums *async_sums(const struct layers_async_key *key)
{
	struct layers_async_sums *sums = bpf_map_lookup_elem(&async_table, key);
	u32 what = key->what;

	if (sums)
		return sums;
	bpf_map_update_elem(&async_table, key, (const void *)&async_sums_zero, BPF_NOEXIST);
	sums = bpf_map_lookup_elem(&async_table, key);
	return sums ? sums : bpf_map_lookup_elem(&async_rest, &what);
}

/* Looks at one bio, and at all of an operation: each once for the verifier. */
__noinline int async_consider(u64 key, u32 i, u32 what)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);

	if (!op || i >= ASYNC_BIOS || i >= op->n_bios)
		return 0;
	stretch_take(&op->stretch, &op->bios[i], what);
	return 1;
}

__noinline u64 async_stretch(u64 key, u32 what)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);

	if (!op)
		return 0;
	stretch_begin(&op->stretch);
	for (u32 i = 0; i < ASYNC_BIOS; i++)
		if (!async_consider(key, i, what))
			break;
	return op->stretch.end_ns ? stretch_end(&op->stretch) : 0;
}

/* How long up to @end at least one of its bios was queued or at the device, or at the device. */
__noinline u64 async_busy(u64 key, u64 end, u32 what)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);
	u64 busy = 0, more;

	if (!op)
		return 0;
	op->stretch.from_ns = op->start_ns;
	op->stretch.to_ns = end;
	for (u32 i = 0; i < ASYNC_BIOS; i++) {
		more = async_stretch(key, what);
		if (!more)
			break;
		busy += more;
	}
	return busy;
}

/* When the last of its bios was over; 0: there is none, or one isn't as far as is known. */
__noinline u64 async_last(u64 key)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);
	u64 last = 0;

	if (!op || op->flags & ASYNC_BIOS_FULL)
		return 0;
	for (u32 i = 0; i < ASYNC_BIOS && i < op->n_bios; i++) {
		if (!op->bios[i].done_ns)
			return 0;
		if (op->bios[i].done_ns > last)
			last = op->bios[i].done_ns;
	}
	return last;
}

static __always_inline void async_add_cells(struct layers_async_sums *sums, struct async_op *op,
					    u64 key, u64 end)
{
	u64 lat = end - op->start_ns, any = 0, device = 0, rest;
	bool known = true;

	if (op->n_bios) {
		any = async_busy(key, end, BIO_ANY);
		device = async_busy(key, end, BIO_DEVICE);
		known = async_last(key) != 0;
	}
	if (any > lat || device > any) { /* would be a bug; shown as such */
		TALLY(LAYERS_OVERFLOW);
		any = device = 0;
	}
	rest = lat - any;
	__sync_fetch_and_add(&sums->lat_ns, lat);
	__sync_fetch_and_add(&sums->cells[CELL_QUEUE], any - device);
	__sync_fetch_and_add(&sums->cells[CELL_DEVICE], device);
	if (known && !(op->flags & ASYNC_BIOS_FULL))
		__sync_fetch_and_add(&sums->cells[CELL_WAIT], rest);
	else
		__sync_fetch_and_add(&sums->cells[CELL_UNKNOWN], rest);
	if (lat > sums->max_ns)
		sums->max_ns = lat;
}

/* The operation @key was over at @end, with @ret. Its time goes to the sums. */
__noinline int async_close(u64 key, u64 end, s64 ret)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);
	struct layers_async_sums *sums;
	u32 op_of;

	if (!op || op->flags & ASYNC_OVER)
		return 0;
	sums = async_sums(&op->key);
	if (!sums)
		return 0;
	if (end < op->start_ns)
		end = op->start_ns;
	op->end_ns = end;
	op_of = op->key.what % N_ASYNC_OPS;
	async_add_cells(sums, op, key, end);
	__sync_fetch_and_add(&sums->count, 1);
	if (ret < 0)
		__sync_fetch_and_add(&sums->errors, 1);
	else if (op_of == ASYNC_READ || op_of == ASYNC_WRITE)
		__sync_fetch_and_add(&sums->bytes, ret);
	if (op->flags & ASYNC_WORKER)
		__sync_fetch_and_add(&sums->workers, 1);
	if (op->flags & ASYNC_BY_REQUEST)
		__sync_fetch_and_add(&sums->by_request, 1);
	if (op->flags & ASYNC_BY_COLLECT)
		__sync_fetch_and_add(&sums->by_collect, 1);
	if (!sums->first_ns || op->start_ns < sums->first_ns)
		sums->first_ns = op->start_ns;
	if (end > sums->last_ns)
		sums->last_ns = end;
	op->flags |= ASYNC_OVER;
	return 0;
}

/* --- the beginning --- */

/* The file, known while the thread that asked can still look. */
static __noinline int async_file(struct async_op *op, struct file *file)
{
	struct inode *inode = file ? LOAD(struct file, file, f_inode) : NULL;
	struct layers_key key = {};

	op->file = (u64)file;
	make_key(&key, inode, 0, 0);
	op->key.file = key.file;
	if (!inode)
		return 0;
	if (BPF_CORE_READ(inode, i_sb, s_bdev) ||
	    (LOAD(struct inode, inode, i_mode) & S_IFMT) == S_IFBLK)
		op->flags |= ASYNC_ON_DISK;
	announce_file(address_of(file), &key.file);
	return 0;
}

/* What was there with the same key, and wasn't over, never will be. */
static __noinline struct async_op *async_begin(u64 key, u32 what)
{
	struct async_op *op = bpf_map_lookup_elem(&async_ops, &key);

	async_seen |= 1 << (what / N_ASYNC_OPS);
	if (op && !(op->flags & ASYNC_OVER))
		COUNT_EVENT(lost_end);
	bpf_map_update_elem(&async_ops, &key, (const void *)&async_zero, BPF_ANY);
	op = bpf_map_lookup_elem(&async_ops, &key);
	if (!op) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	op->key.what = what;
	return op;
}

static __always_inline void async_began(struct async_op *op, u64 now)
{
	op->start_ns = now;
	op->gen = now;
}

#include "tools/layers/async_aio.bpf.h"
#include "tools/layers/async_uring.bpf.h"

/* --- calls --- */

/* The current thread enters @call, one of enum layers_async_call. */
static __always_inline int async_enter(u32 call, struct pt_regs *regs, bool compat)
{
	if (call == ASYNC_SUBMIT)
		aio_enter(regs, compat);
	return 0;
}

/* A call returned @ret. */
static __always_inline int async_exit(struct pt_regs *regs, s64 ret)
{
	bool compat;
	u32 call;

	if (REGS_NO_CALL(regs))
		return 0;
	call = syscall_entered(REGS_CALL(regs), &compat);
	if (call < N_CALLS)
		return 0;
	if (call == ASYNC_URING_ENTER)
		async_returned();
	else if (call == ASYNC_SUBMIT)
		aio_submitted(regs, compat, ret);
	else if (ret > 0)
		aio_collected(regs, compat, ret);
	return 0;
}

#endif
