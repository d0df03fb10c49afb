/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The one source of file I/O: which thread did what to which file, by which route, how much it
 * asked for and got, in what time. A program file that includes this defines
 *
 *	static __always_inline void file_io_end(void *ctx, const struct file_io *io);
 *
 * which is called once per file and operation when it is over: twice for sendfile(), splice() and
 * copy_file_range(), which read one file and write another. Its descriptor takes FILEIO_CALLS and
 * FILEIO_PROBES from fileio.h; its enum of calls is fileio_route. One that remembers
 * paths defines FILE_IO_NAMES, and adds FILEIO_NAMES_CALLS. One that shows opens, fsyncs and
 * fstats, too, defines FILE_IO_ALL_OPS, adds FILEIO_OPS_CALLS, and takes FILEIO_OPS_PROBES.
 *
 * One that only counts defines FILE_IO_SUMS_ONLY: it gets no times, offsets and flags of the file,
 * which cost a read of the clock or of kernel memory each, and no program stands where calls are
 * entered (fileio_return.bpf.h). It takes FILEIO_SUMS_PROBES and also defines
 *
 *	static __always_inline bool file_io_held(struct task_struct *task,
 *						 const struct file_io *io, struct file *file,
 *						 u64 ids);
 *
 * for the most frequent calls. @file can be walked by plain loads; @task is current_task(), and
 * @ids are current_ids(). What the caller asked for is told where FILE_IO_ASKED, if it is defined,
 * is true. It counts the operation as generated, too, or returns false, and file_io_end() is
 * called. A command that can do either defines FILE_IO_SUMS_IF as the condition.
 *
 * FILE_IO_AIO_PROBE is the place of the probe "libaio" in the descriptor's table, unless it is 2.
 *
 * One that keeps something of its own of each operation under way defines FILE_IO_KEEPS, the name
 * of a struct, which is zeroed where a call is entered: fileio_of(task)->op.kept. One that follows
 * system calls alone, neither io_uring nor libaio, defines FILE_IO_CALLS_ONLY.
 *
 * Operations of system calls are counted as generated here; file_io_end() counts those
 * that it leaves out, or has no room for.
 */
#ifndef IOSONDE_FILEIO_BPF_H
#define IOSONDE_FILEIO_BPF_H

#include "bpf/core/filter.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/calls/aio.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"

#include "bpf/fileio/fileio.h"

#define S_IFMT	0170000
#define S_IFREG 0100000
#define S_IFBLK 0060000

#define O_APPEND 00002000
#define O_DSYNC	 00010000
#define O_SYNC	 04010000 /* contains O_DSYNC's bit */
#if defined(__TARGET_ARCH_arm64)
#define O_DIRECT 00200000
#else
#define O_DIRECT 00040000
#endif

#define RWF_DSYNC    0x02 /* include/uapi/linux/fs.h */
#define RWF_SYNC     0x04
#define RWF_APPEND   0x10
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
	u32 mntns;
	u32 reserved;
	char comm[COMM_LEN] __attribute__((aligned(8)));
};

#ifdef FILE_IO_ALL_OPS
#define all_ops true
#else
#define all_ops false
#endif

#ifdef FILE_IO_SUMS_ONLY
#define sums_only true

/* The same for sums that nobody else adds to. */
static __always_inline void file_io_add_here(struct fileio_sums *sums, const struct file_io *io)
{
	u64 bytes = io->ret;

	if (io->ret < 0) {
		sums->errors++;
		bytes = 0;
	}
	sums->count++;
	if (io->write) {
		sums->writes++;
		sums->write_bytes += bytes;
	} else {
		sums->reads++;
		sums->read_bytes += bytes;
	}
}

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
#ifdef FILE_IO_KEEPS
	struct FILE_IO_KEEPS kept;
#endif
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
	who->reserved = 0;
	who->mntns = current_mntns();
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
	       (route >= ROUTE_URING_READ && route <= ROUTE_AIO_WRITEV && !(route & 1));
}

/* A call by which libaio's operations are submitted or collected, and none itself? */
static __always_inline bool call_is_aio(u32 call)
{
	return call >= CALL_IO_SUBMIT && call <= CALL_IO_PGETEVENTS64;
}

