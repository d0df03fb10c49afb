/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where pages of files are used: read, mapped, made dirty; and where they come and go. A read is
 * told by its range: what each of its looks for pages (mm_filemap_get_pages) was given is known
 * where the next one begins, or where the read ends. docs/cache.md describes the whole. Who
 * includes this defines the functions that come first.
 */
#ifndef IOSONDE_USES_BPF_H
#define IOSONDE_USES_BPF_H

#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/filter_task.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/files/fileid.bpf.h"
#include "bpf/files/mounts.bpf.h"

#include "tools/cache/chunks.bpf.h"
#include "tools/cache/ready.bpf.h"

/* Of ranges both ends are included. */
static __always_inline void pages_read(u64 mapping, u64 first, u64 last);
static __always_inline void pages_dirtied(u64 mapping, u64 first, u64 last);
static __always_inline void pages_come(u64 mapping, u64 first, u64 last);
static __always_inline void pages_go(u64 mapping, u64 first, u64 last);
/* Those of @mask in chunk @number were mapped. */
static __always_inline void pages_mapped(u64 mapping, u64 number, u64 mask);

#define TMPFS_MAGIC    0x01021994
#define VM_FAULT_ERROR 0x73 /* OOM, SIGBUS, HWPOISON, HWPOISON_LARGE, SIGSEGV */
#define VM_FAULT_RETRY 0x400
#define MAPPED_CHUNKS  8 /* of the range around a fault */

/* Pages of a thread that were asked for, and aren't counted yet. */
struct cache_range {
	u64 mapping; /* 0: none */
	u64 first;
	u64 last;
};

struct cache_state {
	struct cache_range read;
	struct cache_range fault; /* one page */
	/* around a fault: told again when that has waited, and the next may overlap with it */
	struct cache_range mapped;
	u64 mapped_low;	 /* what is counted in the chunk of its first page */
	u64 mapped_high; /* and of its last one, if that is another */
	/* readahead alone: what it reads ahead, its mapping being the inode's, and how deep in */
	struct cache_range ahead;
	u64 ahead_depth;
};

TASK_STATE(cache, struct cache_state, 16384)

static __always_inline u64 host_of(u64 mapping)
{
	return mapping ? (u64)LOAD(struct address_space, mapping, host) : 0;
}

/* Lets user space know a path of @inode. */
static __noinline void name_inode(u64 id, u64 inode)
{
	u64 alias = first_alias((const struct inode *)inode), mount;

	if (!alias)
		return;
	mount = mount_of(address_of(LOAD(struct inode, inode, i_sb)), alias);
	name_announce(id, mount ? (u64) & ((struct mount *)mount)->mnt : 0, alias, 0);
}

/* Whose pages are no copies of anything that could be read again. */
static __always_inline bool in_memory_only(u64 inode)
{
	struct super_block *sb = LOAD(struct inode, inode, i_sb);

	return LOAD(struct super_block, sb, s_magic) == TMPFS_MAGIC;
}

/* How many pages the file of @inode has. */
static __always_inline u64 pages_of_file(u64 inode)
{
	s64 size = inode ? LOAD(struct inode, inode, i_size) : 0;

	return size > 0 ? ((u64)(size - 1) >> engine.page_shift) + 1 : 0;
}

/* The pages of a range were used, as far as the file reaches. */
static __noinline void range_used(u64 mapping, u64 first, u64 last)
{
	u64 pages = pages_of_file(host_of(mapping));

	if (last >= pages)
		last = pages - 1;
	if (pages && first <= last)
		pages_read(mapping, first, last);
}

static __always_inline void range_end(struct cache_range *r)
{
	if (!r->mapping)
		return;
	range_used(r->mapping, r->first, r->last);
	r->mapping = 0;
}

/* Adds to a range what the folios at its ends have beyond it, where faults map those whole. */
static __always_inline void range_widen(struct cache_range *r)
{
	u64 pages = pages_of_file(host_of(r->mapping));
	u64 low = whole_folio(r->mapping, r->first, pages);
	u64 high = whole_folio(r->mapping, r->last, pages);

	if (low)
		r->first = folio_index(low);
	if (high)
		r->last = folio_index(high) + folio_pages(high) - 1;
}

static __noinline void fault_end(struct cache_range *r)
{
	if (!r->mapping)
		return;
	range_widen(r);
	range_end(r);
}

static __always_inline struct cache_state *state_here(void)
{
	struct cache_state *st = cache_create(current_task());

	if (!st)
		COUNT(null_helper);
	return st;
}

