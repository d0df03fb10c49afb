/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The target filter for a task that isn't the current one: whom a waker wakes, whom the scheduler
 * takes next. It is asked what target_match() asks, of the task itself.
 */
#ifndef IOSONDE_FILTER_TASK_BPF_H
#define IOSONDE_FILTER_TASK_BPF_H

#include "bpf/core/filter.bpf.h"

static __always_inline void comm_of_task(struct task_struct *task, char *comm)
{
	bpf_probe_read_kernel_str(comm, COMM_LEN, &task->comm);
}

static __always_inline bool task_comm_wanted(struct task_struct *task)
{
	char comm[COMM_LEN] = "";

	comm_of_task(task, comm);
	for (u32 i = 0; i < MAX_COMM_GLOBS; i++)
		if (i < target.n_comms && comm_matches(comm, i))
			return true;
	return false;
}

static __always_inline bool target_match_task_seldom(struct task_struct *task, u32 tid)
{
	if ((target.flags & TARGET_TID) && !target_thread(tid))
		return false;
	if ((target.flags & TARGET_UID) && BPF_CORE_READ(task, cred, uid.val) != target.uid)
		return false;
	if ((target.flags & TARGET_CGROUP) &&
	    !cgroup_wanted(BPF_CORE_READ(task, cgroups, dfl_cgrp)))
		return false;
	if ((target.flags & TARGET_MNTNS) &&
	    BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != target.mntns_ino)
		return false;
	return !(target.flags & TARGET_COMM) || task_comm_wanted(task);
}

/* Is @task, whose ids task_ids() gave, a target? */
static __always_inline bool target_match_task(struct task_struct *task, u64 ids)
{
	u32 tgid = ids >> 32, flags = target.flags;

	if (!(flags & (TARGET_ONE | TARGET_SELF)) && tgid == target.self_tgid)
		return false;
	if (!among_processes(tgid, flags))
		return false;
	return !(flags & TARGET_SELDOM) || target_match_task_seldom(task, ids);
}

#endif
