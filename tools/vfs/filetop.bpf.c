/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#define FILE_IO_NAMES
#define FILE_IO_SUMS_ONLY
#include "bpf/fileio.bpf.h"
#include "bpf/fileid.bpf.h"
#include "bpf/dirs.bpf.h"

#include "tools/vfs/filetop.h"

const volatile struct filetop_cfg cfg;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct filetop_key);
	__type(value, struct filetop_value);
} filetop_files SEC(".maps");

static __always_inline bool dir_listed(u32 fd)
{
	return fd_in_dirs(&cfg.dirs, fd);
}

static __always_inline bool unwanted(const struct file_io *io, u32 mode)
{
	return (!cfg.all && (mode & S_IFMT) != S_IFREG) || (cfg.reads && io->write) ||
	       (cfg.writes && !io->write);
}

/* Is that below none of the directories of -D? */
static __always_inline bool elsewhere(u64 mnt, u64 dentry)
{
	struct dir_walk *w = dir_above(mnt, dentry);

	return !w || !w->found_inode;
}

static __always_inline u64 row_of(const struct file_id *file, const u64 *comm)
{
	return mix(file->id ^ comm[0], comm[1]);
}

static __noinline struct filetop_value *row_begun(const struct filetop_key *key, u64 ids,
						  const u64 *comm, const struct file_id *file,
						  u32 mode)
{
	struct filetop_value value = { .pid = ids >> 32, .file = *file };

	value.kind = kind_of(mode);
	__builtin_memcpy(value.comm, comm, sizeof(value.comm));
	bpf_map_update_elem(&filetop_files, key, &value, BPF_NOEXIST);
	return bpf_map_lookup_elem(&filetop_files, key);
}

static __always_inline void add(struct filetop_value *value, const struct file_io *io)
{
	file_io_add(&value->sums, io);
	if (!cfg.asked)
		return;
	if (io->write)
		__sync_fetch_and_add(&value->write_asked, io->asked);
	else
		__sync_fetch_and_add(&value->read_asked, io->asked);
}

static __noinline int count_io(const struct file_io *io)
{
	u32 mode = inode_mode(io->inode);
	struct filetop_value *value;
	struct filetop_key key = {};
	struct file_id file = {};
	struct file_who who;

	if (unwanted(io, mode) || (cfg.dirs.given && elsewhere(file_mount(io), file_dentry(io)))) {
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
		value = row_begun(&key, who.ids, (u64 *)who.comm, &file, mode);
	if (!value) {
		COUNT(lost_state);
		return 0;
	}
	add(value, io);
	if (file_still(io))
		name_announce(file.id, file_mount(io), file_dentry(io), names_changes);
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
	struct inode *inode = file->f_inode;
	struct dentry *dentry = file->f_path.dentry;
	u32 mode = inode->i_mode;
	struct filetop_value *value;
	u64 comm[COMM_LEN / sizeof(u64)];
	struct filetop_key key;
	struct file_id id;

	if (cfg.dirs.given)
		return false;
	if (unwanted(io, mode)) {
		COUNT_EVENT(filtered);
		return true;
	}
	file_id_passed(&id, inode, file);
	key.epoch = epoch;
	key.tid = ids;
	task_comm(task, comm);
	key.row = row_of(&id, comm);
	value = bpf_map_lookup_elem(&filetop_files, &key);
	if (!value)
		value = row_begun(&key, ids, comm, &id, mode);
	if (!value) {
		COUNT_EVENT(lost_state);
		return true;
	}
	add(value, io);
	name_announce_once(&value->named, id.id, file, dentry, names_changes);
	COUNT_EVENT(emitted);
	return true;
}
