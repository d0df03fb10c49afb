/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#define FILE_IO_NAMES
#define FILE_IO_SUMS_ONLY
#include "bpf/fileio/fileio.bpf.h"
#include "bpf/files/fileid.bpf.h"
#include "bpf/files/dirs.bpf.h"
#include "bpf/core/others.bpf.h"

#include "tools/vfs/dirtop.h"

const volatile struct dirtop_cfg cfg;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dirtop_key);
	__type(value, struct dirtop_value);
} dirtop_dirs SEC(".maps");

OTHERS_MAP(struct dirtop_value);

struct memo_slot {
	u64 sums[sizeof(struct fileio_sums) / sizeof(u64)];
	struct dirtop_key key;
	struct file_seen dir;
};

#define MEMO_OF dirtop_dirs
#include "bpf/core/memo.bpf.h"

static __always_inline bool dir_listed(u32 fd)
{
	return fd_in_dirs(&cfg.dirs, fd);
}

/* A directory in the tree of mounts. */
struct place {
	u64 mnt;
	u64 dentry;
	u64 inode;
};

/* The directory that a file is in: its name's parent, above the mount if a file is mounted. */
static __always_inline void parent_of(struct place *dir, const struct file_io *io)
{
	struct dentry *dentry = (void *)file_dentry(io), *parent;
	struct mount *mount = (void *)file_mount(io) - bpf_core_field_offset(struct mount, mnt),
		     *up;

	if (dentry == LOAD(struct mount, mount, mnt.mnt_root)) {
		up = LOAD(struct mount, mount, mnt_parent);
		dentry = LOAD(struct mount, mount, mnt_mountpoint);
		mount = up;
	}
	parent = LOAD(struct dentry, dentry, d_parent);
	dir->mnt = (u64)mount + bpf_core_field_offset(struct mount, mnt);
	dir->dentry = (u64)parent;
	dir->inode = (u64)LOAD(struct dentry, parent, d_inode);
}

/* The directory of those of -D that a file is below. False: none. */
static __always_inline bool listed_above(struct place *dir, u64 mnt, u64 dentry)
{
	struct dir_walk *w = dir_above(mnt, dentry);

	if (!w)
		return false;
	dir->mnt = w->found_mount + bpf_core_field_offset(struct mount, mnt);
	dir->dentry = w->found_dentry;
	dir->inode = w->found_inode;
	dir_done(w);
	return dir->inode != 0;
}

/* The directory that @io counts for. False: none. */
static __always_inline bool find_dir(struct place *dir, const struct file_io *io)
{
	if (!file_still(io))
		return false;
	if (cfg.dirs.given)
		return listed_above(dir, file_mount(io), file_dentry(io));
	parent_of(dir, io);
	return dir->inode != 0;
}

static __noinline struct dirtop_value *row_begun(const struct dirtop_key *key,
						 const struct file_id *dir)
{
	struct dirtop_value value = { .dir = *dir };

	bpf_map_update_elem(&dirtop_dirs, key, &value, BPF_NOEXIST);
	return bpf_map_lookup_elem(&dirtop_dirs, key);
}

/* The row of @dir. */
static __always_inline struct dirtop_value *value_of(const struct dirtop_key *key,
						     const struct file_id *dir)
{
	struct dirtop_value *value = bpf_map_lookup_elem(&dirtop_dirs, key);

	return value ? value : row_begun(key, dir);
}

/* Where the map has no room for its row. */
static __always_inline void add_other(u32 now, const struct file_io *io)
{
	struct dirtop_value *value = others_of(now);

	if (value)
		file_io_add(&value->sums, io);
}

static __noinline int count_io(const struct file_io *io)
{
	enum file_kind kind = kind_of(inode_mode(io->inode));
	struct dirtop_key key = { .epoch = epoch };
	struct dirtop_value *value;
	struct file_id id = {};
	struct place dir = {};

	if ((!cfg.all && kind != KIND_REG) || !find_dir(&dir, io)) {
		COUNT(filtered);
		return 0;
	}
	file_id_of(&id, dir.inode, 0);
	key.dir = id.id;
	value = value_of(&key, &id);
	if (!value) {
		add_other(key.epoch, io);
		return 0;
	}
	file_io_add(&value->sums, io);
	name_announce(id.id, dir.mnt, dir.dentry, names_changes);
	return 0;
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	count_io(io);
}

/* Counts for the directory @parent in the map, and lets @slot stand for it from now on. */
static __always_inline void count_held(struct memo_slot *slot, const struct file_io *io,
				       struct file *file, struct dentry *parent, u32 now)
{
	struct inode *inode = parent->d_inode;
	struct dirtop_value *value;
	struct file_id id = {};

	memo_take(slot);
	file_unseen(&slot->dir);
	file_id_passed(&id, inode, NULL);
	slot->key.epoch = now;
	slot->key.dir = id.id;
	value = value_of(&slot->key, &id);
	if (!value) {
		add_other(now, io);
		COUNT(generated);
		return;
	}
	file_io_add(&value->sums, io);
	name_announce_once(&value->named, id.id, file, parent, names_changes);
	file_seen_set(&slot->dir, inode, parent, names_changes);
	COUNT(generated);
}

static __always_inline bool file_io_held(struct task_struct *task, const struct file_io *io,
					 struct file *file, u64 ids)
{
	struct dentry *dentry = file->f_path.dentry, *parent;
	struct inode *inode = file->f_inode;
	struct vfsmount *mnt = file->f_path.mnt;
	struct memo_slot *slot;
	u32 now = epoch_now();
	struct memo *memo;
	u64 ino;

	if (!cfg.all && kind_of(inode->i_mode) != KIND_REG) {
		COUNT_EVENT(filtered);
		return true;
	}
	if (cfg.dirs.given || dentry == mnt->mnt_root)
		return false;
	parent = dentry->d_parent;
	inode = parent->d_inode;
	ino = inode->i_ino;
	memo = memo_enter(now);
	if (!memo)
		return false;
	slot = memo_slot(memo, ino);
	if (file_seen_is(&slot->dir, inode, ino, parent, names_changes)) {
		file_io_add_here((struct fileio_sums *)slot->sums, io);
		memo->head.events++;
	} else {
		count_held(slot, io, file, parent, now);
	}
	memo_leave(memo);
	return true;
}
