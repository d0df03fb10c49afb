/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The target filter. Everything that isn't asked for is dead code to the verifier, for the
 * configuration is read-only data. The set of processes (-p, and the descendants of -- CMD) is
 * keyed by number and kept right by the programs at the end.
 */
#ifndef IOSONDE_FILTER_BPF_H
#define IOSONDE_FILTER_BPF_H

#include "bpf/core/core.bpf.h"

const volatile struct target_cfg target;

struct target_page {
	u8 state[TARGET_PAGE];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TARGET_PAGES);
	__type(key, u32);
	__type(value, struct target_page);
} target_tgids SEC(".maps");

static __always_inline u8 *target_state_of(u32 tgid)
{
	u32 page = tgid / TARGET_PAGE;
	u64 at = tgid;
	struct target_page *p = bpf_map_lookup_elem(&target_tgids, &page);

	BOUND(at, TARGET_PAGE - 1);
	return p ? &p->state[at] : NULL;
}

/* 1: target.only_tgid is the number of somebody else by now. */
u32 target_reused;

/* Processes that those of -p made, and that aren't followed. */
u32 target_children;

/* @pid's number in the namespace with inode target.pidns_ino; 0 if it has none there. */
static __always_inline u32 pid_in_ns(struct pid *pid)
{
	u32 level = BPF_CORE_READ(pid, level);
	struct upid upid;

	for (u32 i = 0; i < 32 && i <= level; i++) { /* MAX_PID_NS_LEVEL */
		bpf_core_read(&upid, sizeof(upid), &pid->numbers[i]);
		if (BPF_CORE_READ(upid.ns, ns.inum) == target.pidns_ino)
			return upid.nr;
	}
	return 0;
}

/* tgid << 32 | tid of @task, as iosonde's own pid namespace numbers them. */
static __always_inline u64 task_ids(struct task_struct *task)
{
	u64 tgid, tid;

	if (target.flags & TARGET_PIDNS) {
		tgid = pid_in_ns(BPF_CORE_READ(task, group_leader, thread_pid));
		tid = pid_in_ns(BPF_CORE_READ(task, thread_pid));
	} else {
		tgid = (u32)BPF_CORE_READ(task, tgid);
		tid = (u32)BPF_CORE_READ(task, pid);
	}
	return tgid << 32 | tid;
}

/* The same of @here, which is current_task(); @flags are target.flags. */
static __always_inline u64 ids_by_flags(struct task_struct *here, u32 flags)
{
	if (flags & TARGET_PIDNS)
		return task_ids(here);
	if (HAVE_TASK_BTF())
		return (u64)(u32)here->tgid << 32 | (u32)here->pid;
	return bpf_get_current_pid_tgid();
}

static __always_inline u64 ids_of(struct task_struct *here)
{
	return ids_by_flags(here, target.flags);
}

static __always_inline u64 current_ids(void)
{
	if (target.flags & TARGET_PIDNS)
		return task_ids((struct task_struct *)bpf_get_current_task());
	return bpf_get_current_pid_tgid();
}

/* Does the command's name @comm match glob @which? */
static __always_inline bool comm_matches(const char *comm, u32 which)
{
	u32 state = 1;

	for (int i = 0; i < COMM_LEN && comm[i]; i++)
		state = (state & target.comms[which].mask[(u8)comm[i]]) << 1 |
			(state & target.comms[which].loops);
	return state & target.comms[which].accept;
}

/* How deep --cgroup's is in the hierarchy, and one; 0: none below it was met so far. */
u32 target_cgroup_level;

#define CGROUP_LEVELS 512 /* that are looked through to find it */

/* Looks for it above the cgroup at @address, which is at @level. */
__noinline int find_cgroup_level(u64 address, u32 level)
{
	for (u32 i = 0; i < CGROUP_LEVELS; i++) {
		if (i > level)
			break;
		if (cgroup_ancestor_id((struct cgroup *)address, i) != target.cgroup_id)
			continue;
		target_cgroup_level = i + 1;
		return 1;
	}
	if (level >= CGROUP_LEVELS)
		COUNT(null_helper);
	return 0;
}

/* Is @cgrp that of --cgroup, or below it? However deep: each cgroup knows all that it is in. */
static __always_inline bool cgroup_wanted(struct cgroup *cgrp)
{
	u32 level = BPF_CORE_READ(cgrp, level), known = *(volatile u32 *)&target_cgroup_level;

	if (!cgrp)
		return false;
	if (!known)
		return find_cgroup_level(address_of(cgrp), level);
	return level >= known - 1 && cgroup_ancestor_id(cgrp, known - 1) == target.cgroup_id;
}

static __always_inline bool in_cgroup(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return cgroup_wanted(BPF_CORE_READ(task, cgroups, dfl_cgrp));
}

static __always_inline bool comm_wanted(void)
{
	char comm[COMM_LEN];

	if (bpf_get_current_comm(comm, sizeof(comm)))
		return false;
	for (u32 i = 0; i < MAX_COMM_GLOBS; i++)
		if (i < target.n_comms && comm_matches(comm, i))
			return true;
	return false;
}

