/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/rwsnoop.h"

const volatile struct rwsnoop_cfg cfg;

#define FILE_IO_SUMS_IF	  cfg.fold
#define FILE_IO_AIO_PROBE 3
#include "bpf/fileio/fileio_row.bpf.h"
#include "bpf/core/mix.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct rwsnoop_key);
	__type(value, struct rwsnoop_value);
} folded SEC(".maps");

struct memo_slot {
	u64 sums[1];
	struct rwsnoop_key key;
	struct rwsnoop_group group;
	struct comm_seen name; /* the group's, too */
};

#define MEMO_OF folded
#include "bpf/core/memo.bpf.h"

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

static __always_inline u64 group_row(const struct rwsnoop_group *group)
{
	u64 h = mix(group->ids, group->ret);

	h = mix(h, group->comm[0]);
	h = mix(h, group->comm[1]);
	h = mix(h, (u64)group->prio << 32 | group->uid);
	h = mix(h, (u64)group->fs << 32 | (u32)group->fd);
	return mix(h, group->route);
}

/* Counts one more of @group in the map. @key gets its key. False: there is no room. */
static __always_inline bool group_add(struct rwsnoop_key *key, struct rwsnoop_group *group,
				      struct file_system_type *fs, u32 now)
{
	struct rwsnoop_value *value;

	group->fs = address_low(fs);
	group->reserved = 0;
	key->epoch = now;
	key->tid = group->ids;
	key->row = group_row(group);
	value = bpf_map_lookup_elem(&folded, key);
	if (!value)
		value = group_begun(key, group, fs);
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
	struct rwsnoop_key key = {};
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
	return group_add(&key, &group, fs, epoch);
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	if (unwanted(io))
		COUNT(filtered);
	else if (!cfg.fold || !fold(io))
		row_emit(ctx, io, cfg.path);
}

static __always_inline u32 task_uid(struct task_struct *here)
{
	return HAVE_TASK_BTF() ? walkable(here)->cred->uid.val : bpf_get_current_uid_gid();
}

static __always_inline s32 task_prio(struct task_struct *here)
{
	return HAVE_TASK_BTF() ? here->prio : BPF_CORE_READ(here, prio);
}

static __always_inline bool same_group(const struct memo_slot *slot, const struct file_io *io,
				       struct task_struct *task, u64 ids,
				       struct file_system_type *fs)
{
	const struct rwsnoop_group *group = &slot->group;

	return group->ids == ids && group->ret == io->ret && group->fd == io->fd &&
	       group->route == (io->route << 1 | io->write) && group->prio == task_prio(task) &&
	       group->fs == address_low(fs) && group->uid == task_uid(task) &&
	       comm_seen_is(&slot->name, task);
}

/* Lets @slot stand for the group from now on. */
static __always_inline bool fold_held(struct memo_slot *slot, const struct file_io *io,
				      struct task_struct *task, u64 ids,
				      struct file_system_type *fs, u32 now)
{
	struct rwsnoop_group *group = &slot->group;

	memo_take(slot);
	group->ids = ids;
	group->uid = task_uid(task);
	group->prio = task_prio(task);
	comm_see(&slot->name, task);
	__builtin_memcpy(group->comm, slot->name.comm, sizeof(group->comm));
	describe_group(group, io);
	if (!group_add(&slot->key, group, fs, now)) {
		group->ids = 0; /* nobody's */
		return false;
	}
	COUNT(generated);
	return true;
}

static __always_inline bool fold_on(struct task_struct *task, const struct file_io *io,
				    struct file_system_type *fs, u64 ids)
{
	u32 now = epoch_now();
	struct memo_slot *slot;
	struct memo *memo;
	bool done = true;

	if (unwanted(io)) {
		COUNT_EVENT(filtered);
		return true;
	}
	memo = memo_enter(now);
	if (!memo)
		return false;
	slot = memo_slot(memo, ids ^ io->ret ^ io->fd);
	if (same_group(slot, io, task, ids, fs)) {
		slot->sums[0]++;
		memo->head.events++;
	} else {
		done = fold_held(slot, io, task, ids, fs, now);
	}
	memo_leave(memo);
	return done;
}

static __always_inline bool file_io_held(struct task_struct *task, const struct file_io *io,
					 struct file *file, u64 ids)
{
	return fold_on(task, io, file->f_inode->i_sb->s_type, ids);
}

static __always_inline void *file_io_word(struct file *file)
{
	return file->f_inode->i_sb->s_type;
}

static __always_inline bool file_io_handed(struct task_struct *task, const struct file_io *io,
					   u64 word, u64 ids)
{
	return fold_on(task, io, (struct file_system_type *)word, ids);
}
