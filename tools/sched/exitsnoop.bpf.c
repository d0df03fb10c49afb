/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/exitsnoop.h"

#include "bpf/core/filter.bpf.h"

#define SIGNAL_GROUP_EXIT 4 /* include/linux/sched/signal.h */
#define CORE_DUMPED	  0x80

const volatile struct exit_cfg cfg;

/* A process, by what no other has at the same time: numbers of threads are used again. */
struct exit_told {
	u64 signal;
	u64 start_ns;
};

/* Of which a row has been made. A process needs its place for as long as its last threads take. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct exit_told);
	__type(value, u32);
} exits_told SEC(".maps");

/*
 * Is @task the last of its process, and the first to say so? do_exit() takes each thread off before
 * this point, so that two that end at the same time both find nobody left.
 */
static __always_inline bool is_last(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct exit_told told = { .signal = (u64)signal };
	u32 once = 1;

	if (BPF_CORE_READ(signal, live.counter))
		return false;
	told.start_ns = BPF_CORE_READ(task, group_leader, start_time);
	return !bpf_map_update_elem(&exits_told, &told, &once, BPF_NOEXIST);
}

/*
 * What wait() will tell of the process (kernel/exit.c, wait_task_zombie()); of a thread, when each
 * is shown, what it ended with itself.
 */
static __always_inline u32 exit_status(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (cfg.threads)
		return BPF_CORE_READ(task, exit_code);
	if (BPF_CORE_READ(signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

static __always_inline void set_event(struct exit_event *e, struct task_struct *task, u64 ids,
				      u32 status)
{
	struct task_struct *who = cfg.threads ? task : BPF_CORE_READ(task, group_leader);

	rec_init(&e->rec, REC_ROW);
	e->pid = ids >> 32;
	e->tid = ids;
	e->ppid = task_ids(BPF_CORE_READ(task, real_parent)) >> 32;
	e->uid = bpf_get_current_uid_gid();
	e->age_ns = e->rec.ts_ns - BPF_CORE_READ(who, start_time);
	e->sig = status & 0x7f;
	e->code = e->sig ? -1 : (s32)(status >> 8 & 0xff);
	e->core = status & CORE_DUMPED ? 1 : 0;
	bpf_probe_read_kernel_str(e->comm, COMM_LEN, &who->comm);
}

CURRENT_EVENT(exit_done, "sched_process_exit")
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 ids = current_ids();
	struct exit_event e = {};
	u32 status;

	if (!target_match(ids) || (!cfg.threads && !is_last(task)))
		return 0;
	status = exit_status(task);
	if (cfg.failed_only && !status) {
		COUNT_EVENT(filtered);
		return 0;
	}
	set_event(&e, task, ids, status);
	emit_event(&e, sizeof(e));
	return 0;
}
