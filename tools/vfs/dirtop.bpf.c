/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#define FILE_IO_NAMES
#define FILE_IO_SUMS_ONLY
#include "bpf/fileio.bpf.h"
#include "bpf/fileid.bpf.h"
#include "bpf/dirs.bpf.h"

#include "tools/vfs/dirtop.h"

const volatile struct dirtop_cfg cfg;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct dirtop_key);
	__type(value, struct dirtop_value);
} dirtop_dirs SEC(".maps");

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

	if (!w || !w->found_inode)
		return false;
	dir->mnt = w->found_mount + bpf_core_field_offset(struct mount, mnt);
	dir->dentry = w->found_dentry;
	dir->inode = w->found_inode;
	return true;
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
static __always_inline struct dirtop_value *value_of(const struct file_id *dir)
{
	struct dirtop_key key = { .epoch = epoch, .dir = dir->id };
	struct dirtop_value *value = bpf_map_lookup_elem(&dirtop_dirs, &key);

	return value ? value : row_begun(&key, dir);
}

static __noinline int count_io(const struct file_io *io)
{
	enum file_kind kind = kind_of(inode_mode(io->inode));
	struct dirtop_value *value;
	struct file_id id = {};
	struct place dir = {};

	if ((!cfg.all && kind != KIND_REG) || !find_dir(&dir, io)) {
		COUNT(filtered);
		return 0;
	}
	file_id_of(&id, dir.inode, 0);
	value = value_of(&id);
	if (!value) {
		COUNT(lost_state);
		return 0;
	}
	file_io_add(&value->sums, io);
	name_announce(id.id, dir.mnt, dir.dentry, names_changes);
	COUNT(emitted);
	return 0;
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	count_io(io);
}

static __always_inline bool file_io_held(struct task_struct *task, const struct file_io *io,
					 struct file *file, u64 ids)
{
	struct dentry *dentry = file->f_path.dentry, *parent;
	struct inode *inode = file->f_inode;
	struct vfsmount *mnt = file->f_path.mnt;
	struct dirtop_value *value;
	struct file_id id = {};

	if (!cfg.all && kind_of(inode->i_mode) != KIND_REG) {
		COUNT_EVENT(filtered);
		return true;
	}
	if (cfg.dirs.given || dentry == mnt->mnt_root)
		return false;
	parent = dentry->d_parent;
	inode = parent->d_inode;
	file_id_passed(&id, inode, NULL);
	value = value_of(&id);
	if (!value) {
		COUNT_EVENT(lost_state);
		return true;
	}
	file_io_add(&value->sums, io);
	name_announce_once(&value->named, id.id, file, parent, names_changes);
	COUNT_EVENT(emitted);
	return true;
}
