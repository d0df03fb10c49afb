/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A read is a call of fileio.bpf.h; on its way its thread looks for pages, brings some, or sleeps
 * while one of those that it wants isn't read yet. docs/cache.md describes the whole.
 */
#include "tools/cache/readpath.h"

#define FILE_IO_CALLS_ONLY
#define FILE_IO_KEEPS way_kept
#include "bpf/kernel/types.bpf.h"

struct way_kept {
	u64 mapping; /* 0: nothing is known yet */
	u64 first;   /* pages that were asked for, both ends included */
	u64 last;
	u64 at; /* those before it have been read */
	u32 flags;
	u32 reserved;
};

#include "bpf/core/filter_task.bpf.h"
#include "bpf/core/hist.bpf.h"
#include "bpf/fileio/fileio.bpf.h"
#include "bpf/fileio/fileio_ordinary.bpf.h"
#include "bpf/files/fileid.bpf.h"
#include "bpf/files/mounts.bpf.h"
#include "tools/cache/ready.bpf.h"

const volatile struct readpath_cfg cfg;

#define TMPFS_MAGIC    0x01021994
#define LOOK_CHUNKS    8    /* of what was asked for, where a thread that waits is looked at */
#define VM_FAULT_ERROR 0x73 /* OOM, SIGBUS, HWPOISON, HWPOISON_LARGE, SIGSEGV */
#define VM_FAULT_RETRY 0x400

enum way_flags {
	KEPT_LOOKED = 1, /* for pages */
	KEPT_REST = 2,	 /* not from the beginning on */
	KEPT_MISS = 4,
	KEPT_OTHER = 8,
	KEPT_OWN = 16,
};

HIST_MAP(ways, struct readpath_key, struct readpath_value);

/* Who brought a folio, by its address: threads that are targets. Asked for only until the folio has
 * been read, which is long before it would be one of the least used. */
struct bringer {
	u64 ids; /* not the task's address, which the next thread may have */
	u64 mapping;
	u64 index;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct bringer);
} bringers SEC(".maps");

/* A fault of a thread. */
struct fault_way {
	u64 begin_ns; /* 0: none under way */
	u64 mapping;  /* of a file; 0: none */
	u64 again_at; /* the address of one that is to be tried again; 0: none */
};

TASK_STATE(fault_ways, struct fault_way, 16384)

/* --- counting --- */

/* Lets user space know a path of @inode. */
static __noinline void way_named(u64 inode)
{
	u64 alias = first_alias((const struct inode *)inode), mount;
	struct file_id id;

	if (!alias)
		return;
	file_id_of(&id, inode, 0);
	mount = mount_of(address_of(LOAD(struct inode, inode, i_sb)), alias);
	name_announce(id.id, mount ? (u64) & ((struct mount *)mount)->mnt : 0, alias, 0);
}

/* Global: whoever calls this has no room left on the stack. */
__noinline int way_add(u32 way, u64 inode, u64 bytes, u64 lat_ns)
{
	struct readpath_key key = { .epoch = epoch, .way = way };
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct readpath_value *value;

	key.cpu = bpf_get_smp_processor_id();
	if (cfg.by_file)
		file_id_of(&key.file, inode, 0);
	if (cfg.by_process) {
		key.pid = current_ids() >> 32;
		comm_of_task(BPF_CORE_READ(task, group_leader), key.comm);
	}
	value = hist_entry(ways, &key);
	if (!value || !hist_add(&value->lat, lat_ns, HIST_USECS, 0)) {
		COUNT(lost_state);
		return 0;
	}
	__sync_fetch_and_add(&value->sums.count, 1);
	__sync_fetch_and_add(&value->sums.bytes, bytes);
	return 0;
}

/* Apart from each other, for the stack's sake. */
static __always_inline void way_count(u32 way, u64 inode, u64 bytes, u64 lat_ns)
{
	way_add(way, inode, bytes, lat_ns);
	if (cfg.by_file)
		way_named(inode);
}

/* --- what happens on the way --- */

/* Where the pages of @file are: of overlayfs, those of the file below. */
__noinline u64 mapping_of(u64 file)
{
	struct inode *inode = LOAD(struct file, file, f_inode);
	struct super_block *sb = LOAD(struct inode, inode, i_sb);

	if (LOAD(struct super_block, sb, s_magic) == OVERLAYFS_SUPER_MAGIC) {
		struct file *real = overlay_real_file((struct file *)file);

		if (real)
			file = (u64)real;
	}
	return address_of(LOAD(struct file, file, f_mapping));
}