/* Is the process among those of -p and -- CMD? */
static __always_inline bool target_process(u32 tgid)
{
	u8 *state = target_state_of(tgid);

	return state && (*state & TARGET_STATE) >= TARGET_LIVE;
}

static __always_inline bool target_thread(u32 tid)
{
	u8 *state = target_state_of(tid);

	return state && *state & TARGET_NAMED;
}

/* Is it one of those, or were none named? */
static __always_inline bool among_processes(u32 tgid, u32 flags)
{
	if (flags & TARGET_ONE)
		return tgid == target.only_tgid && !*(volatile u32 *)&target_reused;
	return !(flags & TARGET_PID) || target_process(tgid);
}

#define TARGET_SELDOM (TARGET_TID | TARGET_UID | TARGET_CGROUP | TARGET_MNTNS | TARGET_COMM)

static __always_inline bool target_match_seldom(u32 tid)
{
	if ((target.flags & TARGET_TID) && !target_thread(tid))
		return false;
	if ((target.flags & TARGET_UID) && (u32)bpf_get_current_uid_gid() != target.uid)
		return false;
	if ((target.flags & TARGET_CGROUP) && !in_cgroup())
		return false;
	if (target.flags & TARGET_MNTNS) {
		struct task_struct *task = (struct task_struct *)bpf_get_current_task();

		if (BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != target.mntns_ino)
			return false;
	}
	return !(target.flags & TARGET_COMM) || comm_wanted();
}

/*
 * Is the current thread a target? @ids as current_ids() gave them. What isn't asked for is dead
 * code, but the look at the flag stays: one for all that is seldom asked for.
 */
static __always_inline bool target_match_by_flags(u64 ids, u32 flags)
{
	u32 tgid = ids >> 32;

	if (!(flags & (TARGET_ONE | TARGET_SELF)) && tgid == target.self_tgid)
		return false;
	if (!among_processes(tgid, flags))
		return false;
	return !(flags & TARGET_SELDOM) || target_match_seldom(ids);
}

static __always_inline bool target_match(u64 ids)
{
	return target_match_by_flags(ids, target.flags);
}

/*
 * Numbers are used again. An entry stands for whoever had the number when it was made, and goes
 * when somebody else gets it, which is at fork. So a thread is a target to its very end, wherever
 * in its exit a program looks, and no stranger ever is one. With -- CMD and --children the same
 * program adds the children of the set's processes; with -- CMD the one at exec begins it. The
 * engine leaves them out otherwise. Where programs at tp_btf can be preempted, and others are then
 * skipped, it takes those whose names end in _tp: at classic tracepoints, and for fork at another
 * hook, inside the scheduler, for the classic one doesn't say whether it is a thread.
 */

/* A process of tgid @from has made a thread, or another process, which has the numbers @to. */
static __always_inline void numbered(u32 from, u32 to_tgid, u32 to_tid)
{
	u8 *parent = target_state_of(from), *state = target_state_of(to_tid);

	if (!parent || !state)
		return;
	if (from == to_tgid) { /* a thread: its process is a member already */
		if (*state & TARGET_NAMED)
			*state &= ~TARGET_NAMED;
		return;
	}
	if ((*parent & TARGET_STATE) == TARGET_FIXED)
		__sync_fetch_and_add(&target_children, 1);
	if ((target.flags & TARGET_TREE) && (*parent & TARGET_STATE) == TARGET_LIVE)
		*state = TARGET_LIVE;
	else if (*state)
		*state = 0;
	if ((target.flags & TARGET_ONE) && to_tgid == target.only_tgid)
		*(volatile u32 *)&target_reused = 1;
}

static __always_inline void forked(struct task_struct *parent, struct task_struct *child)
{
	u64 to = task_ids(child);

	numbered(task_ids(parent) >> 32, to >> 32, to);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(target_fork, struct task_struct *parent, struct task_struct *child)
{
	forked(parent, child);
	return 0;
}

/* Before the child runs for the first time; the parent is current. */
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(target_fork_tp, struct task_struct *child)
{
	forked((struct task_struct *)bpf_get_current_task(), child);
	return 0;
}

#define CLONE_THREAD 0x00010000

/* Where no types say what a hook passes. Without the task it has no number in another namespace. */
SEC("tp/task/task_newtask")
int target_fork_newtask(struct trace_event_raw_task_newtask *ctx)
{
	u32 tgid = current_ids() >> 32;

	numbered(tgid, ctx->clone_flags & CLONE_THREAD ? tgid : ctx->pid, ctx->pid);
	return 0;
}

CURRENT_EVENT(target_exec, "sched_process_exec")
{
	u8 *state = target_state_of(current_ids() >> 32);

	if (state && *state == TARGET_HELD)
		*state = TARGET_LIVE;
	return 0;
}

#endif
