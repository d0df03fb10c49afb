/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who wrote what: for each page of each file that was written while we watched, the process that
 * wrote to it last. A claim is made where the filesystem takes the bytes (ext4, iomap), where a
 * write call returns, or where a clean page becomes dirty, which is all that mappings tell.
 *
 * Claims are kept in chunks of pages, so that neighbours share one entry; the least recently used
 * chunks go when there are too many, and their bytes are unknown then. A file has a number of its
 * own for as long as its inode is in memory, so that an inode's address or number used again is
 * another file. Its path is sent to user space once, when it is first met: later it may be gone.
 */
#ifndef IOSONDE_CLAIMS_BPF_H
#define IOSONDE_CLAIMS_BPF_H

#include "bpf/attribution/attribution.h"
#include "bpf/kernel/compat_page.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/files/mounts.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/files/path.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#define CHUNK_PAGES   16
#define CHUNKS_A_CALL 64  /* of one claim: what one global function does */
#define CLAIM_CALLS   256 /* a single write claims up to 1 GiB */
#define BY_RANGE      (1U << 31)
#define S_IFREG	      0100000
#define S_IFBLK	      0060000
#define O_APPEND      00002000

struct claim_key {
	u64 file;
	u64 chunk;
};

struct claim_chunk {
	u32 owner[CHUNK_PAGES]; /* key of attr_whos, and BY_RANGE; 0: nobody */
};

/* Sized by the command. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct claim_key);
	__type(value, struct claim_chunk);
} attr_claims SEC(".maps");

enum attr_kind {
	KIND_FILE = 1,
	KIND_DEVICE,   /* a block device's own pages: a filesystem's metadata, as a rule */
	KIND_INTERNAL, /* an inode of a filesystem's own, with no name */
};

struct attr_file {
	u64 id;
	u64 ino;
	u32 dev;
	u32 generation;
	u32 kind;
	u32 named; /* its path has been sent */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u64); /* address of the inode */
	__type(value, struct attr_file);
} attr_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, struct attr_who);
} attr_whos SEC(".maps");

const volatile struct claim_chunk claim_chunk_zero;

/* --- who --- */

/*
 * A key for the task's process: its number and some bits of when it began, for numbers are used
 * again. 0 for a kernel thread, which owns nothing.
 */
static __always_inline u32 who_key(struct task_struct *task)
{
	u64 start;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	start = BPF_CORE_READ(task, group_leader, start_time) * 0x9e3779b97f4a7c15ULL;
	return (u32)BPF_CORE_READ(task, tgid) | (u32)(start >> 55) << 22;
}

/* Describes the current process under its key, as it is now; returns the key, or 0. */
static __always_inline u32 who_current(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u32 key = who_key(task);
	struct attr_who now = {}, *who;
	u64 ids;

	if (!key)
		return 0;
	ids = current_ids();
	now.pid = ids >> 32;
	now.tid = ids;
	now.wanted = target_match(ids);
	now.cgroup = bpf_get_current_cgroup_id();
	current_user_and_comm(&now.uid, now.comm);
	if (LOAD(struct task_struct, task, flags) & PF_IO_WORKER) /* not by the worker's name */
		BPF_CORE_READ_INTO(&now.comm, task, group_leader, comm);
	who = bpf_map_lookup_elem(&attr_whos, &key);
	if (!who)
		bpf_map_update_elem(&attr_whos, &key, &now, BPF_ANY);
	else
		*who = now;
	return key;
}

/* --- which file --- */

struct name_rec {
	struct rec_name head;
	char path[PATH_LEN];
};

struct name_out {
	struct name_rec rec;
	u32 busy;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct name_out);
} attr_name_out SEC(".maps");

/* Sends the path of the file with a dentry at @alias. False: not now. */
static __always_inline bool send_name(u64 id, u64 alias, u64 mount)
{
	u32 zero = 0;
	struct name_out *out = bpf_map_lookup_elem(&attr_name_out, &zero);
	struct path_walk *w;
	bool sent = false;
	u64 len;

	if (!out || out->busy)
		return false;
	out->busy = 1;
	w = path_walk_from(mount ? &((struct mount *)mount)->mnt : NULL, (void *)alias);
	if (w) {
		len = w->pos;
		BOUND(len, PATH_LEN - 1);
		rec_init(&out->rec.head.rec, REC_NAME);
		out->rec.head.id = id;
		out->rec.head.path.off = sizeof(out->rec.head);
		out->rec.head.path.len = len;
		out->rec.head.path.flags = w->flags;
		out->rec.head.path.ino = 0;
		if (!bpf_probe_read_kernel(out->rec.path, len, w->buf))
			sent = emit_uncounted(&out->rec, sizeof(out->rec.head) + len);
		path_done(w);
	}
	out->busy = 0;
	return sent;
}

