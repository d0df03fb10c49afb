/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The stack is taken when a thread leaves its CPU, in its own context, and kept with it until it
 * has one again.
 */
#include "bpf/core/filter_task.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/core/ustack.bpf.h"

#include "tools/sched/offcputime.h"

const volatile struct offcputime_cfg cfg;

struct off_cpu {
	u64 since_ns; /* 0: not off */
	u64 program;
	s32 kstack;
	s32 ustack;
	u32 cause;
	u32 reserved;
};

TASK_STATE(offs, struct off_cpu, 65536)

struct waker {
	u64 ns;
	s32 stack;
	u32 reserved;
	char comm[COMM_LEN];
};

/*
 * Who woke a thread last, by the address of its task: the waker writes it, who may have interrupted
 * another program, and so can't write what the thread's own programs keep.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct waker);
} offcpu_wakers SEC(".maps");

/*
 * --ustack=dwarf: stacks of threads that are off, by the address of their tasks. Each is written by
 * its thread alone, and stays until that ends.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct rec_ustack);
} ustack_copies SEC(".maps");

static __always_inline struct rec_ustack *copy_of(u64 self)
{
	struct rec_ustack *r = bpf_map_lookup_elem(&ustack_copies, &self), *any;

	if (r)
		return r;
	any = ustack_scratch_here();
	if (any)
		bpf_map_update_elem(&ustack_copies, &self, any, BPF_NOEXIST);
	return bpf_map_lookup_elem(&ustack_copies, &self);
}

static __always_inline s32 copied_stack(struct task_struct *prev)
{
	struct rec_ustack *r = copy_of((u64)prev);

	if (!r) {
		COUNT(null_helper);
		return STACK_LOST;
	}
	return ustack_take(r) ? STACK_COPY : STACK_NONE;
}

static __always_inline s32 user_stack(void *ctx, struct task_struct *prev)
{
	s32 id = cfg.dwarf ? copied_stack(prev) : STACK_NONE;

	return id == STACK_NONE ? stack_id(ctx, BPF_F_USER_STACK) : id;
}

static __always_inline bool state_wanted(u32 state)
{
	if (!cfg.with_state)
		return true;
	return cfg.states ? state & cfg.states : !state;
}

static __always_inline void leaves(void *ctx, struct task_struct *prev, bool preempted, u64 now)
{
	u32 state = task_state(prev);
	struct off_cpu *off;
	u64 ids, self = (u64)prev;

	if (state & TASK_DEAD) {
		if (cfg.wakers)
			bpf_map_delete_elem(&offcpu_wakers, &self);
		if (cfg.dwarf)
			bpf_map_delete_elem(&ustack_copies, &self);
		offs_drop(prev);
		return;
	}
	ids = task_ids(prev);
	if (!state_wanted(state) || !target_match_task(prev, ids))
		return;
	off = offs_create(prev);
	if (!off) {
		COUNT_EVENT(lost_state);
		return;
	}
	off->cause = preempted || !state ? OFFCPU_PREEMPTED : OFFCPU_BLOCKED;
	off->kstack = cfg.user_only ? STACK_NONE : stack_id(ctx, 0);
	off->ustack = STACK_NONE;
	if (!cfg.kernel_only) {
		off->ustack = user_stack(ctx, prev);
		off->program = current_program();
		if (off->ustack >= 0 || off->ustack == STACK_COPY)
			stack_owner_told(ids >> 32, off->program);
	}
	if (cfg.wakers) {
		struct waker none = {};

		bpf_map_update_elem(&offcpu_wakers, &self, &none, BPF_ANY);
	}
	off->since_ns = now;
}

/* Who woke @next, which was off its CPU since @since. */
static __always_inline void add_waker(struct stacks_key *key, struct task_struct *next, u64 since)
{
	u64 self = (u64)next;
	struct waker *w = bpf_map_lookup_elem(&offcpu_wakers, &self);

	if (!w || w->ns < since)
		return;
	key->wstack = w->stack;
	__builtin_memcpy(key->other, w->comm, sizeof(key->other));
}

/* Sends the stack that @next left with, and what is counted by it. False: there is none. */
static __always_inline bool sent_copy(struct task_struct *next, const struct stacks_key *key,
				      u64 ns)
{
	u64 self = (u64)next;
	struct rec_ustack *r = NULL;

	if (cfg.dwarf && key->ustack == STACK_COPY)
		r = bpf_map_lookup_elem(&ustack_copies, &self);
	if (!r)
		return false;
	r->key = *key;
	r->amount = ns;
	ustack_emit(r);
	return true;
}

static __always_inline void comes(struct task_struct *next, u64 now)
{
	struct off_cpu *off = offs_of(next);
	struct stacks_key key = {};
	u64 ns, since;

	if (!off || !off->since_ns)
		return;
	since = off->since_ns;
	ns = now - since;
	off->since_ns = 0;
	if (ns < cfg.min_ns || (cfg.max_ns && ns > cfg.max_ns)) {
		COUNT_EVENT(filtered);
		return;
	}
	key.epoch = epoch_now();
	key.pid = task_ids(next) >> 32;
	key.kstack = off->kstack;
	key.ustack = off->ustack;
	key.program = off->program;
	key.cause = off->cause;
	comm_of_task(next, key.comm);
	key.wstack = STACK_NONE;
	if (cfg.wakers)
		add_waker(&key, next, since);
	if (!sent_copy(next, &key, ns))
		stacks_count(&key, ns);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(offcputime_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	u64 now = bpf_ktime_get_ns();

	if (prev->pid)
		leaves(ctx, prev, preempted, now);
	if (next->pid)
		comes(next, now);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(offcputime_waking, struct task_struct *task)
{
	u64 key = (u64)task;
	struct waker *w = bpf_map_lookup_elem(&offcpu_wakers, &key);

	if (!w)
		return 0;
	w->stack = stack_id(ctx, 0);
	bpf_get_current_comm(w->comm, sizeof(w->comm));
	w->ns = bpf_ktime_get_ns();
	return 0;
}
