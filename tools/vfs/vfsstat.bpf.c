/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * System calls are counted as they return, for then it is known whether an open made its file;
 * requests of io_uring as they are submitted, for then the thread is known that asked.
 */
#include "bpf/core/filter.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/calls/uring_ops.h"

#include "tools/vfs/vfsstat.h"

#define O_CREAT 00000100
#define MS_SYNC 4

/* Where an operation is counted: words of struct vfsstat_value. */
enum vfs_op {
	OP_NONE = 0, /* the sum's place */
	OP_READ,
	OP_WRITE,
	OP_FSYNC,
	OP_OPEN,
	OP_CREATE,
	OP_UNLINK,
	OP_MKDIR,
	OP_RMDIR,
	OP_RENAME,
	N_OPS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 8); /* two epochs, and what is being removed */
	__type(key, struct vfsstat_key);
	__type(value, struct vfsstat_value);
} operations SEC(".maps");

const volatile struct vfsstat_value no_operations;

static __always_inline u64 *sums_here(void)
{
	struct vfsstat_key key = { .epoch = epoch };
	u64 *sums = bpf_map_lookup_elem(&operations, &key);

	if (sums)
		return sums;
	bpf_map_update_elem(&operations, &key, (const void *)&no_operations, BPF_NOEXIST);
	return bpf_map_lookup_elem(&operations, &key);
}

/* Adds @n events of kind @op. A program may be interrupted by one for another hook: atomics. */
static __always_inline void count_op(u64 op, u64 n)
{
	u64 *sums = sums_here();

	if (!sums || op >= N_OPS) {
		COUNT_EVENTS(lost_state, n);
		return;
	}
	__sync_fetch_and_add(&sums[0], n);
	__sync_fetch_and_add(&sums[op], n);
	COUNT_N(generated, n);
}

/* An open that was counted made its file, too. */
static __always_inline void count_created(void)
{
	u64 *sums = sums_here();

	if (sums)
		__sync_fetch_and_add(&sums[OP_CREATE], 1);
}

static __always_inline bool made_by_open(u32 fd)
{
	struct file *file = file_of_fd(fd);

	return file && BPF_CORE_READ(file, f_mode) & FMODE_CREATED;
}

/* What @call counts as; OP_NONE: nothing. */
static __always_inline u64 op_of_call(u32 call, struct pt_regs *regs, bool compat, long ret)
{
	struct syscall_args args;

	if (call <= CALL_PREADV2)
		return OP_READ;
	if (call <= CALL_PWRITEV2)
		return OP_WRITE;
	if (call <= CALL_FDATASYNC)
		return OP_FSYNC;
	syscall_args(regs, compat, &args);
	switch (call) {
	case CALL_MSYNC: /* the other flags start nothing and wait for nothing */
		return args.a[2] & MS_SYNC ? OP_FSYNC : OP_NONE;
	case CALL_MKNOD:
	case CALL_MKNODAT:
		return ret ? OP_NONE : OP_CREATE;
	case CALL_UNLINK:
		return OP_UNLINK;
	case CALL_UNLINKAT:
		return args.a[2] & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK;
	case CALL_MKDIR:
	case CALL_MKDIRAT:
		return OP_MKDIR;
	case CALL_RMDIR:
		return OP_RMDIR;
	case CALL_RENAME:
	case CALL_RENAMEAT:
	case CALL_RENAMEAT2:
		return OP_RENAME;
	}
	return OP_OPEN;
}

/* --- libaio: io_submit() of an array of pointers to struct iocb --- */

#define AIO_OPCODE_AT 16 /* iocb.aio_lio_opcode: include/uapi/linux/aio_abi.h */
#define AIO_MAX	      1024

static __always_inline u64 op_of_iocb(u16 opcode)
{
	switch (opcode) {
	case 0: /* IOCB_CMD_PREAD */
	case 7: /* IOCB_CMD_PREADV */
		return OP_READ;
	case 1: /* IOCB_CMD_PWRITE */
	case 8: /* IOCB_CMD_PWRITEV */
		return OP_WRITE;
	case 2: /* IOCB_CMD_FSYNC */
	case 3: /* IOCB_CMD_FDSYNC */
		return OP_FSYNC;
	}
	return OP_NONE;
}