static __always_inline u32 inode_kind(const struct inode *inode, const struct super_block *sb)
{
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFBLK)
		return KIND_DEVICE;
	/* btrfs keeps its trees in inode 1; every other inode in use is open by some name */
	if (BPF_CORE_READ(sb, s_magic) == BTRFS_SUPER_MAGIC && BPF_CORE_READ(inode, i_ino) == 1)
		return KIND_INTERNAL;
	return first_alias(inode) ? KIND_FILE : KIND_INTERNAL;
}

/* What is known of the file with the inode at @address. Global: it is long, and used often. */
__noinline int file_meet(u64 address)
{
	const struct inode *inode = (const void *)address;
	const struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	u32 generation = BPF_CORE_READ(inode, i_generation), dev = BPF_CORE_READ(sb, s_dev);
	u64 ino = BPF_CORE_READ(inode, i_ino);
	struct attr_file *file = bpf_map_lookup_elem(&attr_files, &address);

	if (!file || file->ino != ino || file->generation != generation || file->dev != dev) {
		struct attr_file now = { .ino = ino, .dev = dev, .generation = generation };

		now.id = bpf_ktime_get_ns() << 8 | (bpf_get_smp_processor_id() & 255);
		now.kind = inode_kind(inode, sb);
		bpf_map_update_elem(&attr_files, &address, &now, BPF_ANY);
		file = bpf_map_lookup_elem(&attr_files, &address);
	}
	return file != NULL;
}

/* Sends its path, if that has not been done. Apart from the above, for their stacks add up. */
__noinline int file_name(u64 address)
{
	struct attr_file *file = bpf_map_lookup_elem(&attr_files, &address);
	const struct inode *inode = (const void *)address;
	u64 alias = first_alias(inode);

	if (file && alias)
		file->named = send_name(file->id, alias,
					mount_of((u64)BPF_CORE_READ(inode, i_sb), alias));
	return 0;
}

static __always_inline struct attr_file *file_of_inode(u64 inode)
{
	struct attr_file *file;

	if (!inode || !file_meet(inode))
		return NULL;
	file = bpf_map_lookup_elem(&attr_files, &inode);
	if (file && !file->named && file->kind == KIND_FILE)
		file_name(inode);
	return file;
}

/* --- claims --- */

/* Pages @from to @to (not included) of one chunk, both packed into @span: from << 8 | to. */
__noinline int claim_chunk(u64 file, u64 number, u32 span, u32 owner)
{
	struct claim_key key = { .file = file, .chunk = number };
	struct claim_chunk *chunk = bpf_map_lookup_elem(&attr_claims, &key);
	u32 from = span >> 8 & 31, to = span & 31, wanted = (1U << to) - (1U << from);

	if (!chunk) {
		if (!owner)
			return 0;
		bpf_map_update_elem(&attr_claims, &key, (const void *)&claim_chunk_zero,
				    BPF_NOEXIST);
		chunk = bpf_map_lookup_elem(&attr_claims, &key);
		if (!chunk)
			return 0;
	}
	/* without a branch: the verifier would follow all ways through sixteen pages */
	for (u32 i = 0; i < CHUNK_PAGES; i++) {
		u32 now = chunk->owner[i], inside = wanted >> i & 1;
		/* that the page became dirty says nothing new of a range that was just claimed */
		u32 other = now ^ (owner | BY_RANGE), differs = (other | -other) >> 31;

		chunk->owner[i] = now ^ ((now ^ owner) & -(inside & differs));
	}
	return 0;
}

/* Pages from @page to @end, in the first chunks; returns how many pages that was. */
__noinline int claim_chunks(u64 file, u64 page, u64 end, u32 owner)
{
	u64 at = page;

	for (int i = 0; i < CHUNKS_A_CALL; i++) {
		u64 next = (at & ~(u64)(CHUNK_PAGES - 1)) + CHUNK_PAGES;
		u32 from = at & (CHUNK_PAGES - 1), to = CHUNK_PAGES;

		if (at >= end)
			break;
		if (next > end)
			to = end & (CHUNK_PAGES - 1);
		claim_chunk(file, at / CHUNK_PAGES, from << 8 | to, owner);
		at = next;
	}
	return at - page;
}

/* The current process owns @pages pages of the inode, from number @page on. */
static __always_inline void claim(u64 inode, u64 page, u64 pages, u32 by)
{
	struct attr_file *file = file_of_inode(inode);
	u64 end = page + pages, id;
	u32 owner;

	if (!file || file->kind != KIND_FILE)
		return;
	id = file->id;
	owner = who_current();
	if (owner)
		owner |= by;
	for (int i = 0; i < CLAIM_CALLS; i++) {
		if (page >= end)
			break;
		page += claim_chunks(id, page, end, owner);
	}
}

static __always_inline void claim_bytes(u64 inode, s64 pos, u64 len)
{
	u64 page = (u64)pos >> engine.page_shift;

	if (pos >= 0 && len)
		claim(inode, page, (((u64)pos + len - 1) >> engine.page_shift) - page + 1,
		      BY_RANGE);
}