/* Which pages of chunk @number were counted where faults of this call's mapping mapped them. */
static __always_inline u64 mapped_so_far(const struct cache_state *st, u64 mapping, u64 number)
{
	if (st->mapped.mapping != mapping)
		return 0;
	if (number == st->mapped.first / CHUNK_PAGES)
		return st->mapped_low;
	return number == st->mapped.last / CHUNK_PAGES ? st->mapped_high : 0;
}

/* Was page @at counted already with those around a fault, for which it became ready too late? */
static __always_inline bool counted_around(const struct cache_state *st, u64 mapping, u64 at)
{
	return mapped_so_far(st, mapping, at / CHUNK_PAGES) >> (at % CHUNK_PAGES) & 1;
}

static __always_inline void mark_counted(struct cache_state *st, u64 mapping, u64 at)
{
	u64 bit = 1ULL << (at % CHUNK_PAGES);

	if (st->mapped.mapping != mapping)
		return;
	if (at / CHUNK_PAGES == st->mapped.first / CHUNK_PAGES)
		st->mapped_low |= bit;
	else if (at / CHUNK_PAGES == st->mapped.last / CHUNK_PAGES)
		st->mapped_high |= bit;
}

/* --- tracepoints, 6.9 and later --- */

SEC("tp_btf/mm_filemap_get_pages")
int BPF_PROG(cache_read_pages, struct address_space *passed, unsigned long first,
	     unsigned long last)
{
	u64 mapping = address_of(passed);
	struct cache_state *st = state_here();
	struct cache_range *r;

	if (!st)
		return 0;
	r = &st->read;
	if (r->mapping == mapping && r->last == last && first > r->first && first <= last) {
		/* the read goes on where what it was given ended */
		range_used(r->mapping, r->first, first - 1);
	} else {
		range_end(r);
		r->mapping = mapping;
		r->last = last;
	}
	r->first = first;
	return 0;
}

/* Before the page is looked for. A fault that has to wait comes here again. */
SEC("tp_btf/mm_filemap_fault")
int BPF_PROG(cache_fault, struct address_space *passed, unsigned long index)
{
	u64 mapping = address_of(passed);
	struct cache_state *st = state_here();

	if (!st || (st->fault.mapping == mapping && st->fault.first == index) ||
	    counted_around(st, mapping, index))
		return 0;
	fault_end(&st->fault);
	st->fault.mapping = mapping;
	st->fault.first = st->fault.last = index;
	mark_counted(st, mapping, index);
	return 0;
}

/* Counts those pages of a range in chunk @number that were mapped, without @done: all of them. */
__noinline u64 mapped_in(u64 mapping, u64 number, u64 first, u64 last, u64 done)
{
	u64 ready = chunk_ready(mapping, number, range_mask(number, first, last));
	u64 now = ready & ~done;

	if (!now)
		return ready;
	pages_mapped(mapping, number, now);
	return ready;
}

/* What a range has beyond the chunks of its ends, @low and @high, that were told. */
static __always_inline void mapped_beyond(const struct cache_range *all, u64 low, u64 high)
{
	u64 number = all->first / CHUNK_PAGES;

	for (u32 i = 0; i < MAPPED_CHUNKS; i++, number++) {
		if (number > all->last / CHUNK_PAGES)
			break;
		if (number != low && number != high)
			mapped_in(all->mapping, number, all->first, all->last, 0);
	}
}

static __always_inline bool same_range(const struct cache_range *r, u64 mapping, u64 first,
				       u64 last)
{
	return r->mapping == mapping && r->first == first && r->last == last;
}

/* Pages around a fault were mapped, those of the range that were ready. */
static __noinline void around_fault(u64 mapping, u64 first, u64 last)
{
	struct cache_range all = { .mapping = mapping, .first = first, .last = last };
	u64 inode = host_of(mapping), low = first / CHUNK_PAGES, high = last / CHUNK_PAGES, at;
	struct cache_state *st = state_here();

	if (!st || !inode || in_memory_only(inode))
		return;
	range_widen(&all);
	if (!same_range(&st->mapped, mapping, first, last)) {
		u64 low_done = mapped_so_far(st, mapping, low);

		st->mapped_high = high == low ? 0 : mapped_so_far(st, mapping, high);
		st->mapped_low = low_done;
		st->mapped.mapping = mapping;
		st->mapped.first = first;
		st->mapped.last = last;
		mapped_beyond(&all, low, high);
	}
	at = st->fault.first;
	if (st->fault.mapping == mapping && at >= first && at <= last &&
	    !counted_around(st, mapping, at) &&
	    chunk_ready(mapping, at / CHUNK_PAGES, 1ULL << (at % CHUNK_PAGES)))
		st->fault.mapping = 0; /* it is one of these */
	st->mapped_low |= mapped_in(mapping, low, all.first, all.last, st->mapped_low);
	if (high != low)
		st->mapped_high |= mapped_in(mapping, high, all.first, all.last, st->mapped_high);
}

