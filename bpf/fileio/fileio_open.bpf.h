/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * How an operation of file I/O begins: a part of fileio.bpf.h. What a call asks for, by which
 * route and of which file, out of its registers.
 */
#ifndef IOSONDE_FILEIO_OPEN_BPF_H
#define IOSONDE_FILEIO_OPEN_BPF_H

struct user_iovec {
	u64 base;
	u64 len;
};

struct user_iovec32 {
	u32 base;
	u32 len;
};

/* MAX_RW_COUNT: more is never done at once, and it's no error to ask for it. */
#define BYTES_MAX 0x7ffff000ULL

static __always_inline u64 at_most(u64 asked, u64 most)
{
	return asked < most ? asked : most;
}

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
		sum += at_most(v[i].len, BYTES_MAX);
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
		sum += at_most(v[i].len, BYTES_MAX);
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
	return at_most(sum, BYTES_MAX);
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

/* What makes a write to the file a synchronous one, as the flags of a call that asks for that.
 * Apart: whoever calls this has no room left on the stack. */
static __noinline u32 file_sync_flags(const struct file_io *io)
{
	u64 file;
	u32 flags;

	if (!io || !has_offset(io->inode))
		return 0;
	file = file_still(io);
	flags = file ? LOAD(struct file, file, f_flags) : 0;
	if ((flags & O_SYNC) == O_SYNC)
		return RWF_SYNC;
	return flags & O_DSYNC ? RWF_DSYNC : 0;
}

static __always_inline void open_single(struct io_op *op, const struct syscall_args *args)
{
	u64 pos;

	side_of_fd(&op->side, args->a[0]);
	switch (op->route) {
	case ROUTE_READ:
	case ROUTE_WRITE:
		op->asked = at_most(args->a[2], BYTES_MAX);
		op->side.offset = own_position(&op->side);
		break;
	case ROUTE_PREAD:
	case ROUTE_PWRITE:
		op->asked = at_most(args->a[2], BYTES_MAX);
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

#define AT_EMPTY_PATH 0x1000

/* Is it about the descriptor itself? No name, or an empty one, is passed with it then. */
static __always_inline bool no_name(u64 user_name, u64 flags)
{
	char first = 0;

	if (!(flags & AT_EMPTY_PATH))
		return false;
	return !user_name ||
	       (!bpf_probe_read_user(&first, sizeof(first), (const void *)user_name) && !first);
}

/* An operation that moves no data. False: none of those that are followed. */
static __always_inline bool open_other(struct io_op *op, const struct syscall_args *args)
{
	op->asked = 0;
	op->side.offset = NO_OFFSET;
	if (route_opens(op->route)) {
		op->side.file = op->side.inode = 0;
		op->side.fd = -1;
		return true;
	}
	if (op->route == ROUTE_FSTATAT || op->route == ROUTE_FSTATAT64) {
		if (!no_name(args->a[1], args->a[3]))
			return false;
	} else if (op->route == ROUTE_STATX && !no_name(args->a[1], args->a[2])) {
		return false;
	}
	side_of_fd(&op->side, args->a[0]);
	return true;
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
		op->asked = at_most(args->a[3], BYTES_MAX);
	} else {
		side_of_fd(&op->side, args->a[0]);
		op->side.offset = position_at(&op->side, args->a[1], false);
		side_of_fd(&op->out, args->a[2]);
		op->out.offset = position_at(&op->out, args->a[3], false);
		op->asked = at_most(args->a[4], BYTES_MAX);
	}
}

/* Describes the call that @regs entered. False: it is none to follow, as its arguments show. */
static __always_inline bool open_op(struct io_op *op, u32 route, bool compat, struct pt_regs *regs)
{
	struct syscall_args args;

	op->route = route;
	op->compat = compat;
	op->flags = 0;
	op->iov = 0;
	syscall_args(regs, compat, &args);
	if (all_ops && route >= ROUTE_FSYNC) {
		if (open_other(op, &args))
			return true;
		op->route = 0;
		return false;
	}
	if (route_copies(route))
		open_copy(op, &args);
	else
		open_single(op, &args);
	return true;
}

#endif
