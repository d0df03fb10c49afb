/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Memory cgroups: which one a task is charged to, and whose limit it meets. */
#ifndef IOSONDE_MEMCG_BPF_H
#define IOSONDE_MEMCG_BPF_H

#include "bpf/core/filter_task.bpf.h"

#define MEMCG_LEVELS	 64	      /* that are looked through for a limit */
#define MEMCG_NO_LIMIT	 (1ULL << 50) /* in pages; PAGE_COUNTER_MAX is just below 2^51 */
#define MEMCG_LIMIT_MAX	 0
#define MEMCG_LIMIT_HIGH 1 /* memory.high, too */

/* The id of @cgrp, as columns of unit U_CGROUP have it. */
static __always_inline u64 cgroup_column_id(struct cgroup *cgrp)
{
	u64 id = BPF_CORE_READ(cgrp, kn, id);

	return id && BPF_CORE_READ(cgrp, root, hierarchy_id) ? id | CGROUP_MEMORY_V1 : id;
}

/* @task's memory cgroup; NULL without that controller. */
static __always_inline struct mem_cgroup *memcg_of(struct task_struct *task)
{
	u64 set = (u64)BPF_CORE_READ(task, cgroups), css = 0;

	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	set += bpf_core_field_offset(struct css_set, subsys);
	set += bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) * sizeof(void *);
	bpf_probe_read_kernel(&css, sizeof(css), (void *)set);
	return css ? (void *)(css - bpf_core_field_offset(struct mem_cgroup, css)) : NULL;
}

static __always_inline u64 memcg_id(struct mem_cgroup *memcg)
{
	return memcg ? cgroup_column_id(BPF_CORE_READ(memcg, css.cgroup)) : 0;
}

/* The cgroup that @task is in: of v2, or where memory has a hierarchy of its own, in that. */
static __always_inline u64 cgroup_of(struct task_struct *task)
{
	u64 id = memcg_id(memcg_of(task));

	if (id & CGROUP_MEMORY_V1)
		return id;
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

/* How many pages @memcg may still have; of unlimited ones a very large number. */
static __always_inline s64 memcg_room(struct mem_cgroup *memcg, u32 limit)
{
	u64 max = BPF_CORE_READ(memcg, memory.max), high = BPF_CORE_READ(memcg, memory.high);

	if (limit == MEMCG_LIMIT_HIGH && high < max)
		max = high;
	if (max >= MEMCG_NO_LIMIT)
		return MEMCG_NO_LIMIT;
	return (s64)max - BPF_CORE_READ(memcg, memory.usage.counter);
}

/*
 * Of the memory cgroup at @address and those above it the one with the least room below its limit:
 * where one of them has just run out, that one. 0: none is limited. Global, for its loop.
 */
__noinline u64 memcg_tightest(u64 address, u32 limit)
{
	s64 least = MEMCG_NO_LIMIT;
	u64 css, tightest = 0;

	for (u32 i = 0; i < MEMCG_LEVELS && address; i++) {
		struct mem_cgroup *memcg = (void *)address;
		s64 room = memcg_room(memcg, limit);

		if (room < least) {
			least = room;
			tightest = address;
		}
		css = (u64)BPF_CORE_READ(memcg, css.parent);
		address = css ? css - bpf_core_field_offset(struct mem_cgroup, css) : 0;
	}
	return tightest;
}

#endif
