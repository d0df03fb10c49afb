/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Which pages of a file are there to be mapped: what the kernel maps around a fault are those of a
 * range that are in memory and up to date, but for the one at which it reads ahead
 * (next_uptodate_folio() in mm/filemap.c). Walks the file's xarray: include/linux/xarray.h.
 */
#ifndef IOSONDE_READY_BPF_H
#define IOSONDE_READY_BPF_H

#include "bpf/kernel/compat_page.bpf.h"
#include "bpf/core/core.bpf.h"

#define XA_LEVELS 8
#define XA_SLOTS  64
#define XA_SHIFT  6

static __always_inline u64 xa_slot(u64 node, u64 at)
{
	u64 entry = 0;

	bpf_probe_read_kernel(&entry, sizeof(entry),
			      (const void *)(node + bpf_core_field_offset(struct xa_node, slots) +
					     8 * (at & (XA_SLOTS - 1))));
	return entry;
}

/* Not a page: a node, or what stands for another slot. */
static __always_inline bool xa_internal(u64 entry)
{
	return (entry & 3) == 2;
}

/* The entry at @at, or the one that a folio of several pages has before it. */
static __always_inline u64 xa_entry(u64 node, u64 at)
{
	u64 entry = xa_slot(node, at);

	if (xa_internal(entry) && entry < XA_SLOTS << 2)
		entry = xa_slot(node, entry >> 2);
	return entry;
}

/* PG_reclaim of a clean page: reading ahead goes on where it is used. */
static __always_inline bool entry_ready(u64 entry)
{
	u64 flags;

	if (!entry || entry & 3) /* nothing, what was evicted, a node */
		return false;
	flags = page_flags(entry);
	return flags & PAGE_BIT(PG_uptodate) && !(flags & PAGE_BIT(PG_reclaim));
}

/* There, and being read. */
static __always_inline bool entry_coming(u64 entry)
{
	u64 flags;

	if (!entry || entry & 3)
		return false;
	flags = page_flags(entry);
	return flags & PAGE_BIT(PG_locked) && !(flags & PAGE_BIT(PG_uptodate));
}

enum page_is { PAGE_READY, PAGE_COMING };

static __always_inline bool entry_is(u64 entry, u32 what)
{
	return what == PAGE_READY ? entry_ready(entry) : entry_coming(entry);
}

/* 1: the page at @at is one of @mask, and so (enum page_is). */
__noinline u64 slot_is(u64 node, u64 at, u64 mask, u32 what)
{
	return mask >> (at & 63) & 1 && entry_is(xa_entry(node, at), what);
}

/* The node of pages @index to @index + 63, or the one entry that stands for all of them. */
__noinline u64 xa_walk(u64 mapping, u64 index)
{
	u64 entry = (u64)BPF_CORE_READ((struct address_space *)mapping, i_pages.xa_head);

	for (u32 i = 0; i < XA_LEVELS; i++) {
		struct xa_node *node = (struct xa_node *)(entry - 2);
		u32 shift;

		if (!xa_internal(entry))
			return i || !index ? entry : 0;
		shift = BPF_CORE_READ(node, shift);
		if (!i && index >> shift >= XA_SLOTS)
			return 0;
		if (!shift)
			return entry;
		entry = xa_entry((u64)node, index >> (shift & 63));
	}
	return 0;
}

/* Those of the pages of @mask in chunk @number of 64 that are so (enum page_is). */
__noinline u64 chunk_is(u64 mapping, u64 number, u64 mask, u32 what)
{
	u64 entry = xa_walk(mapping, number * XA_SLOTS), found = 0;

	if (!xa_internal(entry)) {
		/* at the head, without a node: page 0 alone */
		if (entry == (u64)BPF_CORE_READ((struct address_space *)mapping, i_pages.xa_head))
			mask &= 1;
		return entry_is(entry, what) ? mask : 0;
	}
	/* without a branch: older verifiers would follow all ways through them */
	for (u32 i = 0; i < XA_SLOTS; i++)
		found |= (slot_is(entry - 2, i, mask, what) & 1) << i;
	return found;
}

static __always_inline u64 chunk_ready(u64 mapping, u64 number, u64 mask)
{
	return chunk_is(mapping, number, mask, PAGE_READY);
}

/* The folio with page @index; 0: none. */
__noinline u64 folio_at(u64 mapping, u64 index)
{
	u64 entry = xa_walk(mapping, index);

	if (xa_internal(entry))
		entry = xa_entry(entry - 2, index);
	return entry & 3 ? 0 : entry;
}

/* The folio with page @index that a fault would map whole; 0: only pages one by one. */
__noinline u64 whole_folio(u64 mapping, u64 index, u64 file_pages)
{
	u64 entry;

	if (!folios_mapped_whole())
		return 0;
	entry = xa_walk(mapping, index);
	if (xa_internal(entry))
		entry = xa_entry(entry - 2, index);
	if (!entry || entry & 3 || !(page_flags(entry) & PAGE_BIT(PG_uptodate)))
		return 0;
	return folio_index(entry) + folio_pages(entry) < file_pages ? entry : 0;
}

#endif
