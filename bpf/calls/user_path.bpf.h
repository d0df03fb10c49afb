/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Names that programs pass to calls, and the absolute paths that they stand for. And rows of more
 * than a few kilobytes: they are put together in per-CPU memory.
 */
#ifndef IOSONDE_USER_PATH_BPF_H
#define IOSONDE_USER_PATH_BPF_H

#include "bpf/files/files.bpf.h"
#include "bpf/files/path.bpf.h"

#define STACK_BYTES (STACK_FRAMES * sizeof(u64))

/* VSTR_CUT if the string at @ptr of user memory, of which @n bytes were read, has more than @room.
 */
static __always_inline u32 name_cut(u64 ptr, long n, u32 room)
{
	char next = '\0';

	if (n == room)
		bpf_probe_read_user(&next, 1, (const char *)ptr + room - 1);
	return next ? VSTR_CUT : 0;
}

/*
 * Reads the name at @ptr of user memory into @buf (PATH_LEN bytes), which lies @off bytes into the
 * record. False: the page isn't there.
 */
static __always_inline bool user_name(char *buf, u64 ptr, u32 off, struct vstr *name)
{
	long n = bpf_probe_read_user_str(buf, PATH_LEN, (const char *)ptr);

	/* an empty name counts its NUL on newer kernels, and 0 on older ones */
	name->off = n >= 0 ? off | name_cut(ptr, n, PATH_LEN) : 0;
	name->len = n > 0 ? n - 1 : 0;
	return n >= 0;
}

/*
 * A row: what begins before WIDE_BYTES, a power of two, and takes at most WIDE_LAST bytes. Per-CPU
 * memory ends at 32 KiB; a command that needs all of it says so before it includes this.
 */
#define WIDE_BYTES (4 * PATH_LEN)
#ifndef WIDE_LAST
#define WIDE_LAST PATH_LEN
#endif

struct wide_row {
	char bytes[WIDE_BYTES + WIDE_LAST];
	u16 busy;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct wide_row);
} wide_rows SEC(".maps");

/* This CPU's row, to be given back with wide_emit(); NULL, counted as lost, while it is in use. */
static __always_inline struct wide_row *wide_take(void)
{
	u32 zero = 0;
	struct wide_row *row = bpf_map_lookup_elem(&wide_rows, &zero);

	if (!row || row->busy) {
		COUNT(lost_state);
		return NULL;
	}
	row->busy = 1;
	return row;
}

/* Appends the path that @w has found, described by @to (in the row), at @pos: the new end. */
static __always_inline u64 wide_walked(struct wide_row *row, u64 pos, struct vpath *to,
				       struct path_walk *w)
{
	u64 len;

	if (!w) {
		COUNT(null_helper);
		return pos;
	}
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	BOUND(pos, WIDE_BYTES - 1);
	to->off = pos;
	to->len = len;
	to->flags = w->flags;
	to->ino = w->ino;
	if (!bpf_probe_read_kernel(&row->bytes[pos], len, w->buf))
		pos += len;
	path_done(w);
	return pos;
}

/* Appends the absolute path of @at, described by @to (in the row), at @pos; returns the new end. */
static __always_inline u64 wide_path(struct wide_row *row, u64 pos, struct vpath *to,
				     const struct path *at)
{
	return wide_walked(row, pos, to, path_walk(at));
}

/* Appends the stack, described by @to (in the row), at @pos; returns the new end. */
static __always_inline u64 wide_stack(void *ctx, struct wide_row *row, u64 pos, struct vstack *to,
				      u64 flags)
{
	u32 head = flags & BPF_F_USER_STACK ? sizeof(u64) : 0;
	long n;

	pos += 7;
	BOUND(pos, (WIDE_BYTES - 1) & ~7);
	if (head)
		*(u64 *)&row->bytes[pos] = current_program();
	n = bpf_get_stack(ctx, &row->bytes[pos + head], STACK_BYTES, flags);
	if (n <= 0)
		return pos;
	to->off = pos;
	to->len = head + n;
	return pos + head + n;
}

/* Appends the stacks that were asked for (--kstack, --ustack). */
static __always_inline u64 wide_stacks(void *ctx, struct wide_row *row, u64 pos,
				       struct vstack *kstack, struct vstack *ustack)
{
	kstack->len = ustack->len = 0;
	if (engine.kstack)
		pos = wide_stack(ctx, row, pos, kstack, 0);
	if (engine.ustack)
		pos = wide_stack(ctx, row, pos, ustack, BPF_F_USER_STACK);
	return pos;
}

static __always_inline void wide_emit(struct wide_row *row, u64 size)
{
	BOUND(size, 2 * WIDE_BYTES - 1);
	if (size <= sizeof(row->bytes))
		emit(row->bytes, size);
	row->busy = 0;
}

#endif
