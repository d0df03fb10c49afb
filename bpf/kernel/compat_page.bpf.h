/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Differences between kernels in pages, folios and what stands behind an inode; otherwise like
 * compat.bpf.h, which see.
 */
#ifndef IOSONDE_COMPAT_PAGE_BPF_H
#define IOSONDE_COMPAT_PAGE_BPF_H

#include "bpf/kernel/compat.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/*
 * 5.16 (7b230db3b8d3): struct folio. Pages keep their flags and mapping; the index moved there
 * for good in 6.18.
 */
struct page___pre_v5_16 {
	unsigned long index;
};

struct folio___since_v5_16 {
	unsigned long index;
};

/* 5.11 (bcfe06bf2622): page.mem_cgroup became memcg_data, with two bits that say what it is. */
struct page___pre_v5_11 {
	struct mem_cgroup *mem_cgroup;
};

struct page___since_v5_11 {
	unsigned long memcg_data;
};

/* 6.18 (53fbef56e07d): page.flags is a struct around the same word. */
struct page___pre_v6_18 {
	unsigned long flags;
};

struct page___since_v6_18 {
	struct {
		unsigned long f;
	} flags;
};

/* 7.1: page.compound_head became compound_info, which may be a mask instead of an address. */
struct page___pre_v7_1 {
	unsigned long compound_head;
};

struct page___since_v7_1 {
	unsigned long compound_info;
};

/* 6.15: folio._folio_nr_pages became _nr_pages. */
struct folio___pre_v6_15 {
	unsigned int _folio_nr_pages;
};

struct folio___since_v6_15 {
	unsigned int _nr_pages;
};

/* 6.10: the bits of page.flags were put in another order; an enum names them. */
enum pageflags {
	PG_locked,
	PG_writeback,
	PG_head,
	PG_uptodate,
	PG_reclaim,
};

/* 6.18: super_block.s_mounts became the first mount itself. */
struct super_block___pre_v6_18 {
	struct list_head s_mounts;
};

struct super_block___since_v6_18 {
	struct mount *s_mounts;
};

struct mount___pre_v6_18 {
	struct list_head mnt_instance;
};

struct mount___since_v6_18 {
	struct mount *mnt_next_for_sb;
};

/* 7.1: dentry.d_u has no name any more. */
struct dentry___pre_v7_1 {
	struct {
		struct hlist_node d_alias;
	} d_u;
	void *d_wait; /* the queue of those who wait until the filesystem has answered */
};

struct dentry___since_v7_1 {
	struct hlist_node d_alias;
};

/* 6.16: bits of dentry.d_flags, which have moved before, got names. */
enum dentry_flags___since_v6_16 {
	DCACHE_PAR_LOOKUP___since_v6_16 = 1, /* the kernel's own value is taken */
};

/* 5.15 (f4b896c213f0): iomap_apply() became struct iomap_iter. */
struct iomap_iter___since_v5_15 {
	struct inode *inode;
	s64 pos;
	u64 len;
	unsigned int flags;
};

#pragma clang attribute pop

/* --- pages and folios: a page's address stands for its folio if it is the first one --- */
#define PAGE_BIT(name) (1UL << bpf_core_enum_value(enum pageflags, name))

static __always_inline u64 page_flags(u64 page)
{
	const struct page___since_v6_18 *now = (const void *)page;
	const struct page___pre_v6_18 *old = (const void *)page;

	if (bpf_core_field_exists(now->flags.f))
		return BPF_CORE_READ(now, flags.f);
	return BPF_CORE_READ(old, flags);
}

/* The first page of @page's folio. */
static __always_inline u64 page_head(u64 page)
{
	const struct page___since_v7_1 *now = (const void *)page;
	const struct page___pre_v7_1 *old = (const void *)page;
	u64 info;

	if (bpf_core_field_exists(now->compound_info))
		info = BPF_CORE_READ(now, compound_info);
	else
		info = BPF_CORE_READ(old, compound_head);
	if (!(info & 1))
		return page;
	return info >> 32 == 0xffffffff ? page & info : info - 1;
}

