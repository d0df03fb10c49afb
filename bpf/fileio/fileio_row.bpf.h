/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From an operation on a file to its row in the ring. */
#ifndef IOSONDE_FILEIO_ROW_BPF_H
#define IOSONDE_FILEIO_ROW_BPF_H

#include "bpf/fileio/fileio.bpf.h"
#include "bpf/files/path.bpf.h"

#include "bpf/fileio/fileio_row.h"

#define ROW_STACK_BYTES (STACK_FRAMES * sizeof(u64))

struct fileio_out {
	struct fileio_row e;
	char data[2 * PATH_LEN + sizeof(u64) + ROW_STACK_BYTES];
	struct file_who who; /* the stack has no room for it */
	u32 busy;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEST_LEVELS);
	__type(key, u32);
	__type(value, struct fileio_out);
} fileio_scratch SEC(".maps");

/* The first that nobody below us on this CPU uses: libaio completes in interrupts. */
static __always_inline struct fileio_out *row_take(void)
{
	struct fileio_out *out;

	for (u32 level = 0; level < NEST_LEVELS; level++) {
		u32 at = level;

		out = bpf_map_lookup_elem(&fileio_scratch, &at);
		if (!out || out->busy)
			continue;
		out->busy = 1;
		return out;
	}
	return NULL;
}

static __always_inline void row_inode(struct fileio_row *e, const struct file_io *io)
{
	struct super_block *sb;
	struct file_system_type *type;

	e->fs[0] = 0;
	e->mode = inode_mode(io->inode);
	e->ino = e->dev = 0;
	if (!io->inode)
		return;
	sb = LOAD(struct inode, io->inode, i_sb);
	type = LOAD(struct super_block, sb, s_type);
	e->ino = LOAD(struct inode, io->inode, i_ino);
	e->dev = LOAD(struct super_block, sb, s_dev);
	bpf_probe_read_kernel_str(e->fs, sizeof(e->fs), LOAD(struct file_system_type, type, name));
}

/* Appends the path, as it is now. Returns the new end of the data. */
static __always_inline u64 row_path(struct fileio_out *out, const struct file_io *io)
{
	struct path_walk *w;
	u64 len;

	if (!file_still(io))
		return 0;
	w = path_walk_from((struct vfsmount *)file_mount(io), (struct dentry *)file_dentry(io));
	if (!w) {
		COUNT(null_helper);
		return 0;
	}
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	out->e.path.off = sizeof(out->e);
	out->e.path.len = len;
	out->e.path.flags = w->flags;
	out->e.path.ino = w->ino;
	if (bpf_probe_read_kernel(out->data, len, w->buf))
		len = 0;
	path_done(w);
	return len;
}

/* Appends the stack at @pos. Returns the new end. */
static __always_inline u64 row_stack(void *ctx, struct fileio_out *out, struct vstack *s, u64 pos,
				     u64 flags)
{
	u32 head = flags & BPF_F_USER_STACK ? sizeof(u64) : 0;
	long n;

	pos += 7;
	BOUND(pos, (2 * PATH_LEN - 1) & ~7);
	if (head)
		*(u64 *)&out->data[pos] = current_program();
	n = bpf_get_stack(ctx, &out->data[pos + head], ROW_STACK_BYTES, flags);
	if (n <= 0)
		return pos;
	s->off = sizeof(out->e) + pos;
	s->len = head + n;
	return pos + head + n;
}

/*
 * Writes the row of @io, with its path if @path, with stacks unless @ctx is NULL. Counts it if it
 * is lost.
 */
static __noinline void row_emit(void *ctx, const struct file_io *io, bool path)
{
	struct fileio_out *out = row_take();
	struct file_who *who;
	struct fileio_row *e;
	u64 pos = 0;

	if (!out) {
		COUNT(lost_state);
		return;
	}
	e = &out->e;
	who = &out->who;
	file_io_who(io, who);
	rec_init(&e->rec, REC_ROW);
	e->rec.ts_ns = io->start_ns + io->lat_ns;
	e->pid = who->ids >> 32;
	e->tid = who->ids;
	e->uid = who->uid;
	e->mntns = who->mntns;
	e->prio = who->prio;
	__builtin_memcpy(e->comm, who->comm, sizeof(e->comm));
	e->route = io->route;
	e->flags = io->flags;
	e->fd = io->fd;
	e->asked = io->asked;
	e->ret = io->ret;
	e->bytes = file_io_bytes(io);
	e->lat_ns = io->lat_ns;
	e->offset = io->offset;
	e->op = file_io_op(io);
	row_inode(e, io);
	__builtin_memset(&e->path, 0, sizeof(e->path));
	e->kstack.len = e->ustack.len = 0;
	if (path)
		pos = row_path(out, io);
	if (ctx && engine.kstack)
		pos = row_stack(ctx, out, &e->kstack, pos, 0);
	if (ctx && engine.ustack)
		pos = row_stack(ctx, out, &e->ustack, pos, BPF_F_USER_STACK);
	BOUND(pos, 2 * PATH_LEN - 1);
	emit(out, sizeof(*e) + pos);
	out->busy = 0;
}

#endif
