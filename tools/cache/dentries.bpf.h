/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Components of paths as they are looked for among the dentries in memory. lookup_fast() answers
 * most; what it doesn't is asked of d_lookup(), and then brought: by d_alloc_parallel(), or by
 * d_alloc() where a directory is locked. One component is one reference, however many of these saw
 * it. docs/dentries.md describes the whole. Who includes this defines the three that come first.
 */
#ifndef IOSONDE_DENTRIES_BPF_H
#define IOSONDE_DENTRIES_BPF_H

#include "bpf/core/filter.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/kernel/compat_page.bpf.h"

#include "tools/cache/dentries.h"

/* A reference; @dentry is what was found by lookup_fast(), or else found or made. */
static void dentry_seen_fast(void *ctx, u32 kind, u64 dentry);
static void dentry_seen_slow(void *ctx, u32 kind, u64 dentry);
/* One that was found, in @epoch, and then turned out to be valid no more: another one follows. */
static void dentry_unseen(u32 kind, u32 epoch);

struct dentries_state {
	/* d_lookup() didn't find this one */
	u64 parent;
	u64 name; /* address of its struct qstr */
	/* An open's last component, which the walk found negative: looked for again to be created.
	 */
	u64 negative_parent;
	u64 negative_name;
	u64 found; /* not by lookup_fast(), which asks whether it is valid */
	u32 found_kind;
	u32 found_epoch;
	u32 opening;
	u32 parallel; /* in d_alloc_parallel(), which calls d_alloc() */
};

TASK_STATE(dentries, struct dentries_state, 16384)

static __always_inline struct dentries_state *dentries_here(void)
{
	struct dentries_state *st = dentries_create(current_task());

	if (!st)
		COUNT(null_helper);
	return st;
}

#define IS_ERROR(address) ((address) >= (u64)-4095)

/* What a dentry in memory says of its name. */
static __always_inline u32 dentry_kind(const struct dentry *dentry)
{
	return dentry->d_inode ? DENTRY_POSITIVE : DENTRY_NEGATIVE;
}

/* --- the walk along a path --- */

static __always_inline void fast_done(void *ctx, struct nameidata *nd, struct dentry *found)
{
	struct dentries_state *st;
	u32 kind;

	if (!found || IS_ERROR((u64)found))
		return; /* the slow way follows, or the walk begins anew, or ends */
	kind = dentry_kind(found);
	if (kind == DENTRY_NEGATIVE && (st = dentries_of(current_task())) && st->opening) {
		st->negative_parent = address_of(nd->path.dentry);
		st->negative_name = address_of(&nd->last);
	}
	dentry_seen_fast(ctx, kind, (u64)found);
}

SEC("fexit/lookup_fast")
int BPF_PROG(dentry_fast, struct nameidata *nd, struct dentry *found)
{
	fast_done(ctx, nd, found);
	return 0;
}

/* Until 6.0. */
SEC("fexit/lookup_fast")
int BPF_PROG(dentry_fast_old, struct nameidata *nd, void *inode, void *seq, struct dentry *found)
{
	fast_done(ctx, nd, found);
	return 0;
}

/* --- what isn't found there --- */

static __always_inline void slow_found(void *ctx, struct dentries_state *st, struct dentry *dentry)
{
	u32 kind = dentry_kind(dentry);

	if (st) {
		st->found = address_of(dentry);
		st->found_kind = kind;
		st->found_epoch = epoch_now();
	}
	dentry_seen_slow(ctx, kind, (u64)dentry);
}

SEC("fexit/d_lookup")
int BPF_PROG(dentry_looked, struct dentry *parent, struct qstr *name, struct dentry *found)
{
	struct dentries_state *st = dentries_here();
	u64 in = address_of(parent), what = address_of(name);

	if (!found) {
		if (st) {
			st->parent = in;
			st->name = what;
		}
	} else if (st && st->negative_parent == in && st->negative_name == what) {
		st->negative_parent = 0; /* counted */
	} else {
		slow_found(ctx, st, found);
	}
	return 0;
}

SEC("fentry/d_alloc_parallel")
int BPF_PROG(dentry_parallel_in)
{
	struct dentries_state *st = dentries_here();

	if (st) {
		st->parent = 0;
		st->parallel = 1;
	}
	return 0;
}

static __always_inline void parallel_done(void *ctx, struct dentry *found, bool made)
{
	struct dentries_state *st = dentries_of(current_task());

	if (st)
		st->parallel = 0;
	if (made)
		dentry_seen_slow(ctx, DENTRY_MISSING, (u64)found);
	else /* another thread has just brought it */
		slow_found(ctx, st, found);
}

SEC("fexit/d_alloc_parallel")
int BPF_PROG(dentry_parallel, struct dentry *parent, struct qstr *name, struct dentry *found)
{
	if (!IS_ERROR((u64)found))
		parallel_done(ctx, found, dentry_in_lookup(found));
	return 0;
}

/* Until 7.0. */
SEC("fexit/d_alloc_parallel")
int BPF_PROG(dentry_parallel_wq, struct dentry *parent, struct qstr *name, void *wq,
	     struct dentry *found)
{
	if (!IS_ERROR((u64)found))
		parallel_done(ctx, found, dentry_waits_in(found, address_of(wq)));
	return 0;
}

/* For a name that d_lookup() has just not found: it is the filesystem that is asked next. */
SEC("fexit/d_alloc")
int BPF_PROG(dentry_alloc, struct dentry *parent, struct qstr *name, struct dentry *made)
{
	struct dentries_state *st = dentries_of(current_task());

	if (!st || st->parallel || !st->parent)
		return 0;
	if (st->parent == address_of(parent) && st->name == address_of(name) && made)
		dentry_seen_slow(ctx, DENTRY_MISSING, (u64)made);
	st->parent = 0;
	return 0;
}

/* The filesystem says that what was found is valid no more. */
SEC("fentry/d_invalidate")
int BPF_PROG(dentry_invalid, struct dentry *dentry)
{
	struct dentries_state *st = dentries_of(current_task());

	if (!st || !st->found || st->found != address_of(dentry))
		return 0;
	st->found = 0;
	dentry_unseen(st->found_kind, st->found_epoch);
	return 0;
}

/* --- opens, and the end --- */

SEC("fentry/path_openat")
int BPF_PROG(dentry_open_in)
{
	struct dentries_state *st = dentries_here();

	if (st) {
		st->opening = 1;
		st->negative_parent = 0;
	}
	return 0;
}

SEC("fexit/path_openat")
int BPF_PROG(dentry_open_done)
{
	struct dentries_state *st = dentries_of(current_task());

	if (st) {
		st->opening = 0;
		st->negative_parent = 0;
	}
	return 0;
}

CURRENT_EVENT(dentry_thread_done, "sched_process_exit")
{
	dentries_drop(current_task());
	return 0;
}

#endif
