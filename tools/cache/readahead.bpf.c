/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A page was read ahead if it came into memory while its thread was in the functions that bring the
 * pages of a window; where those can't be hooked: if it is one of the window that a tracepoint
 * told.
 */
#include "tools/cache/ahead.bpf.h"

/* --- windows --- */

static __always_inline struct cache_state *ahead_state(void)
{
	return target_match(current_ids()) ? state_here() : NULL;
}

static __always_inline int ahead_begins(void)
{
	struct cache_state *st = ahead_state();

	if (st)
		st->ahead_depth++;
	return 0;
}

static __always_inline int ahead_ends(void)
{
	struct cache_state *st = cache_of(current_task());

	if (st && st->ahead_depth)
		st->ahead_depth--;
	return 0;
}

SEC("fentry/page_cache_ra_unbounded")
int BPF_PROG(ahead_window_enter)
{
	return ahead_begins();
}

SEC("fexit/page_cache_ra_unbounded")
int BPF_PROG(ahead_window_leave)
{
	return ahead_ends();
}

/* Since 5.18: folios of several pages. */
SEC("fentry/page_cache_ra_order")
int BPF_PROG(ahead_window_order_enter)
{
	return ahead_begins();
}

SEC("fexit/page_cache_ra_order")
int BPF_PROG(ahead_window_order_leave)
{
	return ahead_ends();
}

static __always_inline int window_told(u64 inode, u64 first, u64 n)
{
	struct cache_state *st = ahead_state();

	if (!st || !n)
		return 0;
	st->ahead.mapping = inode;
	st->ahead.first = first;
	st->ahead.last = first + n - 1;
	return 0;
}

SEC("tp_btf/page_cache_ra_unbounded")
int BPF_PROG(ahead_window_told, struct inode *inode, unsigned long first, unsigned long n)
{
	return window_told(address_of(inode), first, n);
}

SEC("tp_btf/page_cache_ra_order")
int BPF_PROG(ahead_window_order_told, struct inode *inode, unsigned long first,
	     struct file_ra_state *ra)
{
	return window_told(address_of(inode), first, BPF_CORE_READ(ra, size));
}

/* --- pages --- */

static __always_inline bool read_ahead(const struct cache_state *st, u64 inode, u64 first, u64 last)
{
	return st->ahead_depth ||
	       (st->ahead.mapping == inode && first <= st->ahead.last && last >= st->ahead.first);
}

static __always_inline void pages_come(u64 mapping, u64 first, u64 last)
{
	struct cache_state *st = cache_of(current_task());
	u64 inode = host_of(mapping);
	struct file_id id = {};

	if (!st || !inode || !read_ahead(st, inode, first, last))
		return;
	if (cfg.by_file) {
		file_id_of(&id, inode, 0);
		name_inode(id.id, inode);
	}
	range_put(mapping, first, last);
}

static __always_inline void pages_go(u64 mapping, u64 first, u64 last)
{
	range_take(mapping, first, last, CHUNK_GONE);
}

static __always_inline void pages_read(u64 mapping, u64 first, u64 last)
{
	range_take(mapping, first, last, CHUNK_USED);
}

static __always_inline void pages_dirtied(u64 mapping, u64 first, u64 last)
{
	range_take(mapping, first, last, CHUNK_USED);
}

static __always_inline void pages_mapped(u64 mapping, u64 number, u64 mask)
{
	chunk_take(mapping, number, mask, CHUNK_USED);
}
