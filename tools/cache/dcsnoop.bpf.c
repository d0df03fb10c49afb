/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A name that isn't in memory is shown when its filesystem has answered: the dentry that was made
 * for it gets an inode or becomes negative, or the one who asked gives up waiting for an answer.
 */
#include "bpf/calls/user_path.bpf.h"
#include "bpf/files/mounts.bpf.h"

#include "tools/cache/dentries.bpf.h"

const volatile struct dcsnoop_cfg cfg;

/* Names at a time, of one thread: filesystems on top of one another ask each other. */
#define ASKED 4

struct asked_state {
	u64 dentry[ASKED]; /* 0: none */
	u64 since_ns[ASKED];
};

TASK_STATE(asked, struct asked_state, 16384)

static __always_inline void name_emit(void *ctx, const struct dcsnoop_event *e, u64 dentry)
{
	struct dentry *named = (struct dentry *)dentry;
	struct wide_row *row = wide_take();
	struct dcsnoop_event *out;
	u64 pos = sizeof(*e), mount;

	if (!row)
		return;
	out = (void *)row->bytes;
	*out = *e;
	mount = mount_of((u64)BPF_CORE_READ(named, d_sb), dentry);
	if (mount)
		pos = wide_walked(row, pos, &out->path,
				  path_walk_from(&((struct mount *)mount)->mnt, named));
	out->path.flags &= ~VPATH_DELETED; /* not there yet, or not at all */
	pos = wide_stacks(ctx, row, pos, &out->kstack, &out->ustack);
	wide_emit(row, pos);
}

static __always_inline void name_row(void *ctx, u32 kind, u64 dentry, bool slow, u64 since_ns)
{
	struct dcsnoop_event e = { .kind = kind, .slow = slow };
	struct task_struct *task = current_task();
	u64 ids = ids_of(task);

	if (!target_match(ids))
		return;
	COUNT(generated);
	if (kind != DENTRY_MISSING && !cfg.all) {
		COUNT(filtered);
		return;
	}
	rec_init(&e.rec, REC_ROW);
	if (since_ns)
		e.lat_ns = e.rec.ts_ns - since_ns;
	e.pid = ids >> 32;
	e.tid = ids;
	e.mntns = task_mntns(task);
	task_user_and_comm(task, &e.uid, e.comm);
	name_emit(ctx, &e, dentry);
}

static __always_inline void dentry_seen_fast(void *ctx, u32 kind, u64 dentry)
{
	name_row(ctx, kind, address_of((void *)dentry), false, 0);
}

/* Of those asked for, the oldest gives way where there is no room: its answer was none. */
static __always_inline void ask(u64 dentry)
{
	struct asked_state *st;
	u64 left;

	if (!target_match(current_ids()))
		return;
	st = asked_create(current_task());
	if (!st) {
		COUNT_EVENT(lost_state);
		return;
	}
	left = st->dentry[ASKED - 1];
	for (int i = ASKED - 1; i > 0; i--) {
		st->dentry[i] = st->dentry[i - 1];
		st->since_ns[i] = st->since_ns[i - 1];
	}
	st->dentry[0] = dentry;
	st->since_ns[0] = bpf_ktime_get_ns();
	if (left)
		COUNT_EVENT(lost_end);
}

static __always_inline void dentry_seen_slow(void *ctx, u32 kind, u64 dentry)
{
	if (kind == DENTRY_MISSING)
		ask(address_of((void *)dentry));
	else
		name_row(ctx, kind, address_of((void *)dentry), true, 0);
}

static __always_inline void dentry_unseen(u32 kind, u32 epoch)
{
	/* its row has gone out; what follows is another */
}

static __always_inline void answered(void *ctx, u64 dentry)
{
	struct asked_state *st = asked_of(current_task());
	u64 since_ns = 0;

	if (!st)
		return;
	for (int i = 0; i < ASKED; i++) {
		if (st->dentry[i] != dentry)
			continue;
		since_ns = st->since_ns[i];
		st->dentry[i] = 0;
		break;
	}
	if (since_ns)
		name_row(ctx, DENTRY_MISSING, dentry, true, since_ns);
}

SEC("fentry/d_splice_alias")
int BPF_PROG(dcsnoop_spliced, struct inode *inode, struct dentry *dentry)
{
	answered(ctx, address_of(dentry));
	return 0;
}

/* From 6.16 on, of filesystems whose dentries differ among themselves: procfs. */
SEC("fentry/d_splice_alias_ops")
int BPF_PROG(dcsnoop_spliced_ops, struct inode *inode, struct dentry *dentry)
{
	answered(ctx, address_of(dentry));
	return 0;
}

SEC("fentry/d_add")
int BPF_PROG(dcsnoop_added, struct dentry *dentry, struct inode *inode)
{
	answered(ctx, address_of(dentry));
	return 0;
}

/* The filesystem had none, and said so by an error. */
SEC("fentry/__d_lookup_unhash_wake")
int BPF_PROG(dcsnoop_given_up, struct dentry *dentry)
{
	answered(ctx, address_of(dentry));
	return 0;
}

/* Until 5.18. */
SEC("fentry/__d_lookup_done")
int BPF_PROG(dcsnoop_given_up_old, struct dentry *dentry)
{
	answered(ctx, address_of(dentry));
	return 0;
}

CURRENT_EVENT(dcsnoop_thread_done, "sched_process_exit")
{
	struct asked_state *st = asked_of(current_task());

	for (int i = 0; st && i < ASKED; i++)
		if (st->dentry[i])
			COUNT_EVENT(lost_end);
	asked_drop(current_task());
	return 0;
}
