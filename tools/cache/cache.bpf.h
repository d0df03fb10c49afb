/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Pages that reads, faults and writes find in memory, and those that had to be brought. */
#ifndef IOSONDE_CACHE_BPF_H
#define IOSONDE_CACHE_BPF_H

#include "bpf/core/others.bpf.h"

#include "tools/cache/brought.bpf.h"
#include "tools/cache/cache.h"
#include "tools/cache/uses.bpf.h"

const volatile struct cache_cfg cfg;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries,
	       10240); /* there from the start: pages are dirtied where nothing may wait */
	__type(key, struct cache_key);
	__type(value, struct cache_value);
} cache_rows SEC(".maps");

OTHERS_MAP(struct cache_value);

static __always_inline void row_group(struct cache_key *key, struct cache_value *value, u64 inode)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (cfg.by_process) {
		key->pid = current_ids() >> 32;
		value->uid = bpf_get_current_uid_gid();
		comm_of_task(BPF_CORE_READ(task, group_leader), value->comm);
	} else if (cfg.by_cgroup) {
		key->group = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	} else if (cfg.by_file) {
		file_id_of(&value->file, inode, 0);
		key->group = value->file.id;
	}
}

/* Not inlined: what it has on the stack is too much below what names take there. */
static __noinline struct cache_value *row_of(u64 inode)
{
	struct cache_value begun = {}, *value;
	struct cache_key key = { .epoch = epoch };

	row_group(&key, &begun, inode);
	value = bpf_map_lookup_elem(&cache_rows, &key);
	if (value)
		return value;
	bpf_map_update_elem(&cache_rows, &key, &begun, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&cache_rows, &key);
	return value ? value : others_of(key.epoch);
}

/* @n pages of @mapping were used, @misses of them for the first time; or became dirty. */
__noinline int count_pages(u64 mapping, u64 n, u64 misses, u32 dirtied)
{
	u64 inode = host_of(mapping);
	struct cache_value *value;

	if (!n || !inode || !target_match(current_ids()))
		return 0;
	if (misses > n)
		misses = n;
	value = row_of(inode);
	if (!value) {
		COUNT_EVENTS(lost_state, n);
		return 0;
	}
	if (cfg.by_file && value->file.id)
		name_inode(value->file.id, inode);
	__sync_fetch_and_add(&value->sums.pages, n);
	if (dirtied) {
		__sync_fetch_and_add(&value->sums.dirtied, n);
		__sync_fetch_and_add(&value->sums.write_hits, n - misses);
	} else {
		__sync_fetch_and_add(&value->sums.reads, n);
		__sync_fetch_and_add(&value->sums.hits, n - misses);
		__sync_fetch_and_add(&value->sums.misses, misses);
	}
	COUNT_N(generated, n);
	return 0;
}

static __always_inline void pages_read(u64 mapping, u64 first, u64 last)
{
	count_pages(mapping, last - first + 1, range_take(mapping, first, last, CHUNK_USED), 0);
}

static __always_inline void pages_mapped(u64 mapping, u64 number, u64 mask)
{
	count_pages(mapping, n_bits(mask), chunk_take(mapping, number, mask, CHUNK_USED), 0);
}

static __always_inline void pages_dirtied(u64 mapping, u64 first, u64 last)
{
	count_pages(mapping, last - first + 1, range_take(mapping, first, last, CHUNK_USED), 1);
}

static __always_inline void pages_come(u64 mapping, u64 first, u64 last)
{
	range_put(mapping, first, last);
}

static __always_inline void pages_go(u64 mapping, u64 first, u64 last)
{
	range_take(mapping, first, last, CHUNK_GONE);
}

#endif
