/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/filetop.h"

const volatile struct filetop_cfg cfg;

#define FILE_IO_NAMES
#define FILE_IO_SUMS_ONLY
#define FILE_IO_ASKED cfg.asked
#include "bpf/fileio/fileio.bpf.h"
#include "bpf/files/fileid.bpf.h"
#include "bpf/files/dirs.bpf.h"
#include "bpf/core/others.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 9728); /* with all else a quarter of what the usual tool takes */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct filetop_key);
	__type(value, struct filetop_value);
} filetop_files SEC(".maps");

OTHERS_MAP(struct filetop_value);

struct memo_slot {
	u64 sums[sizeof(struct filetop_sums) / sizeof(u64)];
	struct filetop_key key;
	u64 ids;
	struct comm_seen name;
	struct file_seen file;
};

#define MEMO_OF filetop_files
#include "bpf/core/memo.bpf.h"

static __always_inline bool dir_listed(u32 fd)
{
	return fd_in_dirs(&cfg.dirs, fd);
}

static __always_inline bool wrong_kind(u32 mode)
{
	return !cfg.all && (mode & S_IFMT) != S_IFREG;
}

static __always_inline bool wrong_way(const struct file_io *io)
{
	return (cfg.reads && io->write) || (cfg.writes && !io->write);
}

/* Is that below none of the directories of -D? */
static __always_inline bool elsewhere(u64 mnt, u64 dentry)
{
	struct dir_walk *w = dir_above(mnt, dentry);
	bool none;

	if (!w)
		return true;
	none = !w->found_inode;
	dir_done(w);
	return none;
}

static __always_inline u64 row_of(const struct file_id *file, const u64 *comm)
{
	return mix(file->id ^ comm[0], comm[1]);
}

static __noinline struct filetop_value *row_begun(const struct filetop_key *key, u64 ids,
						  const u64 *comm, const struct file_id *file,
						  u64 mode_and_mntns)
{
	struct filetop_value value = { .pid = ids >> 32, .file = *file };

	value.kind = kind_of((u32)mode_and_mntns);
	value.mntns = mode_and_mntns >> 32;
	__builtin_memcpy(value.comm, comm, sizeof(value.comm));
	bpf_map_update_elem(&filetop_files, key, &value, BPF_NOEXIST);
	return bpf_map_lookup_elem(&filetop_files, key);
}

static __always_inline void add(struct filetop_sums *sums, const struct file_io *io)
{
	file_io_add(&sums->io, io);
	if (!cfg.asked)
		return;
	if (io->write)
		__sync_fetch_and_add(&sums->write_asked, io->asked);
	else
		__sync_fetch_and_add(&sums->read_asked, io->asked);
}

/* Where the map has no room for its row. */
static __always_inline void add_other(u32 now, const struct file_io *io)
{
	struct filetop_value *value = others_of(now);

	if (value)
		add(&value->sums, io);
}

static __noinline int count_io(const struct file_io *io)
{
	u32 mode = inode_mode(io->inode);
	struct filetop_value *value;
	struct filetop_key key = {};
	struct file_id file = {};
	struct file_who who;

	if (wrong_kind(mode) || wrong_way(io) ||
	    (cfg.dirs.given && elsewhere(file_mount(io), file_dentry(io)))) {
		COUNT(filtered);
		return 0;
	}
	file_io_who(io, &who);
	if (io->inode)
		file_id_of(&file, io->inode, file_still(io));
	key.epoch = epoch;
	key.tid = who.ids;
	key.row = row_of(&file, (u64 *)who.comm);
	value = bpf_map_lookup_elem(&filetop_files, &key);
	if (!value)
		value = row_begun(&key, who.ids, (u64 *)who.comm, &file,
				  mode | (u64)who.mntns << 32);
	if (!value) {
		add_other(key.epoch, io);
		return 0;
	}
	add(&value->sums, io);
	if (file_still(io))
		name_announce(file.id, file_mount(io), file_dentry(io), names_changes);
	return 0;
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	count_io(io);
}

/* Counts in the memo, if that has the thread with @ids and the file. */
static __always_inline bool count_again(struct memo_slot *slot, const struct file_io *io,
					struct task_struct *task, u64 ids, struct inode *inode,
					u64 ino, struct dentry *dentry)
{
	struct filetop_sums *sums = (struct filetop_sums *)slot->sums;

	if (slot->ids != ids || !comm_seen_is(&slot->name, task) ||
	    !file_seen_is(&slot->file, inode, ino, dentry, names_changes))
		return false;
	file_io_add_here(&sums->io, io);
	if (cfg.asked) { /* one look at it */
		if (io->write)
			sums->write_asked += io->asked;
		else
			sums->read_asked += io->asked;
	}
	return true;
}

/* The row of @slot's thread and @file in the map, which @slot stands for from now on. */
static __noinline struct filetop_value *row_held(struct memo_slot *slot, struct task_struct *task,
						 struct file *file)
{
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode = file->f_inode;
	struct filetop_value *value;
	struct file_id id;

	if (!slot)
		return NULL;
	comm_see(&slot->name, task);
	file_id_passed(&id, inode, file);
	slot->key.tid = slot->ids;
	slot->key.row = row_of(&id, slot->name.comm);
	value = bpf_map_lookup_elem(&filetop_files, &slot->key);
	if (!value)
		value = row_begun(&slot->key, slot->ids, slot->name.comm, &id,
				  inode->i_mode | (u64)task_mntns(task) << 32);
	if (!value)
		return NULL;
	name_announce_once(&value->named, id.id, file, dentry, names_changes);
	file_seen_set(&slot->file, inode, dentry, names_changes);
	return value;
}

/* Counts in the map. */
static __always_inline void count_held(struct memo_slot *slot, const struct file_io *io,
				       struct task_struct *task, u64 ids, struct file *file,
				       u32 now)
{
	struct filetop_value *value;

	if (wrong_kind(file->f_inode->i_mode)) {
		COUNT_EVENT(filtered);
		return;
	}
	memo_take(slot);
	file_unseen(&slot->file);
	slot->key.epoch = now;
	slot->ids = ids;
	value = row_held(slot, task, file);
	if (!value) {
		add_other(now, io);
		COUNT(generated);
		return;
	}
	add(&value->sums, io);
	COUNT(generated);
}

static __always_inline bool file_io_held(struct task_struct *task, const struct file_io *io,
					 struct file *file, u64 ids)
{
	struct dentry *dentry = file->f_path.dentry;
	struct inode *inode = file->f_inode;
	u64 ino = inode->i_ino;
	u32 now = epoch_now();
	struct memo_slot *slot;
	struct memo *memo;

	if (cfg.some) {
		if (cfg.dirs.given)
			return false;
		if (wrong_way(io)) {
			COUNT_EVENT(filtered);
			return true;
		}
	}
	memo = memo_enter(now);
	if (!memo)
		return false;
	slot = memo_slot(memo, ino ^ ids);
	if (count_again(slot, io, task, ids, inode, ino, dentry))
		memo->head.events++;
	else
		count_held(slot, io, task, ids, file, now);
	memo_leave(memo);
	return true;
}
