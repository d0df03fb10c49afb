/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one source of file I/O: which thread did what to which file, by which route, how much it
 * asked for and got, in what time. A program file that includes this defines
 *
 *	static __always_inline void file_io_end(void *ctx, const struct file_io *io);
 *
 * which is called once per file and operation when it is over: twice for sendfile(), splice() and
 * copy_file_range(), which read one file and write another. With FILE_IO_START defined before the
 * inclusion it also defines
 *
 *	static __always_inline void file_io_start(void *ctx, const struct file_io *io);
 *
 * which is called when the operation begins (ret and lat_ns are 0 then). Its descriptor takes
 * FILEIO_CALLS and FILEIO_PROBES from bpf/fileio.h; its enum of calls is fileio_route. One that
 * remembers paths defines FILE_IO_NAMES, and adds FILEIO_NAMES_CALLS.
 *
 * One that only counts defines FILE_IO_SUMS_ONLY: it gets no times, offsets and flags of the file,
 * which cost a read of the clock or of kernel memory each, and no program stands where calls are
 * entered (bpf/fileio_return.bpf.h). It takes FILEIO_SUMS_PROBES and also defines
 *
 *	static __always_inline bool file_io_held(struct task_struct *task,
 *						 const struct file_io *io, struct file *file,
 *						 u64 ids);
 *
 * for the most frequent calls. @file and @task, the current thread, can be walked by plain loads;
 * @ids are current_ids(). It counts the operation as generated, too, or returns false, and
 * file_io_end() is called. A command that can do either defines FILE_IO_SUMS_IF as the condition.
 *
 * Operations of system calls are counted as generated here; file_io_end() counts what becomes of
 * each: filtered, emitted, lost.
 */
#ifndef IOSONDE_FILEIO_BPF_H
#define IOSONDE_FILEIO_BPF_H

#include "bpf/filter.bpf.h"
#include "bpf/files.bpf.h"
#include "bpf/syscall.bpf.h"
#include "bpf/task_state.bpf.h"

#include "bpf/fileio.h"

#define S_IFMT	0170000
#define S_IFREG 0100000
#define S_IFBLK 0060000

#define O_APPEND 00002000
#if defined(__TARGET_ARCH_arm64)
#define O_DIRECT 00200000
#else
#define O_DIRECT 00040000
#endif

#define RWF_APPEND   0x10 /* include/uapi/linux/fs.h */
#define RWF_NOAPPEND 0x20

#define NO_OFFSET -1 /* a pipe, a socket; unknown */

/* One operation on one file, as file_io_end() gets it. Pointers are numbers, to be read by LOAD().
 */
struct file_io {
	u64 start_ns; /* entry, or submission */
	u64 lat_ns;   /* until return, or completion */
	u64 asked;    /* bytes */
	s64 ret;      /* bytes, or a negative error */
	s64 offset;   /* in the file, of the first byte that was read or written; or NO_OFFSET */
	u64 file;     /* struct file; 0: the descriptor was bad */
	u64 inode;    /* struct inode, its f_inode */
	s64 fd;	      /* as the caller passed it; negative: not known */
	u64 who;      /* 0: the current thread; else see file_io_who() */
	u32 route;    /* enum fileio_route */
	u32 flags;    /* enum fileio_flags */
	u32 write;    /* 0: the file was read, 1: written */
};

/* The thread that an operation belongs to: the one that made the call or submitted the request. */
struct file_who {
	u64 ids; /* tgid << 32 | tid */
	u32 uid;
	s32 prio; /* task_struct.prio: 120 is nice 0 */
	char comm[COMM_LEN] __attribute__((aligned(8)));
};

#ifdef FILE_IO_SUMS_ONLY
#define sums_only true

