/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/rwsnoop.h"

const volatile struct rwsnoop_cfg cfg;

#define FILE_IO_SUMS_IF cfg.fold
#include "bpf/fileio_row.bpf.h"
#include "bpf/mix.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rwsnoop_key);
	__type(value, struct rwsnoop_value);
} folded SEC(".maps");

static __noinline struct rwsnoop_value *group_begun(const struct rwsnoop_key *key,
						    const struct rwsnoop_group *group,
						    struct file_system_type *fs)
{
	struct rwsnoop_value value = { .group = *group };

	if (fs)
		bpf_probe_read_kernel_str(value.fs, sizeof(value.fs),
					  LOAD(struct file_system_type, fs, name));
	bpf_map_update_elem(&folded, key, &value, BPF_NOEXIST);
	return bpf_map_lookup_elem(&folded, key);
}

/* False: there is no room. */
static __always_inline bool group_add(struct rwsnoop_group *group, struct file_system_type *fs)
{
	struct rwsnoop_key key = { .epoch = epoch, .tid = group->ids };
	struct rwsnoop_value *value;
	u64 h;

	/* the one operation on a pointer that verifiers take for a number */
	asm volatile("%0 = %1" : "=w"(group->fs) : "w"((u32)(u64)fs));
	group->reserved = 0;
	h = mix(group->ids, group->ret);
	h = mix(h, group->comm[0]);
	h = mix(h, group->comm[1]);
	h = mix(h, (u64)group->prio << 32 | group->uid);
	h = mix(h, (u64)group->fs << 32 | (u32)group->fd);
	key.row = mix(h, group->route);
	value = bpf_map_lookup_elem(&folded, &key);
	if (!value)
		value = group_begun(&key, group, fs);
	if (!value)
		return false;
	__sync_fetch_and_add(&value->count, 1);
	return true;
}

static __always_inline bool unwanted(const struct file_io *io)
{
	return (cfg.reads && io->write) || (cfg.writes && !io->write);
}

static __always_inline void describe_group(struct rwsnoop_group *group, const struct file_io *io)
{
	group->ret = io->ret;
	group->fd = io->fd;
	group->route = io->route << 1 | io->write;
}

/* By probe reads. */
static __noinline bool fold(const struct file_io *io)
{
	struct file_system_type *fs = NULL;
	struct rwsnoop_group group = {};
	struct super_block *sb;
	struct file_who who;

	file_io_who(io, &who);
	group.ids = who.ids;
	group.uid = who.uid;
	group.prio = who.prio;
	__builtin_memcpy(group.comm, who.comm, sizeof(group.comm));
	if (io->inode) {
		sb = LOAD(struct inode, io->inode, i_sb);
		fs = LOAD(struct super_block, sb, s_type);
	}
	describe_group(&group, io);
	return group_add(&group, fs);
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	if (unwanted(io))
		COUNT(filtered);
	else if (cfg.fold && fold(io))
		COUNT(emitted);
	else
		row_emit(ctx, io, cfg.path);
}

static __always_inline bool file_io_held(struct task_struct *task, const struct file_io *io,
					 struct file *file, u64 ids)
{
	struct rwsnoop_group group;

	if (unwanted(io)) {
		COUNT_EVENT(filtered);
		return true;
	}
	group.ids = ids;
	group.uid = task->cred->uid.val;
	group.prio = task->prio;
	task_comm(task, group.comm);
	describe_group(&group, io);
	if (!group_add(&group, file->f_inode->i_sb->s_type))
		return false;
	COUNT_EVENT(emitted);
	return true;
}