/* What is kept of the read that @task is in; NULL: it is in none, of a file that has pages. */
static __always_inline struct way_kept *way_of_task(struct task_struct *task)
{
	struct io_state *st = fileio_of(task);
	struct io_op *op;
	struct way_kept *kept;

	if (!st)
		return NULL;
	op = &st->op;
	if (!op->route || route_writes(op->route) || !op->side.file)
		return NULL;
	kept = &op->kept;
	if (!kept->mapping && op->side.offset >= 0) {
		u64 asked = op->asked ? op->asked : BYTES_MAX; /* vectors that weren't read yet */

		kept->mapping = mapping_of(op->side.file);
		kept->first = kept->at = (u64)op->side.offset >> engine.page_shift;
		kept->last = ((u64)op->side.offset + asked - 1) >> engine.page_shift;
	}
	return kept->mapping ? kept : NULL;
}

static __always_inline void looked(u64 mapping, u64 first, bool rest)
{
	struct way_kept *kept = way_of_task(current_task());

	if (!kept || kept->mapping != mapping)
		return;
	if (!(kept->flags & KEPT_LOOKED))
		kept->flags |= rest || first > kept->first ? KEPT_LOOKED | KEPT_REST : KEPT_LOOKED;
	if (first > kept->at)
		kept->at = first;
}

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(way_looked, struct address_space *mapping, unsigned long first, unsigned long last)
{
	looked(address_of(mapping), first, false);
	return 0;
}

static __always_inline void begins_to_look(struct kiocb *iocb, s64 before)
{
	looked((u64)BPF_CORE_READ(iocb, ki_filp, f_mapping),
	       (u64)BPF_CORE_READ(iocb, ki_pos) >> engine.page_shift, before > 0);
}

SEC("fentry/filemap_read")
int BPF_PROG(way_looked_fn, struct kiocb *iocb, void *iter, s64 before)
{
	begins_to_look(iocb, before);
	return 0;
}

/* Until 5.11. */
SEC("fentry/generic_file_buffered_read")
int BPF_PROG(way_looked_old, struct kiocb *iocb, void *iter, s64 before)
{
	begins_to_look(iocb, before);
	return 0;
}

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(way_added, void *folio)
{
	u64 head = page_head(address_of(folio));
	struct bringer by = { .ids = current_ids() };
	struct way_kept *kept;

	if (!target_match(by.ids)) {
		bpf_map_delete_elem(&bringers, &head);
		return 0;
	}
	by.mapping = (u64)BPF_CORE_READ((struct page *)head, mapping);
	by.index = folio_index(head);
	bpf_map_update_elem(&bringers, &head, &by, BPF_ANY);
	kept = way_of_task(current_task());
	if (kept && kept->mapping == by.mapping && by.index <= kept->last &&
	    by.index + folio_pages(head) > kept->first)
		kept->flags |= KEPT_MISS;
	return 0;
}

/* The first page of @first to @last that is there and not read yet, as its
 * folio; 0: none. */
__noinline u64 folio_coming(u64 mapping, u64 first, u64 last)
{
	u64 number = first / XA_SLOTS;

	for (u32 i = 0; i < LOOK_CHUNKS; i++, number++) {
		u64 mask = number == first / XA_SLOTS ? ~0ULL << (first & 63) : ~0ULL, found;

		if (number > last / XA_SLOTS)
			break;
		if (number == last / XA_SLOTS)
			mask &= ~0ULL >> (63 - (last & 63));
		found = chunk_is(mapping, number, mask, PAGE_COMING);
		if (found)
			return folio_at(mapping, number * XA_SLOTS + hist_log2(found & -found));
	}
	return 0;
}

