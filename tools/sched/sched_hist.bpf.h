/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Counting a task's stretch of time by what the options ask for. All of it happens inside the
 * scheduler, so the map is preallocated, and sized by how many keys can be expected.
 */
#ifndef IOSONDE_SCHED_HIST_BPF_H
#define IOSONDE_SCHED_HIST_BPF_H

#include "bpf/core/filter_task.bpf.h"
#include "bpf/core/hist.bpf.h"

#include "tools/sched/sched_hist.h"

const volatile struct sched_hist_cfg cfg;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct sched_hist_key);
	__type(value, struct hist_value);
} stretches SEC(".maps");

OTHERS_MAP(struct hist_value);

const volatile struct hist_value stretches_zero;

static __always_inline u32 pidns_of(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid upid = {};

	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	return BPF_CORE_READ(upid.ns, ns.inum);
}

static __always_inline void sched_hist_key(struct sched_hist_key *key, struct task_struct *task,
					   u32 cause)
{
	u64 ids = cfg.by_process || cfg.by_thread ? task_ids(task) : 0;

	key->epoch = epoch;
	key->cpu = bpf_get_smp_processor_id();
	if (cfg.by_process || cfg.by_thread)
		key->pid = ids >> 32;
	if (cfg.by_process && !cfg.by_thread)
		comm_of_task(BPF_CORE_READ(task, group_leader), key->comm);
	if (cfg.by_thread) {
		key->tid = ids;
		comm_of_task(task, key->comm);
	}
	if (cfg.by_pidns)
		key->pidns = pidns_of(task);
	if (cfg.by_cgroup)
		key->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	if (cfg.extended)
		key->cause = cause;
}

/* Counts @ns of @task, an event. */
static __always_inline void sched_hist_count(struct task_struct *task, u32 cause, u64 ns)
{
	struct sched_hist_key key = {};
	struct hist_value *h;

	sched_hist_key(&key, task, cause);
	h = hist_entry_of(&stretches, &stretches, &others, &key, (const void *)&stretches_zero);
	if (hist_count_in(h, ns, cfg.scale, cfg.linear_ns))
		COUNT(generated);
	else
		COUNT_EVENT(lost_state);
}

#endif
