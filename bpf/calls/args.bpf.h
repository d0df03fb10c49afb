/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Follows the walks that the engine made of arguments' names (bpf/calls/args.h), from the context
 * of a program at any kind of hook. What faults is absent.
 */
#ifndef IOSONDE_ARGS_BPF_H
#define IOSONDE_ARGS_BPF_H

#include "bpf/calls/args.h"
#include "bpf/files/path.bpf.h"

#define ARGS_ROOM 8192 /* of a record, a power of two: what begins before it */
#define ARGS_LAST PATH_LEN

/* A record that arguments are put into; programs nest. */
struct args_row {
	u64 ctx; /* of the program */
	u32 target;
	u32 pos; /* where the next thing goes */
	u32 busy;
	u32 level;
	char bytes[ARGS_ROOM + ARGS_LAST];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEST_LEVELS);
	__type(key, u32);
	__type(value, struct args_row);
} args_rows SEC(".maps");

/* By target. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct arg_walks);
} args_walks SEC(".maps");

static __always_inline struct args_row *args_row_at(u32 level)
{
	return bpf_map_lookup_elem(&args_rows, &level);
}

/* The first that nobody below us on this CPU uses; NULL: all are in use. */
static __always_inline struct args_row *args_row_take(void)
{
	for (u32 level = 0; level < NEST_LEVELS; level++) {
		struct args_row *row = args_row_at(level);

		if (!row || row->busy)
			continue;
		row->busy = 1;
		row->level = level;
		return row;
	}
	return NULL;
}

/* Kernel memory is the upper half of what can be addressed. */
static __always_inline bool is_kernel_address(u64 at)
{
	return (s64)at < 0;
}

static __always_inline long args_read(void *to, u32 size, u64 at)
{
	if (is_kernel_address(at))
		return bpf_probe_read_kernel(to, size, (const void *)at);
	return bpf_probe_read_user(to, size, (const void *)at);
}

/* What the walk's steps lead to. False: there is nothing. */
static __always_inline bool args_walked(const struct args_row *row, const struct arg_walk *walk,
					u64 *at)
{
	if (args_read(at, sizeof(*at), row->ctx + (s64)walk->at))
		return false;
	for (u32 i = 0; i < ARG_STEPS; i++) {
		if (i >= walk->n)
			break;
		if (args_read(at, sizeof(*at), *at + (s64)walk->step[i]))
			return false;
	}
	return true;
}

static __always_inline void args_number(const struct arg_walk *walk, u64 at, struct arg_slot *slot)
{
	u64 value = 0, size = walk->size;

	BOUND(size, 15);
	if (walk->kind == ARG_VALUE)
		value = at;
	else if (size > sizeof(value) || args_read(&value, size, at + (s64)walk->off))
		return;
	slot->number = value;
	slot->kind = 1;
}

static __always_inline void args_string(struct args_row *row, const struct arg_walk *walk, u64 at,
					struct arg_slot *slot)
{
	u64 pos = row->pos, size = walk->size;
	long n;

	BOUND(pos, ARGS_ROOM - 1);
	BOUND(size, 2 * ARG_TEXT - 1);
	at += (s64)walk->off;
	if (is_kernel_address(at))
		n = bpf_probe_read_kernel_str(&row->bytes[pos], size, (const void *)at);
	else
		n = bpf_probe_read_user_str(&row->bytes[pos], size, (const void *)at);
	if (n < 0)
		return;
	/* an empty one counts its NUL on newer kernels, and 0 on older ones */
	slot->str.len = n > 0 ? n - 1 : 0;
	slot->str.off = pos | (n == walk->size && walk->size == ARG_TEXT ? VSTR_CUT : 0);
	slot->kind = 1;
	row->pos = pos + (n & (2 * ARG_TEXT - 1));
}

static __always_inline void args_path(struct args_row *row, const struct arg_walk *walk, u64 at,
				      struct arg_slot *slot)
{
	struct path_walk *w;
	u64 pos = row->pos, len;

	if (!is_kernel_address(at))
		return;
	w = path_walk((const struct path *)(at + (s64)walk->off));
	if (!w) {
		COUNT(null_helper);
		return;
	}
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	BOUND(pos, ARGS_ROOM - 1);
	slot->path.off = pos;
	slot->path.len = len;
	slot->path.flags = w->flags;
	slot->path.ino = w->ino;
	if (!bpf_probe_read_kernel(&row->bytes[pos], len, w->buf)) {
		row->pos = pos + len;
		slot->kind = 1;
	}
	path_done(w);
}

/*
 * Argument @i of the row at @level. Global: the verifier takes it once. 1: there are no more; the
 * row's event begins with what ARGS_EVENT is.
 */
__noinline int args_take(u32 level, u32 i)
{
	struct args_row *row = args_row_at(level);
	struct arg_walks *walks;
	struct arg_walk *walk;
	struct arg_slot *slot;
	u32 target;
	u64 at = 0;

	if (!row)
		return 1;
	target = row->target;
	walks = bpf_map_lookup_elem(&args_walks, &target);
	if (!walks || i >= ARGS_MAX || i >= walks->n)
		return 1;
	walk = &walks->walk[i];
	slot = &((ARGS_EVENT *)row->bytes)->args[i];
	slot->kind = 0;
	if (row->pos >= ARGS_ROOM) {
		COUNT(null_helper);
		return 0;
	}
	if (!walk->kind || !args_walked(row, walk, &at))
		return 0;
	if (walk->kind == ARG_STRING)
		args_string(row, walk, at, slot);
	else if (walk->kind == ARG_PATH)
		args_path(row, walk, at, slot);
	else
		args_number(walk, at, slot);
	return 0;
}

/* All arguments of the target; returns how many. */
static __always_inline u32 args_take_all(struct args_row *row)
{
	u32 level = row->level, i;

	for (i = 0; i < ARGS_MAX; i++)
		if (args_take(level, i))
			break;
	return i;
}

/* What the call returned, whose context is @ctx; false: nothing. */
static __always_inline bool args_return(u64 ctx, u32 target, s64 *ret)
{
	struct arg_walks *walks = bpf_map_lookup_elem(&args_walks, &target);

	return walks && walks->ret_at >= 0 &&
	       !bpf_probe_read_kernel(ret, sizeof(*ret), (const void *)(ctx + walks->ret_at));
}

#endif
