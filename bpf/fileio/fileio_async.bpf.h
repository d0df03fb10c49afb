/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Operations that go on beside the thread that asked for them: a part of fileio.bpf.h, for io_uring
 * and libaio. Each is kept by a key that tells it while it is in flight.
 */
#ifndef IOSONDE_FILEIO_ASYNC_BPF_H
#define IOSONDE_FILEIO_ASYNC_BPF_H

struct async_io {
	u64 req; /* of io_uring; 0: it can't be looked at when it completes */
	struct io_op op;
	struct file_who who;
};

const volatile struct async_io async_zero;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64); /* address of the request, ring_key() or aio_key() */
	__type(value, struct async_io);
} async_ios SEC(".maps");

static __always_inline void side_of_file(struct io_side *side, u64 file)
{
	side->file = file;
	side->inode = file ? (u64)LOAD(struct file, file, f_inode) : 0;
}

/* The current thread's, described but for its beginning and by whom it was asked. NULL: no room. */
static __always_inline struct async_io *async_begin(u64 key, u32 route)
{
	struct async_io *u;

	bpf_map_update_elem(&async_ios, &key, (const void *)&async_zero, BPF_ANY);
	u = bpf_map_lookup_elem(&async_ios, &key);
	if (!u) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	u->op.route = route;
	current_who(&u->who);
	return u;
}

/* @u, which has @key, is over with @ret. @io is zeroed but for flags of its end. */
static __always_inline void async_end(void *ctx, u64 key, struct async_io *u, struct file_io *io,
				      s64 ret)
{
	u32 flags = io->flags;

	describe(io, &u->op, &u->op.side);
	io->flags |= flags;
	io->write = route_writes(u->op.route);
	io->ret = ret;
	io->lat_ns = bpf_ktime_get_ns() - u->op.start_ns;
	io->who = (u64)&u->who;
	end_side(ctx, io);
	bpf_map_delete_elem(&async_ios, &key);
}

#endif