static __always_inline void file_io_add(struct fileio_sums *sums, const struct file_io *io)
{
	u64 bytes = io->ret > 0 ? io->ret : 0;

	__sync_fetch_and_add(&sums->count, 1);
	if (io->write) {
		__sync_fetch_and_add(&sums->writes, 1);
		__sync_fetch_and_add(&sums->write_bytes, bytes);
	} else {
		__sync_fetch_and_add(&sums->reads, 1);
		__sync_fetch_and_add(&sums->read_bytes, bytes);
	}
	if (io->ret < 0)
		__sync_fetch_and_add(&sums->errors, 1);
}
#elif defined(FILE_IO_SUMS_IF)
#define sums_only (FILE_IO_SUMS_IF)
#else
#define sums_only false
#endif

static __always_inline void file_io_end(void *ctx, const struct file_io *io);
#if defined(FILE_IO_SUMS_ONLY) || defined(FILE_IO_SUMS_IF)
static __always_inline bool file_io_held(struct task_struct *task, const struct file_io *io,
					 struct file *file, u64 ids);
#endif
#ifdef FILE_IO_START
static __always_inline void file_io_start(void *ctx, const struct file_io *io);
#else
#define file_io_start(ctx, io)
#endif

/* One side of an operation: its file. */
struct io_side {
	u64 file;
	u64 inode;
	s64 offset;
	s64 fd;
};

/* An operation under way. */
struct io_op {
	u64 start_ns;
	u64 asked;
	struct io_side side;
	struct io_side out; /* sendfile, splice, copy_file_range: what is written */
	u64 iov;	    /* user address of its vectors, if they could not be read yet */
	u32 n_iov;
	u32 compat;
	u32 route; /* 0: none under way */
	u32 flags;
	u64 ip, sp; /* of a parked one: where it was entered */
};

struct io_state {
	struct io_op op;
	struct io_op
		parked; /* left with "restart me": a signal handler may make calls of its own */
};

/* Of the hash, which is the second choice: threads that are in a call of theirs. */
TASK_STATE(fileio, struct io_state, 4096)

/* --- who and what --- */

static __always_inline void current_who(struct file_who *who)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	who->ids = current_ids();
	who->prio = LOAD(struct task_struct, task, prio);
	current_user_and_comm(&who->uid, who->comm);
}

static __always_inline void file_io_who(const struct file_io *io, struct file_who *who)
{
	if (io->who)
		bpf_probe_read_kernel(who, sizeof(*who), (const void *)io->who);
	else
		current_who(who);
}

static __always_inline u32 inode_mode(u64 inode)
{
	return inode ? LOAD(struct inode, inode, i_mode) : 0;
}

/* Has the file a position, and bytes at it? */
static __always_inline bool has_offset(u64 inode)
{
	u32 type = inode_mode(inode) & S_IFMT;

	return type == S_IFREG || type == S_IFBLK;
}

/*
 * The struct file, if it is what it was: closed by another thread in the meantime, it may be
 * something else by now. Else 0.
 */
static __always_inline u64 file_still(const struct file_io *io)
{
	u64 file = io->file;

	return file && (u64)LOAD(struct file, file, f_inode) == io->inode ? file : 0;
}

static __always_inline u64 file_dentry(const struct file_io *io)
{
	u64 file = io->file;

	return file ? (u64)LOAD(struct file, file, f_path.dentry) : 0;
}

static __always_inline u64 file_mount(const struct file_io *io)
{
	u64 file = io->file;

	return file ? (u64)LOAD(struct file, file, f_path.mnt) : 0;
}

static __always_inline bool route_writes(u32 route)
{
	/* read and write alternate in the enum, but for those that do both */
	return (route <= ROUTE_PWRITEV2 && !(route & 1)) ||
	       (route >= ROUTE_URING_READ && !(route & 1));
}

static __always_inline bool route_copies(u32 route)
{
	return route >= ROUTE_SENDFILE && route <= ROUTE_COPY_FILE_RANGE;
}

