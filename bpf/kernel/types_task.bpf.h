/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Tasks, what classic tracepoints pass, and cgroups: a part of types.bpf.h. */
#ifndef IOSONDE_TYPES_TASK_BPF_H
#define IOSONDE_TYPES_TASK_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- tasks --- */
typedef struct {
	unsigned int val;
} kuid_t;

struct thread_info {
	unsigned long flags;
	unsigned int status; /* TS_COMPAT; x86 */
};

struct cred {
	kuid_t uid;
};

struct ns_common {
	unsigned int inum;
};

/* 6.18 keeps here what mount namespaces had as seq. */
struct ns_common___since_v6_18 {
	u64 ns_id;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct mnt_namespace {
	struct ns_common ns;
};

struct mnt_namespace___pre_v6_18 {
	u64 seq;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

typedef struct {
	s64 counter;
} atomic64_t;

struct kioctx_table;

struct mm_struct {
	unsigned long start_code;
	unsigned long end_code;
	unsigned long start_stack;
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_end;
	struct file *exe_file;
	struct kioctx_table *ioctx_table;
	atomic64_t pgtables_bytes;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct sigaction {
	void *sa_handler;
	unsigned long sa_flags;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct sigpending shared_pending;
	short oom_score_adj;
	struct mm_struct *oom_mm;
};

struct seccomp {
	int mode;
};

struct sched_info {
	unsigned long long run_delay;
};

struct rq {
	int cpu;
};

struct cfs_rq {
	struct rq *rq; /* CONFIG_FAIR_GROUP_SCHED, as the way here */
};

struct sched_entity {
	u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
};

struct task_io_accounting {
	u64 rchar;
	u64 wchar;
	u64 syscr;
	u64 syscw;
	u64 read_bytes;
};

struct task_struct {
	struct thread_info thread_info;
	unsigned int flags;
	void *stack;
	int prio;
	int pid;
	int tgid;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	int exit_code;
	u64 start_time;
	const struct cred *cred;
	char comm[COMM_LEN];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	sigset_t blocked;
	struct sigpending pending;
	unsigned int ptrace;
	struct seccomp seccomp;
	struct css_set *cgroups;
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long maj_flt;
	struct sched_entity se;
	struct sched_info sched_info;
	struct bio_list *bio_list;
	struct task_io_accounting ioac;
	int pagefault_disabled;
};

/* --- what classic tracepoints pass: include/trace/events/ --- */
struct trace_entry {
	int pid;
};

struct trace_event_raw_task_newtask {
	struct trace_entry ent;
	int pid;
	unsigned long clone_flags;
};

struct trace_event_raw_mm_vmscan_direct_reclaim_begin_template {
	struct trace_entry ent;
	int order;
};

struct trace_event_raw_mm_vmscan_node_reclaim_begin {
	struct trace_entry ent;
	int order;
};

struct trace_event_raw_mm_vmscan_direct_reclaim_end_template {
	struct trace_entry ent;
	unsigned long nr_reclaimed;
};

struct trace_event_raw_sys_enter {
	struct trace_entry ent;
	long id;
};

struct trace_event_raw_sys_exit {
	struct trace_entry ent;
	long id;
	long ret;
};

/* --- cgroups --- */
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct kernfs_node {
	u64 id;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	int level;
	struct cgroup_root *root;
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4,
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[1];
};

/* The numbers are those of the kernel that runs. */
enum vm_event_item {
	PSWPIN = 2,
	PSWPOUT = 3,
};

enum node_stat_item {
	WORKINGSET_REFAULT_ANON = 10,
	WORKINGSET_REFAULT_FILE = 11,
	PGSTEAL_DIRECT = 12,
};

struct page_counter {
	atomic64_t usage;
	unsigned long high;
	unsigned long max;
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	union {
		struct page_counter swap;  /* v2 */
		struct page_counter memsw; /* v1: both */
	};
};

struct kmem_cache {
	const char *name;
	unsigned int size;
};

#pragma clang attribute pop

#endif
