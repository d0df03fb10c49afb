/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* From an inode, or its dentry, to a mount by which it is seen: for what has no struct path. */
#ifndef IOSONDE_MOUNTS_BPF_H
#define IOSONDE_MOUNTS_BPF_H

#include "bpf/kernel/compat_page.bpf.h"

#define MOUNTS_MAX 12 /* of one filesystem that are looked at */
#define LEVELS_MAX 64

/* Does @mount show the dentry at @dentry: is its root one of that one's parents? */
__noinline int mount_shows(u64 mount, u64 dentry)
{
	u64 root = (u64)BPF_CORE_READ((struct mount *)mount, mnt.mnt_root), at = dentry;

	for (int i = 0; i < LEVELS_MAX; i++) {
		u64 parent;

		if (at == root)
			return 1;
		parent = (u64)BPF_CORE_READ((struct dentry *)at, d_parent);
		if (parent == at || !parent)
			return 0;
		at = parent;
	}
	return 0;
}

/* Is it in a mount namespace at all? Those of the kernel's own (overlayfs) have an error there. */
static __always_inline bool is_mounted(u64 ns)
{
	return ns && ns < (u64)-4096;
}

/*
 * The mount by which the current process, or else anybody, sees the dentry at @dentry: its address;
 * 0: there is none.
 */
__noinline u64 mount_of(u64 sb, u64 dentry)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 own = (u64)BPF_CORE_READ(task, nsproxy, mnt_ns), mount = 0, other = 0;

	for (int i = 0; i < MOUNTS_MAX; i++) {
		u64 ns;

		mount = next_mount(sb, mount);
		if (!mount)
			break;
		ns = (u64)BPF_CORE_READ((struct mount *)mount, mnt_ns);
		if ((ns != own && (other || !is_mounted(ns))) || !mount_shows(mount, dentry))
			continue;
		if (ns == own)
			return mount;
		other = mount;
	}
	return other;
}

#endif