/* Counts number @i of the array at @iocbs. Global: the verifier takes it once, not in the loop. */
__noinline int count_iocb(u64 iocbs, u32 i, u32 compat)
{
	u32 size = compat ? 4 : 8;
	u64 iocb = 0, op;
	u16 opcode;

	if (bpf_probe_read_user(&iocb, size, (void *)(iocbs + i * size)) ||
	    bpf_probe_read_user(&opcode, sizeof(opcode), (void *)(iocb + AIO_OPCODE_AT)))
		return 0;
	op = op_of_iocb(opcode);
	if (op)
		count_op(op, 1);
	return 0;
}

static __always_inline void count_iocbs(u64 iocbs, bool compat, u64 n)
{
	for (u32 i = 0; i < AIO_MAX && i < n; i++)
		count_iocb(iocbs, i, compat);
	if (n > AIO_MAX) {
		COUNT_EVENTS(lost_state, n - AIO_MAX);
	}
}

SYSCALL_EXIT(vfs_exit)
{
	struct syscall_args args;
	bool compat;
	s64 result = ret;
	u32 call;
	u64 op;

	if (REGS_NO_CALL(regs))
		return 0;
	call = syscall_entered(REGS_CALL(regs), &compat);
	if (!call || !target_match(current_ids()) || !call_ended(current_task(), regs, &result))
		return 0;
	if (call == CALL_IO_SUBMIT) {
		syscall_args(regs, compat, &args);
		if (result > 0)
			count_iocbs(args.a[2], compat, result);
		return 0;
	}
	op = op_of_call(call, regs, compat, result);
	if (!op)
		return 0;
	count_op(op, 1);
	if (op == OP_OPEN && result >= 0 && made_by_open(result))
		count_created();
	return 0;
}

/* --- io_uring --- */

/* Opens under way that may make a file, by key; the value: into a slot of the ring's own table. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u32);
} creating SEC(".maps");

static __always_inline u64 op_of_request(struct io_kiocb *req)
{
	switch (BPF_CORE_READ(req, opcode)) {
	case IORING_OP_READV:
	case IORING_OP_READ_FIXED:
	case IORING_OP_READ:
	case IORING_OP_READ_MULTISHOT:
	case IORING_OP_READV_FIXED:
		return OP_READ;
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV_FIXED:
		return OP_WRITE;
	case IORING_OP_FSYNC:
		return OP_FSYNC;
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		return OP_OPEN;
	case IORING_OP_RENAMEAT:
		return OP_RENAME;
	case IORING_OP_UNLINKAT:
		if (!HAVE_URING_NAMES())
			return OP_NONE;
		return BPF_CORE_READ((struct io_unlink *)req, flags) & AT_REMOVEDIR ? OP_RMDIR
										    : OP_UNLINK;
	case IORING_OP_MKDIRAT:
		return OP_MKDIR;
	}
	return OP_NONE;
}

static __always_inline void uring_submitted(struct io_kiocb *req, u64 key)
{
	const struct io_open *open = (const void *)req;
	u64 op = op_of_request(req);
	u32 slot;

	if (!op || !target_match(current_ids()))
		return;
	count_op(op, 1);
	if (op != OP_OPEN || !(BPF_CORE_READ(open, how.flags) & O_CREAT))
		return;
	slot = BPF_CORE_READ(open, file_slot);
	if (bpf_map_update_elem(&creating, &key, &slot, BPF_ANY))
		COUNT(null_helper);
}

static __always_inline void uring_completed(void *ctx, u64 key, s32 res)
{
	u32 *slot = bpf_map_lookup_elem(&creating, &key);

	if (!slot)
		return;
	/* done by a worker that shares the files of who asked */
	if (res >= 0 && !*slot && made_by_open(res))
		count_created();
	bpf_map_delete_elem(&creating, &key);
}

#include "bpf/calls/uring.bpf.h"
