/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Files in keys of aggregating maps: their identity, and their path, which is sent once per file
 * and interval, and again when something was renamed, mounted or deleted.
 */
#ifndef IOSONDE_FILEID_BPF_H
#define IOSONDE_FILEID_BPF_H

#include "bpf/core/core.bpf.h"
#include "bpf/core/mix.bpf.h"
#include "bpf/files/path.bpf.h"

#include "bpf/files/fileid.h"

#define BTRFS_SUPER_MAGIC     0x9123683E /* include/uapi/linux/magic.h */
#define OVERLAYFS_SUPER_MAGIC 0x794c7630

#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFBLK 0060000

/* What was sent, by file_id.id. The least used are forgotten, and sent again. */
struct name_sent {
	u64 dentry;
	u32 epoch;
	u32 changes; /* names_changes at that time */
	u32 deleted;
	u32 nth; /* names_total then */
};

/* How many names were sent. User space forgets the oldest, so each is sent again in time. */
u32 names_total;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u64);
	__type(value, struct name_sent);
} names_sent SEC(".maps");

struct name_out {
	struct rec_name e;
	char path[PATH_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEST_LEVELS);
	__type(key, u32);
	__type(value, struct name_out);
} name_scratch SEC(".maps");

static __always_inline enum file_kind kind_of(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return KIND_REG;
	case S_IFDIR:
		return KIND_DIR;
	case S_IFIFO:
		return KIND_FIFO;
	case S_IFSOCK:
		return KIND_SOCK;
	case S_IFCHR:
		return KIND_CHR;
	case S_IFBLK:
		return KIND_BLK;
	default:
		return KIND_OTHER;
	}
}

static __always_inline u64 file_id_mix(const struct file_id *id, u64 in_memory)
{
	u64 h = mix(mix(0, (u64)id->dev << 32 | id->gen), id->ino);

	return in_memory ? mix(h, in_memory) : h;
}

/* @inode's identity. @file: a struct file that has it open, or 0. */
static __always_inline void file_id_of(struct file_id *id, u64 inode, u64 file)
{
	struct super_block *sb = LOAD(struct inode, inode, i_sb);
	u64 magic = LOAD(struct super_block, sb, s_magic), in_memory = 0;

	if (magic == OVERLAYFS_SUPER_MAGIC && file) {
		struct file *real = overlay_real_file((struct file *)file);
		u64 below = real ? (u64)LOAD(struct file, real, f_inode) : 0;

		if (below) {
			inode = below;
			sb = LOAD(struct inode, inode, i_sb);
			magic = LOAD(struct super_block, sb, s_magic);
		}
	}
	/*
	 * Subvolumes share the device, snapshots even number and generation. The inode in memory is
	 * another one in each, and the number of its root can't be read without the module's types.
	 */
	if (magic == BTRFS_SUPER_MAGIC)
		in_memory = address_of((void *)inode);
	id->ino = LOAD(struct inode, inode, i_ino);
	id->dev = LOAD(struct super_block, sb, s_dev);
	id->gen = LOAD(struct inode, inode, i_generation);
	id->id = file_id_mix(id, in_memory);
}

static __noinline void file_id_walk(struct file_id *id, u64 inode, u64 file)
{
	file_id_of(id, inode, file);
}

/*
 * By what a file is known again where it was seen before (memo.bpf.h): while all of this is the
 * same, so is its file_id, and its path need not be announced. The inode may be another one by now
 * at the same address, hence its number. Not for overlayfs, where the real file may change.
 */
struct file_seen {
	u64 inode;
	u64 sb;
	u64 ino;
	u32 gen;
	u32 changes; /* names_changes when its path was announced */
	u64 named;   /* it had a name then */
};

static __always_inline bool has_name(struct dentry *dentry)
{
	return dentry->d_hash.pprev;
}

/* By plain loads. */
static __always_inline bool file_seen_is(const struct file_seen *seen, struct inode *inode, u64 ino,
					 struct dentry *dentry, u32 changes)
{
	return seen->ino == ino && seen->inode == (u64)inode && seen->gen == inode->i_generation &&
	       seen->sb == (u64)inode->i_sb && seen->changes == changes &&
	       seen->named == has_name(dentry);
}

static __always_inline void file_unseen(struct file_seen *seen)
{
	seen->inode = 0;
}

static __always_inline void file_seen_set(struct file_seen *seen, struct inode *inode,
					  struct dentry *dentry, u32 changes)
{
	struct super_block *sb = inode->i_sb;

