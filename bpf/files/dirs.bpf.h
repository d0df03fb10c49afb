/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Is a file below one of the directories that were named on the command line? Directories are
 * known by the address of their inode, which iosonde pins by holding them open: that is exact on
 * every filesystem, whatever device numbers or paths say. An iterator, read once at the start,
 * finds it.
 */
#ifndef IOSONDE_DIRS_BPF_H
#define IOSONDE_DIRS_BPF_H

#include "bpf/core/filter.bpf.h"
#include "bpf/files/path.bpf.h"

#include "bpf/files/dirs.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DIRS_MAX);
	__type(key, u64); /* address of the inode */
	__type(value, u32);
} dirs SEC(".maps");

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
} __attribute__((preserve_access_index));

/* Is @fd of iosonde one of cfg's? What a program file defines as fd_in_dirs(&cfg.dirs, fd). */
static __always_inline bool dir_listed(u32 fd);

static __always_inline bool fd_in_dirs(const volatile struct dirs_cfg *dirs, u32 fd)
{
	for (u32 i = 0; i < DIRS_MAX; i++)
		if (i < dirs->n && (u32)dirs->fd[i] == fd)
			return true;
	return false;
}

SEC("iter/task_file")
int dirs_find(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	u32 one = 1;
	u64 inode;

	if (!task || !file || task_ids(task) >> 32 != target.self_tgid || !dir_listed(ctx->fd))
		return 0;
	inode = (u64)file->f_inode;
	bpf_map_update_elem(&dirs, &inode, &one, BPF_ANY);
	return 0;
}

/* A walk up the tree: the outermost directory of the list that was met. */
struct dir_walk {
	u64 dentry;
	u64 mount;
	u64 found_dentry;
	u64 found_mount;
	u64 found_inode;
	u32 busy;
	u32 level; /* its place in the map */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEST_LEVELS);
	__type(key, u32);
	__type(value, struct dir_walk);
} dir_scratch SEC(".maps");

static __always_inline int dir_step(struct dir_walk *w)
{
	struct dentry *dentry = (void *)w->dentry, *parent;
	struct mount *mount = (void *)w->mount, *up;
	u64 inode = (u64)LOAD(struct dentry, dentry, d_inode);

	if (bpf_map_lookup_elem(&dirs, &inode)) {
		w->found_dentry = w->dentry;
		w->found_mount = w->mount;
		w->found_inode = inode;
	}
	if (dentry == LOAD(struct mount, mount, mnt.mnt_root)) {
		up = LOAD(struct mount, mount, mnt_parent);
		if (up == mount || !up)
			return 0;
		w->dentry = (u64)LOAD(struct mount, mount, mnt_mountpoint);
		w->mount = (u64)up;
		return 1;
	}
	parent = LOAD(struct dentry, dentry, d_parent);
	if (parent == dentry || !parent)
		return 0;
	w->dentry = (u64)parent;
	return 1;
}

static __always_inline struct dir_walk *dir_walk_at(u32 level)
{
	return bpf_map_lookup_elem(&dir_scratch, &level);
}

__noinline int dir_steps(u32 level)
{
	struct dir_walk *w = dir_walk_at(level);

	for (int i = 0; w && i < STEPS_AT_ONCE; i++)
		if (!dir_step(w))
			return 0;
	return w != NULL;
}

/* The first that nobody below us on this CPU uses. */
static __always_inline struct dir_walk *dir_walk_take(void)
{
	struct dir_walk *w;

	for (u32 level = 0; level < NEST_LEVELS; level++) {
		w = dir_walk_at(level);
		if (!w || w->busy)
			continue;
		w->busy = 1;
		w->level = level;
		return w;
	}
	return NULL;
}

static __always_inline void dir_done(struct dir_walk *w)
{
	w->busy = 0;
}

/*
 * The outermost listed directory above @dentry as mounted by @mnt; found_inode 0: none. To be given
 * back with dir_done().
 */
static __always_inline struct dir_walk *dir_above(u64 mnt, u64 dentry)
{
	struct dir_walk *w = dir_walk_take();

	if (!w)
		return NULL;
	w->dentry = dentry;
	w->mount = mnt - bpf_core_field_offset(struct mount, mnt);
	w->found_inode = 0;
	for (int i = 0; i < PATH_COMPONENTS / STEPS_AT_ONCE + 8; i++)
		if (!dir_steps(w->level))
			break;
	return w;
}

#endif
