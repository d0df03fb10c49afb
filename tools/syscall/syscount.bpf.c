/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every system call that begins and ends while it is traced, or that its thread dies in: what the
 * entry stored says which call it was, for an exec may leave by another number, and a return from
 * a signal handler leaves by none.
 */
#include "bpf/filter.bpf.h"
#include "bpf/others.bpf.h"
#include "bpf/syscall.bpf.h"
#include "bpf/task_state.bpf.h"

#include "tools/syscall/syscount.h"

#define MAX_ERRNO 4095

const volatile struct syscount_cfg cfg;

/* A call under way. */
struct call_state {
	u64 start_ns;
	u64 call; /* SYSCALL_IN_RECORD() */
	u32 pid;
	u32 inside;
};

TASK_STATE(calls, struct call_state, 32768)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct syscount_key);
	__type(value, struct syscount_value);
} syscounts SEC(".maps");

OTHERS_MAP(struct syscount_value);

static __always_inline bool selected(long id, bool compat)
{
	u64 nr = id;

	if (!cfg.selected)
		return true;
	if (id < 0 || id >= SYSCALL_MAX)
		return false;
	BOUND(nr, SYSCALL_MAX - 1);
	return compat ? cfg.only[1][nr] : cfg.only[0][nr];
}

static __always_inline bool child_wanted(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return !cfg.ppid || task_ids(BPF_CORE_READ(task, real_parent)) >> 32 == cfg.ppid;
}

SYSCALL_ENTER(count_enter)
{
	struct call_state *st;
	u64 ids = current_ids();
	bool compat;

	if (!target_match(ids) || !child_wanted())
		return 0;
	compat = in_compat_call();
	if (!selected(id, compat))
		return 0;
	st = calls_create(current_task());
	if (!st) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	st->call = SYSCALL_IN_RECORD(id, compat);
	st->pid = ids >> 32;
	st->inside = 1;
	st->start_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline struct syscount_value *value_of(const struct syscount_key *key)
{
	struct syscount_value zero = {}, *value = bpf_map_lookup_elem(&syscounts, key);

	if (value)
		return value;
	bpf_map_update_elem(&syscounts, key, &zero, BPF_NOEXIST);
	value = bpf_map_lookup_elem(&syscounts, key);
	return value ? value : others_of(key->epoch);
}

/* The call ended with error @err (0: none). */
static __always_inline void count(struct call_state *st, u32 err)
{
	u64 lat_ns = bpf_ktime_get_ns() - st->start_ns;
	struct syscount_value *value;
	struct syscount_key key = {};

	st->inside = 0;
	COUNT(generated);
	if ((cfg.failed_only && !err) || (cfg.err && cfg.err != err)) {
		COUNT(filtered);
		return;
	}
	key.epoch = epoch;
	key.call = cfg.by_process ? SYSCALL_NONE : st->call;
	if (cfg.by_process) {
		key.pid = st->pid;
		bpf_get_current_comm(key.comm, sizeof(key.comm));
	}
	value = value_of(&key);
	if (!value)
		return;
	__sync_fetch_and_add(&value->count, 1);
	if (err)
		__sync_fetch_and_add(&value->errors, 1);
	__sync_fetch_and_add(&value->total_ns, lat_ns);
	if (lat_ns > value->max_ns)
		value->max_ns = lat_ns;
	COUNT(emitted);
}

SYSCALL_EXIT(count_exit)
{
	struct task_struct *task = current_task();
	struct call_state *st = calls_of(task);
	u32 err = 0;

	if (!st || !st->inside)
		return 0;
	/* without a number it is the return from a signal handler: what it returns isn't its own */
	if (!REGS_NO_CALL(regs) && ret < 0 && ret >= -MAX_ERRNO)
		err = is_interrupted(ret) ? EINTR : -ret;
	count(st, err);
	calls_drop(task);
	return 0;
}

/* exit() and whatever else the thread doesn't come back from. */
CURRENT_EVENT(count_gone, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct call_state *st = calls_of(task);

	if (!st)
		return 0;
	if (st->inside)
		count(st, 0);
	calls_drop(task);
	return 0;
}