_Static_assert(!(ROUTE_WRITE & 1) && !(ROUTE_PWRITEV2 & 1) && !(ROUTE_URING_WRITE & 1) &&
		       !(ROUTE_URING_WRITE_FIXED & 1) && ROUTE_URING_READ & 1,
	       "route_writes() tells by the lowest bit");

/* --- the beginning --- */

struct user_iovec {
	u64 base;
	u64 len;
};

struct user_iovec32 {
	u32 base;
	u32 len;
};

#define IOV_MAX	  1024 /* UIO_MAXIOV */
#define IOV_CHUNK 8
#define NO_LENGTH (~0ULL)

static __noinline u64 chunk_native(u64 addr, u32 n)
{
	struct user_iovec v[IOV_CHUNK] = {};
	u64 sum = 0, bytes = (u64)n * sizeof(v[0]);

	if (bytes > sizeof(v))
		bytes = sizeof(v);
	if (bpf_probe_read_user(v, bytes, (const void *)addr))
		return NO_LENGTH;
	for (u32 i = 0; i < IOV_CHUNK; i++) /* what wasn't read is 0 */
		sum += v[i].len;
	return sum;
}

static __noinline u64 chunk_compat(u64 addr, u32 n)
{
	struct user_iovec32 v[IOV_CHUNK] = {};
	u64 sum = 0, bytes = (u64)n * sizeof(v[0]);

	if (bytes > sizeof(v))
		bytes = sizeof(v);
	if (bpf_probe_read_user(v, bytes, (const void *)addr))
		return NO_LENGTH;
	for (u32 i = 0; i < IOV_CHUNK; i++)
		sum += v[i].len;
	return sum;
}

/*
 * The sum of chunk @at of @n vectors at @addr. NO_LENGTH: it can't be read. Global, so that the
 * loop around it is short.
 */
__noinline u64 iov_chunk(u64 addr, u32 n, u32 at, u32 compat)
{
	u32 left = n - at < IOV_CHUNK ? n - at : IOV_CHUNK;

	if (compat)
		return chunk_compat(addr + at * sizeof(struct user_iovec32), left);
	return chunk_native(addr + at * sizeof(struct user_iovec), left);
}

/* The bytes that @n vectors at @addr ask for; NO_LENGTH: their page isn't there. */
__noinline u64 iov_length(u64 addr, u32 n, u32 compat)
{
	u64 sum = 0, part;

	for (u32 at = 0; at < IOV_MAX; at += IOV_CHUNK) {
		if (at >= n)
			break;
		part = iov_chunk(addr, n, at, compat);
		if (part == NO_LENGTH)
			return NO_LENGTH;
		sum += part;
	}
	return sum;
}

static __always_inline void ask_vectors(struct io_op *op, u64 addr, u64 n)
{
	op->iov = addr;
	op->n_iov = n;
	op->asked = n > IOV_MAX ? 0 : iov_length(addr, n, op->compat);
	if (op->asked == NO_LENGTH)
		op->asked = 0;
	else
		op->iov = 0;
}

/* The side's file, for a descriptor of the current thread. */
static __always_inline void side_of_fd(struct io_side *side, s32 fd)
{
	side->fd = fd;
	side->file = (u64)file_of_fd(fd);
	side->inode = side->file ? (u64)LOAD(struct file, side->file, f_inode) : 0;
}

/* The file's own position, where the call names none. */
static __always_inline s64 own_position(const struct io_side *side)
{
	if (sums_only || !has_offset(side->inode))
		return NO_OFFSET;
	return LOAD(struct file, side->file, f_pos);
}

/* An offset that the call passes by reference. */
static __always_inline s64 position_at(const struct io_side *side, u64 user_ptr, bool narrow)
{
	s64 pos = 0;

	if (sums_only)
		return NO_OFFSET;
	if (!user_ptr)
		return own_position(side);
	if (bpf_probe_read_user(&pos, narrow ? sizeof(s32) : sizeof(pos), (const void *)user_ptr))
		return NO_OFFSET;
	return pos;
}

