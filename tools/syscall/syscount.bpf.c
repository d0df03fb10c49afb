/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Every system call that begins and ends while it is traced, or that its thread dies in: what the
 * entry stored says which call it was, for an exec may leave by another number, and a return from
 * a signal handler leaves by none.
 */
#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/core/others.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"

#include "tools/syscall/syscount.h"

#define MAX_ERRNO 4095

const volatile struct syscount_cfg cfg;

/* A call under way. */
struct call_state {
	u64 start_ns;
	u64 call; /* SYSCALL_IN_RECORD() */
	u32 pid;
	u32 inside;
	/* of one that is to be entered again, and where; a signal handler may make others before */
	u64 parked_ns, parked_call, ip, sp;
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
	st->inside = 1;
	st->pid = ids >> 32;
	if (st->ip == REGS_IP(regs) && st->sp == REGS_SP(regs)) {
		st->call = st->parked_call; /* which may be restart_syscall by now */
		st->start_ns = st->parked_ns;
		st->ip = 0;
		return 0;
	}
	st->call = SYSCALL_IN_RECORD(id, compat);
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
}

/* A call that never ran: its end is all that there is. */
static __noinline struct call_state *call_answered(struct task_struct *task, struct pt_regs *regs,
						   s64 *ret)
{
	bool compat = task_in_compat_call(task);
	s64 nr = REGS_CALL(regs);
	u64 ids = current_ids();
	struct call_state *st;

	/* of fork and its like a child returns that didn't make the call */
	if (!selected(nr, compat) || syscall_call(nr, compat) || !target_match(ids) ||
	    !child_wanted() || !call_was_answered(*ret))
		return NULL;
	*ret = answer_of(task, nr, *ret);
	st = calls_create(task);
	if (!st) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	st->call = SYSCALL_IN_RECORD(nr, compat);
	st->pid = ids >> 32;
	st->start_ns = bpf_ktime_get_ns();
	return st;
}

SYSCALL_EXIT(count_exit)
{
	struct task_struct *task = current_task();
	struct call_state *st = calls_of(task);
	s64 result = ret;

	if (!st || !st->inside) {
		if (REGS_NO_CALL(regs))
			return 0;
		st = call_answered(task, regs, &result);
		if (!st)
			return 0;
	}
	/* without a number it is the return from a signal handler: what it returns isn't its own */
	if (REGS_NO_CALL(regs)) {
		result = 0;
	} else if (!call_ended(task, regs, &result)) {
		st->parked_ns = st->start_ns;
		st->parked_call = st->call;
		st->ip = REGS_IP(regs);
		st->sp = REGS_SP(regs);
		st->inside = 0;
		return 0;
	}
	count(st, result < 0 && result >= -MAX_ERRNO ? -result : 0);
	if (!st->ip)
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