	if (sb->s_magic != OVERLAYFS_SUPER_MAGIC)
		seen->inode = (u64)inode;
	seen->sb = (u64)sb;
	seen->ino = inode->i_ino;
	seen->gen = inode->i_generation;
	seen->changes = changes;
	seen->named = has_name(dentry);
}

static __always_inline bool needs_walk(u64 magic)
{
	return magic == OVERLAYFS_SUPER_MAGIC || magic == BTRFS_SUPER_MAGIC;
}

/* The same by plain loads, for an inode that was reached by such from one that is in use. */
static __always_inline void file_id_passed(struct file_id *id, struct inode *inode,
					   struct file *file)
{
	struct super_block *sb = inode->i_sb;

	id->dev = sb->s_dev;
	/* those that have no device of their own: overlayfs, btrfs and many others */
	if (id->dev < 1 << 20 && needs_walk(sb->s_magic)) {
		file_id_walk(id, (u64)inode, (u64)file);
		return;
	}
	id->ino = inode->i_ino;
	id->gen = inode->i_generation;
	id->id = file_id_mix(id, 0);
}

/* Sends what @id is called: the path of @dentry as mounted by @mnt. False: it wasn't sent. */
static __noinline bool name_send(u64 id, u64 mnt, u64 dentry, u32 changes)
{
	struct name_sent sent = { .dentry = dentry, .changes = changes };
	struct name_out *out;
	struct path_walk *w;
	u32 level;
	u64 len;
	bool told;

	w = path_walk_from((struct vfsmount *)mnt, (struct dentry *)dentry);
	level = w ? w->level : NEST_LEVELS;
	out = bpf_map_lookup_elem(&name_scratch, &level); /* as long as the walk is ours */
	if (!w || !out) {
		COUNT(null_helper);
		return false;
	}
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	rec_init(&out->e.rec, REC_NAME);
	out->e.id = id;
	out->e.path.off = sizeof(out->e);
	out->e.path.len = len;
	out->e.path.flags = w->flags;
	out->e.path.ino = w->ino;
	bpf_probe_read_kernel(out->path, len, w->buf);
	sent.deleted = !!(w->flags & VPATH_DELETED);
	sent.epoch = epoch;
	sent.nth = names_total;
	__sync_fetch_and_add(&names_total, 1); /* whose result 5.10 can't give */
	told = emit_uncounted(out, sizeof(out->e) + len);
	path_done(w);
	if (!told) {
		COUNT(null_helper); /* the next operation tries again */
		return false;
	}
	bpf_map_update_elem(&names_sent, &id, &sent, BPF_ANY);
	return true;
}

/*
 * Lets user space know the path of the file @id: what @dentry and @mnt say, unless it knows
 * already. @changes: names_changes, which tells that a path may be another one by now. False: it
 * doesn't know it.
 */
static __always_inline bool name_announce(u64 id, u64 mnt, u64 dentry, u32 changes)
{
	struct name_sent *sent = bpf_map_lookup_elem(&names_sent, &id);
	bool hashed;

	if (sent && sent->epoch == epoch && sent->changes == changes &&
	    *(volatile u32 *)&names_total - sent->nth < NAMES_KEPT / 2) {
		if (sent->dentry != dentry || sent->deleted)
			return true; /* a hard link: the name that was seen first stays */
		hashed = LOAD(struct dentry, dentry, d_hash.pprev) != NULL;
		if (hashed || LOAD(struct dentry, dentry, d_parent) == (void *)dentry)
			return true;
	}
	return name_send(id, mnt, dentry, changes);
}

static __noinline bool name_announce_apart(u64 id, u64 mnt, u64 dentry, u32 changes)
{
	return name_announce(id, mnt, dentry, changes);
}

/*
 * The same where each row remembers in @known what it has announced, which spares the look-up: 1 +
 * names_changes at that time. @dentry is @file's or its directory, both to be walked by plain
 * loads.
 */
static __always_inline void name_announce_once(u64 *known, u64 id, struct file *file,
					       struct dentry *dentry, u32 changes)
{
	u64 mnt;

	if (*known == changes + 1ULL && (dentry->d_hash.pprev || dentry->d_parent == dentry))
		return;
	mnt = (u64)file->f_path.mnt;
	if (name_announce_apart(id, mnt, (u64)dentry, changes))
		*known = changes + 1ULL;
}

#endif