static __always_inline u32 file_flags(u64 file)
{
	u32 open_flags = file && !sums_only ? LOAD(struct file, file, f_flags) : 0, flags = 0;

	if (open_flags & O_DIRECT)
		flags |= FILEIO_DIRECT;
	if (open_flags & O_APPEND)
		flags |= FILEIO_APPEND;
	return flags;
}

static __always_inline void open_single(struct io_op *op, const struct syscall_args *args)
{
	u64 pos;

	side_of_fd(&op->side, args->a[0]);
	switch (op->route) {
	case ROUTE_READ:
	case ROUTE_WRITE:
		op->asked = args->a[2];
		op->side.offset = own_position(&op->side);
		break;
	case ROUTE_PREAD:
	case ROUTE_PWRITE:
		op->asked = args->a[2];
		op->side.offset = args->a[3];
		if (op->compat)
			op->side.offset = args->a[COMPAT_PREAD_POS] | args->a[COMPAT_PREAD_POS + 1]
									      << 32;
		break;
	case ROUTE_READV:
	case ROUTE_WRITEV:
		ask_vectors(op, args->a[1], args->a[2]);
		op->side.offset = own_position(&op->side);
		break;
	default: /* preadv and its like */
		ask_vectors(op, args->a[1], args->a[2]);
		pos = args->a[3];
		if (op->compat)
			pos |= args->a[4] << 32;
		if (op->route >= ROUTE_PREADV2)
			op->flags |= args->a[5] & FILEIO_RWF_MASK;
		op->side.offset = pos == ~0ULL ? own_position(&op->side) : (s64)pos;
		break;
	}
	op->flags |= file_flags(op->side.file);
}

static __always_inline void open_copy(struct io_op *op, const struct syscall_args *args)
{
	bool sendfile = op->route != ROUTE_SPLICE && op->route != ROUTE_COPY_FILE_RANGE;

	if (sendfile) {
		side_of_fd(&op->out, args->a[0]);
		side_of_fd(&op->side, args->a[1]);
		op->out.offset = own_position(&op->out);
		op->side.offset = position_at(&op->side, args->a[2],
					      op->compat && op->route == ROUTE_SENDFILE);
		op->asked = args->a[3];
	} else {
		side_of_fd(&op->side, args->a[0]);
		op->side.offset = position_at(&op->side, args->a[1], false);
		side_of_fd(&op->out, args->a[2]);
		op->out.offset = position_at(&op->out, args->a[3], false);
		op->asked = args->a[4];
	}
}

/* Describes the call that @regs entered. */
static __always_inline void open_op(struct io_op *op, u32 route, bool compat, struct pt_regs *regs)
{
	struct syscall_args args;

	op->route = route;
	op->compat = compat;
	op->flags = 0;
	op->iov = 0;
	syscall_args(regs, compat, &args);
	if (route_copies(route))
		open_copy(op, &args);
	else
		open_single(op, &args);
}

/* Describes @side of @op, but for how it ended. */
static __always_inline void describe(struct file_io *io, const struct io_op *op,
				     const struct io_side *side)
{
	io->start_ns = op->start_ns;
	io->asked = op->asked;
	io->offset = side->offset;
	io->file = side->file;
	io->inode = side->inode;
	io->fd = side->fd;
	io->route = op->route;
	io->flags = op->flags;
}

/* Tells the tool that @op begins. */
static __always_inline void announce(void *ctx, const struct io_op *op)
{
#ifdef FILE_IO_START
	struct file_io io = {};

	describe(&io, op, &op->side);
	io.write = route_writes(op->route);
	file_io_start(ctx, &io);
	if (!route_copies(op->route))
		return;
	describe(&io, op, &op->out);
	io.flags |= file_flags(op->out.file);
	io.write = 1;
	file_io_start(ctx, &io);
#endif
}

/* --- the end --- */

