/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * File I/O where functions of the VFS return: a part of bpf/fileio.bpf.h, for commands that only
 * count. A call that isn't I/O pays nothing, and there is neither a program at entry nor state per
 * thread: who, which file, how much was asked and what came are all there when the function is
 * left. What never gets that far isn't seen: bad descriptors, and how a call ends that a signal
 * interrupts, for until then nobody knows whether it is entered again.
 *
 * io_uring doesn't come by here: its reads and writes call the filesystem, its splice do_splice().
 */
#ifndef IOSONDE_FILEIO_VFS_BPF_H
#define IOSONDE_FILEIO_VFS_BPF_H

static __always_inline bool is_interrupted(s64 ret)
{
	return ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK;
}

/* A function returned @ret whose caller holds @file: nothing of it can change meanwhile. */
static __always_inline void held_ended(void *ctx, struct file *file, u32 route, u64 asked, s64 ret)
{
	struct file_io io = { .asked = asked, .ret = ret, .offset = NO_OFFSET, .fd = -1 };
	u64 ids = current_ids();

	if (is_interrupted(ret) || !target_match(ids))
		return;
	file = walkable_file(file);
	io.file = (u64)file;
	io.inode = (u64)file->f_inode;
	io.route = route;
	io.write = route_writes(route);
	file_io_held(ctx, &io, file, ids);
}

SEC("fexit/vfs_read")
int BPF_PROG(fileio_vfs_read, struct file *file, void *buf, u64 count, void *pos, s64 ret)
{
	held_ended(ctx, file, ROUTE_READ, count, ret);
	return 0;
}

SEC("fexit/vfs_write")
int BPF_PROG(fileio_vfs_write, struct file *file, void *buf, u64 count, void *pos, s64 ret)
{
	held_ended(ctx, file, ROUTE_WRITE, count, ret);
	return 0;
}

static __always_inline u64 vectors_ask(const void *vec, u64 n)
{
	u64 sum = n > IOV_MAX ? 0 : iov_length(address_of(vec), n, in_compat_call());

	return sum == NO_LENGTH ? 0 : sum;
}

SEC("fexit/vfs_readv")
int BPF_PROG(fileio_vfs_readv, struct file *file, void *vec, u64 n, void *pos, u32 flags, s64 ret)
{
	held_ended(ctx, file, ROUTE_READV, vectors_ask(vec, n), ret);
	return 0;
}

SEC("fexit/vfs_writev")
int BPF_PROG(fileio_vfs_writev, struct file *file, void *vec, u64 n, void *pos, u32 flags, s64 ret)
{
	held_ended(ctx, file, ROUTE_WRITEV, vectors_ask(vec, n), ret);
	return 0;
}

/* What read one file and wrote another returned @ret. */
static __always_inline void copied(void *ctx, struct io_op *op, s64 ret)
{
	if (is_interrupted(ret) || !target_match(current_ids()))
		return;
	end_op(ctx, op, ret, 0);
}

static __always_inline void side_of_file(struct io_side *side, u64 file)
{
	side->fd = -1;
	side->file = file;
	side->inode = (u64)LOAD(struct file, file, f_inode);
}

SEC("fexit/do_sendfile")
int BPF_PROG(fileio_sendfile, int out, int in, void *pos, u64 count, s64 max, s64 ret)
{
	struct io_op op = { .route = ROUTE_SENDFILE, .asked = count };

	side_of_fd(&op.side, in);
	side_of_fd(&op.out, out);
	copied(ctx, &op, ret);
	return 0;
}

SEC("fexit/__do_splice")
int BPF_PROG(fileio_splice, u64 in, void *in_pos, u64 out, void *out_pos, u64 len, u32 flags,
	     s64 ret)
{
	struct io_op op = { .route = ROUTE_SPLICE, .asked = len };

	side_of_file(&op.side, in);
	side_of_file(&op.out, out);
	copied(ctx, &op, ret);
	return 0;
}

/*
 * Overlayfs calls it for the files below its own, which are open for the kernel alone, and the NFS
 * server for its clients.
 */
static __always_inline bool copies_for_itself(u64 in)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();

	return LOAD(struct file, in, f_mode) & FMODE_NOACCOUNT ||
	       LOAD(struct task_struct, task, flags) & PF_KTHREAD;
}

SEC("fexit/vfs_copy_file_range")
int BPF_PROG(fileio_copy_range, u64 in, u64 in_pos, u64 out, u64 out_pos, u64 len, u32 flags,
	     s64 ret)
{
	struct io_op op = { .route = ROUTE_COPY_FILE_RANGE, .asked = len };

	if (copies_for_itself(in))
		return 0;
	side_of_file(&op.side, in);
	side_of_file(&op.out, out);
	copied(ctx, &op, ret);
	return 0;
}

SEC("fexit/vfs_rename")
int fileio_renamed(void *ctx)
{
	__sync_fetch_and_add(&names_changes, 1);
	return 0;
}

/* The end of everything that changes the tree of mounts. */
SEC("fexit/namespace_unlock")
int fileio_mounted(void *ctx)
{
	__sync_fetch_and_add(&names_changes, 1);
	return 0;
}

#endif