/* --- the hooks --- */

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(claim_dirty_folio, struct page *folio, struct address_space *mapping)
{
	u64 head = address_of(folio);

	if (mapping)
		claim((u64)BPF_CORE_READ(mapping, host), folio_index(head), folio_pages(head), 0);
	return 0;
}

SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(claim_dirty_page, struct page *page, struct address_space *mapping)
{
	if (mapping)
		claim((u64)BPF_CORE_READ(mapping, host), folio_index(address_of(page)), 1, 0);
	return 0;
}

SEC("tp_btf/ext4_write_end")
int BPF_PROG(claim_ext4, struct inode *inode, s64 pos, u32 len, u32 copied)
{
	claim_bytes(address_of(inode), pos, copied);
	return 0;
}

SEC("tp_btf/ext4_da_write_end")
int BPF_PROG(claim_ext4_delayed, struct inode *inode, s64 pos, u32 len, u32 copied)
{
	claim_bytes(address_of(inode), pos, copied);
	return 0;
}

/*
 * The file that a thread last began direct I/O on, by tid: where the filesystem's own structures
 * around the bio don't tell (btrfs).
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u32);
	__type(value, u64); /* address of the inode */
} attr_directs SEC(".maps");

static __always_inline void direct_begins(u64 inode)
{
	u32 tid = bpf_get_current_pid_tgid();

	who_current(); /* its bios may be submitted by a kernel thread */
	if (BPF_CORE_READ((struct inode *)inode, i_sb, s_magic) == BTRFS_SUPER_MAGIC &&
	    file_of_inode(inode))
		bpf_map_update_elem(&attr_directs, &tid, &inode, BPF_ANY);
}

/* The part of a file that is about to be written, or read, mapped, asked about. */
static __always_inline void iomap_begins(u64 inode, s64 pos, u64 len, u32 flags)
{
	if (flags & IOMAP_DIRECT)
		direct_begins(inode);
	else if (flags & IOMAP_WRITE)
		claim_bytes(inode, pos, len);
}

SEC("tp_btf/iomap_iter")
int BPF_PROG(claim_iomap, struct iomap_iter___since_v5_15 *iter)
{
	iomap_begins((u64)BPF_CORE_READ(iter, inode), BPF_CORE_READ(iter, pos),
		     BPF_CORE_READ(iter, len), BPF_CORE_READ(iter, flags));
	return 0;
}

SEC("tp_btf/iomap_apply")
int BPF_PROG(claim_iomap_apply, struct inode *inode, s64 pos, s64 len, u32 flags)
{
	iomap_begins(address_of(inode), pos, len, flags);
	return 0;
}

/*
 * Write calls that returned, for filesystems whose own hooks aren't known: not ext4 and xfs. What
 * they wrote lies before the position that they left.
 */
static __always_inline void wrote(u32 fd, s64 start, s64 bytes)
{
	struct file *file = file_of_fd(fd);
	struct inode *inode;
	u64 magic;

	if (!file)
		return;
	inode = LOAD(struct file, file, f_inode);
	magic = BPF_CORE_READ(inode, i_sb, s_magic);
	if (magic == EXT4_SUPER_MAGIC || magic == XFS_SUPER_MAGIC ||
	    (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return;
	if (LOAD(struct file, file, f_flags) & O_APPEND)
		start = LOAD(struct inode, inode, i_size) - bytes;
	else if (start < 0)
		start = LOAD(struct file, file, f_pos) - bytes;
	claim_bytes(address_of(inode), start, bytes);
}

/* Where a call was told to write by a pointer, which it has moved on; -1: at the file's own. */
static __always_inline s64 moved_to(u64 user_ptr, s64 bytes)
{
	s64 end;

	if (!user_ptr || bpf_probe_read_user(&end, sizeof(end), (const void *)user_ptr))
		return -1;
	return end - bytes;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(claim_call, struct pt_regs *regs, long ret)
{
	struct syscall_args args;
	bool compat;
	s64 pos = -1;
	u32 call;

	if (ret <= 0 || REGS_NO_CALL(regs))
		return 0;
	call = syscall_entered(REGS_CALL(regs), &compat);
	if (!call)
		return 0;
	syscall_args(regs, compat, &args);
	if (call >= ATTR_CALL_SPLICE)
		pos = moved_to(args.a[3], ret);
	else if (call >= ATTR_CALL_PWRITE && compat) /* -1 stands for the file's position, too */
		pos = args.a[COMPAT_PREAD_POS] | args.a[COMPAT_PREAD_POS + 1] << 32;
	else if (call >= ATTR_CALL_PWRITE)
		pos = args.a[3];
	wrote(call >= ATTR_CALL_SPLICE ? args.a[2] : args.a[0], pos, ret);
	return 0;
}

#endif