/* Where an append went is known only afterwards. */
static __always_inline s64 appended_at(const struct file_io *io)
{
	s64 size = LOAD(struct inode, io->inode, i_size);

	return size >= io->ret ? size - io->ret : NO_OFFSET;
}

static __always_inline bool appends(u32 flags)
{
	return (flags & (FILEIO_APPEND | RWF_APPEND)) && !(flags & RWF_NOAPPEND);
}

/* The descriptor's file, seen again: another one, and the row says so. */
static __always_inline bool fd_changed(const struct io_side *side)
{
	return !sums_only && side->fd >= 0 && (u64)file_of_fd(side->fd) != side->file;
}

static __always_inline void end_side(void *ctx, struct file_io *io)
{
	if (!sums_only && io->write && io->ret > 0 && appends(io->flags) && has_offset(io->inode))
		io->offset = appended_at(io);
	COUNT(generated);
	file_io_end(ctx, io);
}

/* The system call @op returned @ret at @now. @io is room for what the command is told: zeroed. */
static __always_inline void end_op(void *ctx, struct io_op *op, struct file_io *io, s64 ret,
				   u64 now)
{
	bool copies = route_copies(op->route);

	if (op->iov) { /* the kernel has read them meanwhile, so they are there */
		op->asked = iov_length(op->iov, op->n_iov, op->compat);
		if (op->asked == NO_LENGTH) {
			op->asked = 0;
			op->flags |= FILEIO_ASKED_UNREAD;
		}
	}
	/* one place for both sides, for what file_io_end() does is large */
	for (int i = 0; i < 2; i++) {
		const struct io_side *side = i ? &op->out : &op->side;

		if (i && !copies)
			break;
		describe(io, op, side);
		if (copies)
			io->flags |= file_flags(side->file);
		if (fd_changed(side))
			io->flags |= FILEIO_FD_CHANGED;
		io->write = i || route_writes(op->route);
		io->ret = ret;
		io->lat_ns = now - op->start_ns;
		end_side(ctx, io);
	}
	op->route = 0;
}

/* How often any process has renamed or mounted something: paths that were resolved before may be
 * others now. Kept by programs whose calls include FILEIO_NAMES_CALLS. */
u32 names_changes;

static __always_inline void note_names_change(struct pt_regs *regs, long ret)
{
#ifdef FILE_IO_NAMES
	bool compat;

	if (ret >= 0 && syscall_entered(REGS_CALL(regs), &compat) >= CALL_NAMES_CHANGE)
		__sync_fetch_and_add(&names_changes, 1);
#endif
}

/* Is this the call that was parked, entered again? */
static __always_inline bool rejoins(const struct io_op *parked, u32 route, struct pt_regs *regs)
{
	return parked->route == route && parked->ip == REGS_IP(regs) && parked->sp == REGS_SP(regs);
}

#define SAME_PLACE(op, regs) ((op)->sp == REGS_SP(regs) && (op)->ip == REGS_IP(regs))

/* Of programs without one at entry: while no thread has a parked call, nobody looks for his. */
u32 n_parked;

static __always_inline void one_less_parked(void)
{
	if (sums_only)
		__sync_fetch_and_add(&n_parked, -1);
}

CURRENT_EVENT(fileio_thread_exit, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct io_state *st = fileio_of(task);
	struct file_io io = {};

	if (!st)
		return 0;
	if (st->parked.route) { /* a signal took it out of the call, and killed it */
		st->parked.flags |= FILEIO_KILLED;
		one_less_parked();
		end_op(ctx, &st->parked, &io, -EINTR, bpf_ktime_get_ns());
	}
	fileio_drop(task);
	return 0;
}

#ifndef FILE_IO_SUMS_ONLY
#include "bpf/fileio_calls.bpf.h"
#endif
#if defined(FILE_IO_SUMS_ONLY) || defined(FILE_IO_SUMS_IF)
#include "bpf/fileio_return.bpf.h"
#endif
#include "bpf/fileio_uring.bpf.h"

#endif
