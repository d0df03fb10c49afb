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

const volatile struct filetop_value filetop_zero;

static __always_inline bool dir_listed(u32 fd)
{
	return fd_in_dirs(&cfg.dirs, fd);
}

static __always_inline bool unwanted(const struct file_io *io, enum file_kind kind)
{
	struct dir_walk *w;

	if ((!cfg.all && kind != KIND_REG) || (cfg.reads && io->write) ||
	    (cfg.writes && !io->write))
		return true;
	if (!cfg.dirs.given)
		return false;
	w = dir_above(file_mount(io), file_dentry(io));
	return !w || !w->found_inode;
}

static __always_inline struct filetop_value *value_of(const struct filetop_key *key)
{
	struct filetop_value *value = bpf_map_lookup_elem(&filetop_files, key);

	if (value)
		return value;
	bpf_map_update_elem(&filetop_files, key, (const void *)&filetop_zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&filetop_files, key);
}

static __noinline int count_io(const struct file_io *io)
{
	enum file_kind kind = kind_of(inode_mode(io->inode));
	struct filetop_value *value;
	struct filetop_key key = {};
	u64 bytes = io->ret > 0 ? io->ret : 0;
	struct file_who who;

	if (unwanted(io, kind)) {
		COUNT(filtered);
		return 0;
	}
	file_io_who(io, &who);
	key.epoch = epoch;
	key.tid = who.ids;
	key.pid = who.ids >> 32;
	key.kind = kind;
	__builtin_memcpy(key.comm, who.comm, sizeof(key.comm));
	if (io->inode)
		file_id_of(&key.file, io->inode, file_still(io));
	value = value_of(&key);
	if (!value) {
		COUNT(lost_state);
		return 0;
	}
	__sync_fetch_and_add(&value->count, 1);
	if (io->write) {
		__sync_fetch_and_add(&value->writes, 1);
		__sync_fetch_and_add(&value->write_bytes, bytes);
		__sync_fetch_and_add(&value->write_asked, io->asked);
	} else {
		__sync_fetch_and_add(&value->reads, 1);
		__sync_fetch_and_add(&value->read_bytes, bytes);
		__sync_fetch_and_add(&value->read_asked, io->asked);
	}
	if (io->ret < 0)
		__sync_fetch_and_add(&value->errors, 1);
	if (file_still(io))
		name_announce(key.file.id, file_mount(io), file_dentry(io), names_changes);
	COUNT(emitted);
	return 0;
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	count_io(io);
}