static __always_inline bool call_is_operation(u32 call)
{
	return call < CALL_NAMES_CHANGE && !call_is_aio(call);
}

static __always_inline bool route_copies(u32 route)
{
	return route >= ROUTE_SENDFILE && route <= ROUTE_COPY_FILE_RANGE;
}

static __always_inline bool route_opens(u32 route)
{
	return all_ops && ((route >= ROUTE_OPEN && route <= ROUTE_OPEN_BY_HANDLE) ||
			   route == ROUTE_URING_OPENAT || route == ROUTE_URING_OPENAT2);
}

/* enum fileio_op */
static __always_inline u32 file_io_op(const struct file_io *io)
{
	u32 route = io->route;

	if (!all_ops || route < ROUTE_FSYNC)
		return io->write;
	if (route_opens(route))
		return FILEIO_OPEN;
	return route >= ROUTE_FSTAT && route <= ROUTE_STATX ? FILEIO_GETATTR : FILEIO_FSYNC;
}

/* Bytes that came or went: of an open, what it returns is a descriptor. */
static __always_inline u64 file_io_bytes(const struct file_io *io)
{
	return io->ret > 0 && file_io_op(io) <= FILEIO_WRITE ? io->ret : 0;
}

_Static_assert(!(ROUTE_WRITE & 1) && !(ROUTE_PWRITEV2 & 1) && !(ROUTE_URING_WRITE & 1) &&
		       !(ROUTE_URING_WRITE_FIXED & 1) && ROUTE_URING_READ & 1 &&
		       !(ROUTE_AIO_WRITE & 1) && !(ROUTE_AIO_WRITEV & 1),
	       "route_writes() tells by the lowest bit");

#include "bpf/fileio/fileio_open.bpf.h"

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
	if (!sums_only && io->write)
		io->flags |= file_sync_flags(io);
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
	if (route_opens(op->route)) {
		op->side.file = op->side.inode = 0;
		if (ret >= 0)
			side_of_fd(&op->side, ret);
		op->flags |= file_flags(op->side.file);
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

/*
 * A name that was seen before, and is still the same while @changes is. It is compared where that
 * takes loads; where it takes a call, before 5.11, it is counted how often any thread got another
 * name, or ended, so that its number may be another one's.
 */
struct comm_seen {
	u64 comm[COMM_LEN / sizeof(u64)];
	u64 changes;
};

u32 comm_changes;

static __always_inline void comm_see(struct comm_seen *seen, struct task_struct *here)
{
	if (!HAVE_TASK_BTF())
		seen->changes = comm_changes;
	task_comm(here, seen->comm);
}

static __always_inline bool comm_seen_is(const struct comm_seen *seen, struct task_struct *here)
{
	const u64 *now;

	if (!HAVE_TASK_BTF())
		return seen->changes == comm_changes;
	now = (const u64 *)here->comm;
	return now[0] == seen->comm[0] && now[1] == seen->comm[1];
}

CURRENT_EVENT(fileio_thread_exit, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct io_state *st = fileio_of(task);
	struct file_io io = {};

	if (!HAVE_TASK_BTF())
		__sync_fetch_and_add(&comm_changes, 1);
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

/* The stack of a program has no room for them beside what the command needs. */
struct returned {
	struct io_op op;
	struct file_io io; /* its who is 0, but while an operation of libaio is told */
	struct user_io_result result;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct returned);
} fileio_returned SEC(".maps");

#ifdef FILE_IO_CALLS_ONLY
static __always_inline bool aio_call_left(struct pt_regs *regs, s64 ret)
{
	return false;
}
#else
#include "bpf/fileio/fileio_async.bpf.h"
#include "bpf/fileio/fileio_aio.bpf.h"
#endif
#ifndef FILE_IO_SUMS_ONLY
#include "bpf/fileio/fileio_calls.bpf.h"
#endif
#if defined(FILE_IO_SUMS_ONLY) || defined(FILE_IO_SUMS_IF)
#include "bpf/fileio/fileio_return.bpf.h"
#endif
#ifndef FILE_IO_CALLS_ONLY
#include "bpf/fileio/fileio_uring.bpf.h"
#endif

#endif
