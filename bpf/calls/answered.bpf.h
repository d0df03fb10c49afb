/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Calls that are answered in the kernel's place (call_end.bpf.h), for commands that follow
 * calls from their entry: these have none.
 */
#ifndef IOSONDE_ANSWERED_BPF_H
#define IOSONDE_ANSWERED_BPF_H

#include "bpf/calls/syscall.bpf.h"

/*
 * Threads from before the programs were attached whose first end without an entry was seen: by
 * task, when they began.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u64);
} threads_from_before SEC(".maps");

/*
 * The current thread left a call, whose entry wasn't seen, with @ret: was it answered in the
 * kernel's place? Else it was entered before the programs were attached. That can be but once, and
 * not in a younger thread. In the doubtful case an error tells: what waits mostly succeeds.
 */
__noinline int call_was_answered(s64 ret)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	u64 key = (u64)task, start_ns, *seen;
	bool filtered =
		bpf_core_field_exists(task->seccomp.mode) && BPF_CORE_READ(task, seccomp.mode);

	if (!filtered && !BPF_CORE_READ(task, ptrace))
		return 0;
	start_ns = BPF_CORE_READ(task, start_time);
	if (start_ns > attached_ns)
		return 1;
	seen = bpf_map_lookup_elem(&threads_from_before, &key);
	if (seen && *seen == start_ns)
		return 1;
	bpf_map_update_elem(&threads_from_before, &key, &start_ns, BPF_ANY);
	return ret < 0 && ret != -EINTR && !is_interrupted(ret);
}

/*
 * A call returned @ret whose entry wasn't seen: is it followed, of a target, and was it answered in
 * the kernel's place? Then *@ret becomes what the program got.
 */
static __always_inline bool target_answered(struct pt_regs *regs, s64 *ret, struct entered *e)
{
	s64 nr = REGS_CALL(regs);

	if (!all_attached || !target_entered(nr, e) || !call_was_answered(*ret))
		return false;
	*ret = answer_of(e->task, nr, *ret);
	return true;
}

#endif