/* What folio @head is charged to. Not for 7.x, where events tell the cgroup. */
static __always_inline u64 page_memcg(u64 head)
{
	const struct page___since_v5_11 *now = (const void *)head;
	const struct page___pre_v5_11 *old = (const void *)head;

	if (bpf_core_field_exists(old->mem_cgroup))
		return (u64)BPF_CORE_READ(old, mem_cgroup);
	return BPF_CORE_READ(now, memcg_data) & ~3ULL;
}

/* Where in its file the folio @head begins, in pages. */
static __always_inline u64 folio_index(u64 head)
{
	const struct folio___since_v5_16 *now = (const void *)head;
	const struct page___pre_v5_16 *old = (const void *)head;

	if (bpf_core_field_exists(now->index))
		return BPF_CORE_READ(now, index);
	return BPF_CORE_READ(old, index);
}

static __always_inline u32 folio_pages(u64 head)
{
	const struct folio___since_v6_15 *now = (const void *)head;
	const struct folio___pre_v6_15 *old = (const void *)head;

	if (!(page_flags(head) & PAGE_BIT(PG_head)))
		return 1;
	if (bpf_core_field_exists(now->_nr_pages))
		return BPF_CORE_READ(now, _nr_pages);
	if (bpf_core_field_exists(old->_folio_nr_pages))
		return BPF_CORE_READ(old, _folio_nr_pages);
	return 1;
}

/*
 * Does a fault map the whole of a large folio, wherever in it the fault was? 6.18 (357b92761d94,
 * 19773df031bc); nothing in BTF tells but what else changed in pages then.
 */
static __always_inline bool folios_mapped_whole(void)
{
	return bpf_core_field_exists(((struct page___since_v6_18 *)0)->flags.f);
}

/* Apart and not inlined: clang would take what one kernel lacks out of the branch that asks. */
static __noinline u64 next_mount_chained(u64 sb, u64 mount)
{
	if (!mount)
		return (u64)BPF_CORE_READ((struct super_block___since_v6_18 *)sb, s_mounts);
	return (u64)BPF_CORE_READ((struct mount___since_v6_18 *)mount, mnt_next_for_sb);
}

static __noinline u64 next_mount_listed(u64 sb, u64 mount)
{
	struct super_block___pre_v6_18 *old = (void *)sb;
	u64 at;

	if (!mount)
		at = (u64)BPF_CORE_READ(old, s_mounts.next);
	else
		at = (u64)BPF_CORE_READ((struct mount___pre_v6_18 *)mount, mnt_instance.next);
	if (!at || at == sb + bpf_core_field_offset(old->s_mounts))
		return 0;
	return at - bpf_core_field_offset(struct mount___pre_v6_18, mnt_instance);
}

/* The mount of @sb behind @mount (0: the first), by its address; 0: there are no more. */
static __always_inline u64 next_mount(u64 sb, u64 mount)
{
	if (bpf_core_field_exists(((struct mount___since_v6_18 *)0)->mnt_next_for_sb))
		return next_mount_chained(sb, mount);
	return next_mount_listed(sb, mount);
}

/* Is the filesystem being asked for this one, which d_alloc_parallel() made, by who gave it @wq? */
static __always_inline bool dentry_waits_in(const struct dentry *dentry, u64 wq)
{
	return (u64)BPF_CORE_READ((const struct dentry___pre_v7_1 *)dentry, d_wait) == wq;
}

/* The same since 7.1, where there is no queue. */
static __always_inline bool dentry_in_lookup(const struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_flags) &
	       bpf_core_enum_value(enum dentry_flags___since_v6_16,
				   DCACHE_PAR_LOOKUP___since_v6_16);
}

/* A name of @inode, by the address of its dentry; 0 if it has none. */
static __always_inline u64 first_alias(const struct inode *inode)
{
	u64 node = (u64)BPF_CORE_READ(inode, i_dentry.first);

	if (!node)
		return 0;
	if (bpf_core_field_exists(((struct dentry___pre_v7_1 *)0)->d_u))
		return node - bpf_core_field_offset(struct dentry___pre_v7_1, d_u.d_alias);
	return node - bpf_core_field_offset(struct dentry___since_v7_1, d_alias);
}

#endif
