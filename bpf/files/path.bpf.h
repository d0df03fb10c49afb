/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * From a struct path to its full name, in the kernel, at event time: leaf first, across mounts, to
 * the root of the mount tree (beyond a chroot). One step is a global function, which the verifier
 * takes once; a plain loop of this body would exceed its million instructions.
 */
#ifndef IOSONDE_PATH_BPF_H
#define IOSONDE_PATH_BPF_H

#include "bpf/core/core.bpf.h"

#define NAME_ROOM	256  /* NAME_MAX and a NUL */
#define PATH_COMPONENTS 2048 /* what fits PATH_LEN: one character and a slash each */

#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFIFO	 0010000

struct path_walk {
	u64 dentry;
	u64 mount;
	u32 pos;
	u32 flags; /* enum vpath_flags */
	u32 ino;   /* of a pipe or socket */
	u32 busy;
	u32 level; /* its place in the map: NEST_LEVELS */
	u32 reserved;
	char buf[PATH_LEN + NAME_ROOM];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEST_LEVELS);
	__type(key, u32);
	__type(value, struct path_walk);
} path_scratch SEC(".maps");

static __always_inline struct path_walk *path_walk_at(u32 level)
{
	return bpf_map_lookup_elem(&path_scratch, &level);
}

/*
 * Is @mount, which has no parent, the root of a namespace? Else it is open_tree()'s or fsmount()'s
 * and attached nowhere, unmounted lazily, or the kernel's own (MNT_NS_INTERNAL, an error pointer).
 */
static __always_inline bool mount_is_attached(struct mount *mount)
{
	u64 ns = (u64)LOAD(struct mount, mount, mnt_ns);

	return ns && ns < -4095ULL && mnt_ns_is_named((struct mnt_namespace *)ns);
}

/* Adds one component, or crosses one mount. Returns 0 when the walk is over. */
static __always_inline int path_step(struct path_walk *w)
{
	struct dentry *dentry, *parent;
	struct mount *mount, *up;
	u64 pos;
	long n;

	dentry = (void *)w->dentry;
	mount = (void *)w->mount;
	if (dentry == LOAD(struct mount, mount, mnt.mnt_root)) {
		up = LOAD(struct mount, mount, mnt_parent);
		if (up == mount || !up) {
			w->flags |= VPATH_ABSOLUTE;
			if (!mount_is_attached(mount))
				w->flags |= VPATH_UNREACHABLE;
			return 0;
		}
		w->dentry = (u64)LOAD(struct mount, mount, mnt_mountpoint);
		w->mount = (u64)up;
		return 1;
	}
	parent = LOAD(struct dentry, dentry, d_parent);
	if (parent == dentry || !parent)
		return 0; /* disconnected: opened by handle, or the walk raced with an unmount */
	pos = w->pos;
	if (pos >= PATH_LEN - 1) {
		w->flags |= VPATH_TRUNCATED;
		return 0;
	}
	BOUND(pos, PATH_LEN - 1);
	n = bpf_probe_read_kernel_str(&w->buf[pos], NAME_ROOM, BPF_CORE_READ(dentry, d_name.name));
	if (n <= 0)
		return 0;
	if (pos + n > PATH_LEN - 1) {
		w->flags |= VPATH_TRUNCATED;
		return 0;
	}
	w->pos = pos + n;
	w->dentry = (u64)parent;
	return 1;
}

/*
 * The same for this CPU's walk at @level. Global, as the next one: the verifier takes a step once,
 * and then a few calls of it, and a few of those, instead of two thousand steps.
 */
__noinline int path_step_here(u32 level)
{
	struct path_walk *w = path_walk_at(level);

	return w ? path_step(w) : 0;
}

#define STEPS_AT_ONCE 48
__noinline int path_steps(u32 level)
{
	for (int i = 0; i < STEPS_AT_ONCE; i++)
		if (!path_step_here(level))
			return 0;
	return 1;
}

/* A pipe, socket or anonymous inode: its kind or name as the only component. */
static __always_inline void path_pseudo(struct path_walk *w, struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	u16 mode = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	long n;

	w->flags |= VPATH_PSEUDO;
	if (mode == S_IFIFO) {
		__builtin_memcpy(w->buf, "pipe", 5);
		w->pos = 5;
		w->ino = BPF_CORE_READ(inode, i_ino);
	} else if (mode == S_IFSOCK) {
		__builtin_memcpy(w->buf, "socket", 7);
		w->pos = 7;
		w->ino = BPF_CORE_READ(inode, i_ino);
	} else {
		n = bpf_probe_read_kernel_str(w->buf, NAME_ROOM,
					      BPF_CORE_READ(dentry, d_name.name));
		w->pos = n > 0 ? n : 0;
	}
}

/* The first that nobody below us on this CPU uses. */
static __always_inline struct path_walk *path_walk_take(void)
{
	struct path_walk *w;

	for (u32 level = 0; level < NEST_LEVELS; level++) {
		w = path_walk_at(level);
		if (!w || w->busy)
			continue;
		w->busy = 1;
		w->level = level;
		return w;
	}
	return NULL;
}

/*
 * Walks from @dentry as mounted by @mnt. Returns scratch of this CPU with buf[0..pos) set, to be
 * given back with path_done(), or NULL when all of it is in use below us.
 */
static __always_inline struct path_walk *path_walk_from(struct vfsmount *mnt, struct dentry *dentry)
{
	struct path_walk *w = path_walk_take();

	if (!w)
		return NULL;
	w->pos = w->flags = w->ino = 0;
	if (!dentry || !mnt)
		return w;
	w->dentry = (u64)dentry;
	w->mount = (u64)mnt - bpf_core_field_offset(struct mount, mnt);
	if (BPF_CORE_READ(dentry, d_parent) == dentry) {
		if (dentry != BPF_CORE_READ(mnt, mnt_root)) {
			path_pseudo(w, dentry);
			return w;
		}
	} else if (!BPF_CORE_READ(dentry, d_hash.pprev)) {
		w->flags |= VPATH_DELETED;
	}
	for (int i = 0; i < PATH_COMPONENTS / STEPS_AT_ONCE + 2; i++) /* 64 mounts crossed, too */
		if (!path_steps(w->level))
			break;
	return w;
}

/* The same from the struct path at @at (kernel memory). */
static __always_inline struct path_walk *path_walk(const struct path *at)
{
	return path_walk_from(BPF_CORE_READ(at, mnt), BPF_CORE_READ(at, dentry));
}

static __always_inline void path_done(struct path_walk *w)
{
	w->busy = 0;
}

#endif
