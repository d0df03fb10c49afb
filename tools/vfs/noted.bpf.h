/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which inodes a call is about that takes names away, or makes a node: by functions and tracepoints
 * that are reached in its thread while it is under way. The alternatives are rungs of filelife's
 * ladder.
 */
#ifndef IOSONDE_NOTED_BPF_H
#define IOSONDE_NOTED_BPF_H

#include "tools/vfs/births.bpf.h"
#include "tools/vfs/names.bpf.h"

#define RENAME_EXCHANGE 2
#define N_NOTED		4
#define LINKS_UNKNOWN	(-1)

/* An inode that the call under way is about. */
struct noted {
	const struct inode *inode;
	struct life_key key;
	s64 left; /* links that it has if the call succeeds, or LINKS_UNKNOWN: look then */
};

struct life_state {
	struct names n; /* n.action: of a call that takes a name away */
	u32 makes;	/* a call that makes a node is under way: its type, S_IF... */
	u32 wanted;	/* a target's */
	u32 worker;	/* one of io_uring's threads: whose request it is, its completion tells */
	u32 n_noted;
	struct noted noted[N_NOTED];
};

TASK_STATE(lives, struct life_state, 1024)

/* The state of a call under way in this thread, or NULL. */
static __always_inline struct life_state *under_way(void)
{
	struct task_struct *task = current_task();
	struct life_state *st = lives_of(task);

	if (st)
		return st->n.action || st->makes || st->worker ? st : NULL;
	if (!(BPF_CORE_READ(task, flags) & PF_IO_WORKER))
		return NULL;
	st = lives_create(task);
	if (st)
		st->worker = 1;
	return st;
}

/* The call under way is about @inode, a file, which has @left links if it succeeds. */
static __always_inline void note(struct life_state *st, const struct inode *inode, s64 left)
{
	struct noted *noted = NULL;
	struct birth *birth;

	if (!inode || is_directory(inode))
		return;
	for (u32 i = 0; i < N_NOTED; i++) {
		if (i < st->n_noted && st->noted[i].inode == inode)
			noted = &st->noted[i];
	}
	if (!noted) {
		u64 at = st->n_noted;

		if (at >= N_NOTED)
			return;
		noted = &st->noted[at];
		st->n_noted = at + 1;
		noted->inode = inode;
		life_key_of(&noted->key, inode);
		birth = bpf_map_lookup_elem(&births, &noted->key);
		if (birth && !st->makes)
			birth->flags &= ~BIRTH_NO_NAME; /* it has one now, that is to go */
	}
	noted->left = left;
}

/* --- which file loses a name: by functions --- */

static __always_inline int loses_link(const struct inode *inode)
{
	struct life_state *st = under_way();

	if (st && inode)
		note(st, inode, (s64)BPF_CORE_READ(inode, i_nlink) - 1);
	return 0;
}

static __always_inline int renamed_over(const struct dentry *target, u32 flags)
{
	return flags & RENAME_EXCHANGE ? 0 : loses_link(BPF_CORE_READ(target, d_inode));
}

/* The new node of mknod(), which isn't the only dentry that gets an inode on the way there. */
static __always_inline int gets_inode(const struct inode *inode)
{
	struct life_state *st = under_way();

	if (st && inode && st->makes == (BPF_CORE_READ(inode, i_mode) & S_IFMT))
		note(st, inode, LINKS_UNKNOWN);
	return 0;
}

SEC("fentry/security_inode_unlink")
int BPF_PROG(life_unlink, struct inode *dir, struct dentry *dentry)
{
	return loses_link(BPF_CORE_READ(dentry, d_inode));
}

SEC("fentry/security_inode_rename")
int BPF_PROG(life_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir,
	     struct dentry *new_dentry, unsigned int flags)
{
	return renamed_over(new_dentry, flags);
}

SEC("fentry/security_d_instantiate")
int BPF_PROG(life_instantiate, struct dentry *dentry, struct inode *inode)
{
	return gets_inode(inode);
}

SEC("kprobe/security_inode_unlink")
int BPF_KPROBE(life_unlink_kp, struct inode *dir, struct dentry *dentry)
{
	return loses_link(BPF_CORE_READ(dentry, d_inode));
}

SEC("kprobe/security_inode_rename")
int BPF_KPROBE(life_rename_kp, struct inode *old_dir, struct dentry *old_dentry,
	       struct inode *new_dir, struct dentry *new_dentry, unsigned int flags)
{
	return renamed_over(new_dentry, flags);
}

SEC("kprobe/security_d_instantiate")
int BPF_KPROBE(life_instantiate_kp, struct dentry *dentry, struct inode *inode)
{
	return gets_inode(inode);
}

/* --- by a change of the inode's time, on any filesystem: since 6.13 --- */

static __always_inline int changes_time(const struct inode *inode)
{
	struct life_state *st = under_way();

	if (st && (!st->makes || st->makes == (BPF_CORE_READ(inode, i_mode) & S_IFMT)))
		note(st, inode, LINKS_UNKNOWN);
	return 0;
}

SEC("tp_btf/ctime_ns_xchg")
int BPF_PROG(life_unlink_ctime, struct inode *inode)
{
	return changes_time(inode);
}

SEC("tp_btf/ctime_xchg_skip")
int BPF_PROG(life_unlink_ctime_same, struct inode *inode)
{
	return changes_time(inode);
}

SEC("tp_btf/inode_set_ctime_to_ts")
int BPF_PROG(life_unlink_ctime_set, struct inode *inode)
{
	return changes_time(inode);
}

/* --- by ext4's tracepoints --- */

SEC("tp_btf/ext4_unlink_enter")
int BPF_PROG(life_unlink_ext4, struct inode *dir, struct dentry *dentry)
{
	return loses_link(BPF_CORE_READ(dentry, d_inode));
}

/* The only file without a link that a rename touches is the one that it replaces. */
SEC("tp_btf/ext4_mark_inode_dirty")
int BPF_PROG(life_rename_ext4, struct inode *inode)
{
	struct life_state *st = under_way();

	if (st && (st->n.action == NAMES_RENAME || st->worker) && !BPF_CORE_READ(inode, i_nlink))
		note(st, inode, 0);
	return 0;
}

SEC("tp_btf/ext4_allocate_inode")
int BPF_PROG(life_instantiate_ext4, struct inode *inode)
{
	return gets_inode(inode);
}

#endif