static __always_inline void waits(struct task_struct *task)
{
	struct way_kept *kept = way_of_task(task);
	struct bringer *by;
	u64 head;

	if (!kept)
		return;
	head = folio_coming(kept->mapping, kept->at, kept->last);
	if (!head)
		return;
	by = bpf_map_lookup_elem(&bringers, &head);
	kept->flags |= by && by->ids == current_ids() && by->mapping == kept->mapping &&
				       by->index == folio_index(head)
			       ? KEPT_OWN
			       : KEPT_OTHER;
	kept->at = folio_index(head);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(way_switch, bool preempt, struct task_struct *prev)
{
	if (!preempt && task_state(prev))
		waits(current_task());
	return 0;
}

/* --- the end --- */

static __always_inline u32 way_through_cache(u32 flags)
{
	if (flags & KEPT_MISS)
		return WAY_MISS;
	if (flags & KEPT_OTHER)
		return WAY_OTHER;
	return flags & KEPT_OWN ? WAY_OWN : WAY_HIT;
}

static __always_inline bool in_memory_only(u64 inode)
{
	struct super_block *sb = LOAD(struct inode, inode, i_sb);

	return LOAD(struct super_block, sb, s_magic) == TMPFS_MAGIC;
}

static __always_inline u32 way_of(const struct file_io *io)
{
	struct way_kept *kept = way_of_task(current_task());
	u32 flags = kept ? kept->flags : 0;
	bool direct = io->flags & FILEIO_DIRECT;

	if (io->ret <= 0 || io->flags & FILEIO_ANSWERED)
		return WAY_NOTHING;
	if (!(flags & KEPT_LOOKED))
		return direct ? WAY_DIRECT : WAY_APART;
	return direct && flags & KEPT_REST ? WAY_MIXED : way_through_cache(flags);
}

static __always_inline void file_io_end(void *ctx, const struct file_io *io)
{
	bool disk = (inode_mode(io->inode) & S_IFMT) == S_IFBLK;

	if (io->write || !io->inode || !(disk || ordinary(io)))
		COUNT(filtered);
	else
		way_count(way_of(io), io->inode, io->ret > 0 ? io->ret : 0, io->lat_ns);
}

/* --- mapped --- */

static __always_inline int fault_begins(u64 address)
{
	struct task_struct *task = current_task();
	struct fault_way *f;

	if ((s64)address < 0 || !target_match(ids_of(task)))
		return 0;
	f = fault_ways_create(task);
	if (!f) {
		COUNT(null_helper); /* whether it is one of a file isn't known yet */
		return 0;
	}
	/* of one that comes again, another thread may have mapped the page meanwhile */
	if (!f->again_at || f->again_at != address) {
		f->begin_ns = bpf_ktime_get_ns();
		f->mapping = 0;
	}
	f->again_at = 0;
	return 0;
}

static __always_inline int fault_of(u64 mapping)
{
	struct fault_way *f = fault_ways_of(current_task());

	if (f)
		f->mapping = mapping;
	return 0;
}

SEC("tp_btf/mm_filemap_fault")
int BPF_PROG(way_fault, struct address_space *mapping)
{
	return fault_of(address_of(mapping));
}

SEC("tp_btf/mm_filemap_map_pages")
int BPF_PROG(way_fault_around, struct address_space *mapping)
{
	return fault_of(address_of(mapping));
}

SEC("fentry/filemap_fault")
int BPF_PROG(way_fault_fn, struct vm_fault *vmf)
{
	return fault_of((u64)BPF_CORE_READ(vmf, vma, vm_file, f_mapping));
}

SEC("fentry/filemap_map_pages")
int BPF_PROG(way_fault_around_fn, struct vm_fault *vmf)
{
	return fault_of((u64)BPF_CORE_READ(vmf, vma, vm_file, f_mapping));
}

static __always_inline int fault_ends(void)
{
	struct fault_way *f = fault_ways_of(current_task());
	u64 inode;

	if (!f || !f->mapping || !f->begin_ns)
		return 0;
	inode = address_of(LOAD(struct address_space, f->mapping, host));
	if (inode && !in_memory_only(inode)) {
		COUNT(generated);
		way_count(WAY_MAPPED, inode, 1ULL << engine.page_shift,
			  bpf_ktime_get_ns() - f->begin_ns);
	}
	f->begin_ns = f->mapping = 0;
	return 0;
}

/* By functions: one that has to wait comes twice, at the same address. */
SEC("fentry/handle_mm_fault")
int BPF_PROG(way_fault_enter, void *vma, unsigned long address)
{
	return fault_begins(address);
}

SEC("fexit/handle_mm_fault")
int BPF_PROG(way_fault_leave, void *vma, unsigned long address, unsigned int flags, void *regs,
	     unsigned int ret)
{
	struct fault_way *f;

	if (!(ret & (VM_FAULT_RETRY | VM_FAULT_ERROR)))
		return fault_ends();
	f = fault_ways_of(current_task());
	if (f)
		f->again_at = ret & VM_FAULT_RETRY ? address : 0;
	return 0;
}

/* By the exception, and by the kernel's count of faults where they are over. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(way_fault_user, unsigned long address)
{
	return fault_begins(address);
}

SEC("tp_btf/page_fault_kernel")
int BPF_PROG(way_fault_kernel, unsigned long address)
{
	return fault_begins(address);
}

SEC("perf_event/major-faults")
int way_fault_major(void *ctx)
{
	return fault_ends();
}

SEC("perf_event/minor-faults")
int way_fault_minor(void *ctx)
{
	return fault_ends();
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(way_thread_exit, struct task_struct *task)
{
	fault_ways_drop(task);
	return 0;
}
