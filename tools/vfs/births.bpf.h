/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * When, and by whom, the files were made that came into being during the run. A file is its inode:
 * {device, number, generation}, on overlayfs that of the filesystem below.
 */
#ifndef IOSONDE_BIRTHS_BPF_H
#define IOSONDE_BIRTHS_BPF_H

#include "bpf/core/filter.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/files/path.bpf.h"

#define O_TMPFILE	0x400000U /* __O_TMPFILE: the bit without O_DIRECTORY */
#define OVERLAYFS_MAGIC 0x794c7630

struct life_key {
	u64 ino;
	u32 dev;
	u32 gen;
};

enum birth_flags {
	BIRTH_WANTED = 1 << 0,	/* the maker is a target */
	BIRTH_NO_NAME = 1 << 1, /* O_TMPFILE */
	BIRTH_LINKS = 1 << 2,	/* it lost a name before, and had more */
};

struct birth {
	u64 ts_ns;
	u32 pid;
	u32 flags; /* enum birth_flags */
	char comm[COMM_LEN];
};

/*
 * Most files stay, so what is oldest gives way. A file that dies after that counts as one that was
 * there before the run.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct life_key);
	__type(value, struct birth);
} births SEC(".maps");

/* What O_TMPFILE's files are called while they are open: there is nothing to walk when they go. */
struct birth_path {
	u32 len;
	u32 flags;
	char buf[PATH_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct life_key);
	__type(value, struct birth_path);
} birth_paths SEC(".maps");

const volatile struct birth_path no_birth_path;

static __always_inline void life_key_of(struct life_key *key, const struct inode *inode)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	key->ino = BPF_CORE_READ(inode, i_ino);
	key->dev = BPF_CORE_READ(sb, s_dev);
	key->gen = BPF_CORE_READ(inode, i_generation);
}

static __always_inline bool is_directory(const struct inode *inode)
{
	return (BPF_CORE_READ(inode, i_mode) & S_IFMT) == 0040000;
}

/* Who made a file. */
struct maker {
	u32 pid;
	u32 wanted; /* a target */
	char comm[COMM_LEN];
};

static __always_inline void maker_is_current(struct maker *maker)
{
	u64 ids = current_ids();

	maker->pid = ids >> 32;
	maker->wanted = target_match(ids);
	bpf_get_current_comm(maker->comm, sizeof(maker->comm));
}

/* @inode has just been made. */
static __always_inline void born(const struct inode *inode, const struct maker *maker, u32 flags)
{
	struct birth birth = { .ts_ns = bpf_ktime_get_ns(), .pid = maker->pid, .flags = flags };
	struct life_key key;

	if (maker->wanted)
		birth.flags |= BIRTH_WANTED;
	__builtin_memcpy(birth.comm, maker->comm, COMM_LEN);
	life_key_of(&key, inode);
	bpf_map_update_elem(&births, &key, &birth, BPF_ANY);
}

/* Keeps the path of a file without a name. */
static __always_inline void keep_path(const struct file *file, const struct inode *inode)
{
	struct path_walk *w = path_walk(&file->f_path);
	struct birth_path *path;
	struct life_key key;
	u64 len;

	if (!w) {
		COUNT(null_helper);
		return;
	}
	life_key_of(&key, inode);
	bpf_map_update_elem(&birth_paths, &key, (const void *)&no_birth_path, BPF_ANY);
	path = bpf_map_lookup_elem(&birth_paths, &key);
	if (path) {
		len = w->pos;
		BOUND(len, PATH_LEN - 1);
		path->len = len;
		path->flags = w->flags | VPATH_DELETED;
		bpf_probe_read_kernel(path->buf, len, w->buf);
	} else {
		COUNT(null_helper);
	}
	path_done(w);
}

/* The file that was opened as @fd: did that make it? @maker NULL: this thread. */
static __always_inline void opened(u32 fd, const struct maker *maker)
{
	const struct file *file = file_of_fd(fd), *real;
	const struct inode *inode;
	struct maker current;
	bool no_name;

	if (!file)
		return;
	no_name = BPF_CORE_READ(file, f_flags) & O_TMPFILE;
	if (!no_name && !(BPF_CORE_READ(file, f_mode) & FMODE_CREATED))
		return;
	inode = BPF_CORE_READ(file, f_inode);
	if (BPF_CORE_READ(inode, i_sb, s_magic) == OVERLAYFS_MAGIC) {
		real = overlay_real_file(file);
		if (real)
			inode = BPF_CORE_READ(real, f_inode);
	}
	if (no_name)
		keep_path(file, inode);
	if (!maker) {
		maker_is_current(&current);
		maker = &current;
	}
	born(inode, maker, no_name ? BIRTH_NO_NAME : 0);
}

#endif