SEC("tp_btf/mm_filemap_map_pages")
int BPF_PROG(cache_map_pages, struct address_space *mapping, unsigned long first,
	     unsigned long last)
{
	around_fault(address_of(mapping), first, last);
	return 0;
}

/* --- functions, where there are none --- */

static __always_inline void read_ended(struct kiocb *iocb, s64 before, s64 ret)
{
	s64 n = ret - before, end;

	if (ret <= 0 || n <= 0)
		return;
	end = BPF_CORE_READ(iocb, ki_pos);
	range_used((u64)BPF_CORE_READ(iocb, ki_filp, f_mapping),
		   (u64)(end - n) >> engine.page_shift, (u64)(end - 1) >> engine.page_shift);
}

SEC("fexit/filemap_read")
int BPF_PROG(cache_read_done, struct kiocb *iocb, void *iter, s64 before, s64 ret)
{
	read_ended(iocb, before, ret);
	return 0;
}

/* Until 5.11. */
SEC("fexit/generic_file_buffered_read")
int BPF_PROG(cache_read_old, struct kiocb *iocb, void *iter, s64 before, s64 ret)
{
	read_ended(iocb, before, ret);
	return 0;
}

SEC("fexit/filemap_fault")
int BPF_PROG(cache_fault_done, struct vm_fault *vmf, u32 ret)
{
	u64 at = BPF_CORE_READ(vmf, pgoff), mapping;
	struct cache_state *st = state_here();

	if (!st || ret & (VM_FAULT_ERROR | VM_FAULT_RETRY))
		return 0;
	mapping = (u64)BPF_CORE_READ(vmf, vma, vm_file, f_mapping);
	if (counted_around(st, mapping, at))
		return 0;
	range_used(mapping, at, at);
	mark_counted(st, mapping, at);
	return 0;
}

SEC("fexit/filemap_map_pages")
int BPF_PROG(cache_map_done, struct vm_fault *vmf, u64 first, u64 last)
{
	around_fault((u64)BPF_CORE_READ(vmf, vma, vm_file, f_mapping), first, last);
	return 0;
}

/* --- the end of what was asked for --- */

static __always_inline void all_ended(struct cache_state *st)
{
	range_end(&st->read);
	fault_end(&st->fault);
	st->mapped.mapping = 0;
	st->ahead.mapping = 0;
	st->ahead_depth = 0;
}

SYSCALL_EXIT(cache_call_done)
{
	struct cache_state *st = cache_of(current_task());

	if (st)
		all_ended(st);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int cache_thread_done(u64 *ctx)
{
	struct cache_state *st = cache_of(current_task());

	if (st)
		all_ended(st);
	cache_drop(current_task());
	return 0;
}

/* --- pages that come and go, and become dirty --- */

#define FOLIO_FIRST(head) folio_index(head)
#define FOLIO_LAST(head)  (folio_index(head) + folio_pages(head) - 1)

SEC("tp_btf/mm_filemap_add_to_page_cache")
int BPF_PROG(cache_added, void *folio)
{
	u64 head = page_head(address_of(folio));

	pages_come((u64)BPF_CORE_READ((struct page *)head, mapping), FOLIO_FIRST(head),
		   FOLIO_LAST(head));
	return 0;
}

SEC("tp_btf/mm_filemap_delete_from_page_cache")
int BPF_PROG(cache_deleted, void *folio)
{
	u64 head = page_head(address_of(folio));

	pages_go((u64)BPF_CORE_READ((struct page *)head, mapping), FOLIO_FIRST(head),
		 FOLIO_LAST(head));
	return 0;
}

static __always_inline void dirtied(u64 head, u64 mapping)
{
	u64 first = FOLIO_FIRST(head), last = FOLIO_LAST(head);

	pages_dirtied(mapping, first, last);
}

SEC("tp_btf/writeback_dirty_folio")
int BPF_PROG(cache_dirtied, void *folio, struct address_space *mapping)
{
	dirtied(page_head(address_of(folio)), address_of(mapping));
	return 0;
}

/* Until 5.17. */
SEC("tp_btf/writeback_dirty_page")
int BPF_PROG(cache_dirtied_page, void *page, struct address_space *mapping)
{
	dirtied(page_head(address_of(page)), address_of(mapping));
	return 0;
}

#endif
