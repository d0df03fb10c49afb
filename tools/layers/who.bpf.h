/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose doing it was that a thread waited. What ended a wait is known at the wake-up: the task that
 * called it, or the interrupt, and what that was about. Who had a CPU is kept by each CPU for its
 * last tasks.
 */
#ifndef IOSONDE_LAYERS_WHO_BPF_H
#define IOSONDE_LAYERS_WHO_BPF_H

#include "bpf/kernel/preempt.bpf.h"
#include "tools/layers/journal.bpf.h"
#include "tools/layers/state.bpf.h"

/*
 * A request's completion wakes those that wait for it in the same interrupt. What is woken in one
 * on that CPU this long afterwards is taken for that, unless a timer or a switch came in between.
 */
#define COMPLETION_NS 200000

#define WHAT(cell, call) ((u64)(cell) << 32 | (call))

/* Which call a wait of @in belongs to. */
static __always_inline u32 cause_call(const struct layers_entry *in)
{
	return CAUSE_CALL(in->call, in->slot);
}

/*
 * Adds a wait of @ns to those of @what, made by WHAT(), that are the doing of @who (kind << 32 |
 * id), called by the letters in @comm_0 and @comm_1.
 */
__noinline int blame(u64 who, u64 what, u64 ns, u64 comm_0, u64 comm_1)
{
	struct layers_cause_key key = { .who = who, .cell = what >> 32, .call = what };
	struct layers_cause first = { .count = 1, .ns = ns, .comm = { comm_0, comm_1 } };
	struct layers_cause *cause = bpf_map_lookup_elem(&layers_causes, &key);
	struct layers_cpu *c;

	if (!cause) {
		if (!bpf_map_update_elem(&layers_causes, &key, &first, BPF_NOEXIST))
			return 0;
		cause = bpf_map_lookup_elem(&layers_causes, &key); /* another CPU was faster? */
	}
	if (!cause) {
		c = cpu_here();
		if (!c || key.cell >= N_CELLS)
			return 0;
		cause = &c->causes_rest[key.cell];
	}
	cause->comm[0] = comm_0; /* a program that was started is called by its own name later */
	cause->comm[1] = comm_1;
	__sync_fetch_and_add(&cause->count, 1);
	__sync_fetch_and_add(&cause->ns, ns);
	return 0;
}

/* --- who has a CPU --- */

/* The process of the task at @task, as iosonde numbers it. Global: there is a loop in it. */
__noinline u32 process_of(u64 task)
{
	return task_ids((struct task_struct *)task) >> 32;
}

/* @next comes to this CPU at @now. */
static __always_inline void note_comer(struct task_struct *next, u64 now)
{
	struct layers_cpu *c = cpu_here();
	struct layers_ran *ran;
	u32 at;

	if (!c)
		return;
	at = (c->ran_last + 1) & (RAN_MAX - 1);
	ran = &c->ran[at];
	ran->from_ns = now;
	c->ran_last = at;
	c->completed_ns = 0; /* no interrupt goes on */
	if (!next->pid) {
		ran->who.kind = WHO_IDLE;
		ran->who.id = 0;
		return;
	}
	ran->who.kind = WHO_TASK;
	ran->who.id = target.flags & TARGET_PIDNS ? process_of((u64)next) : next->tgid;
	ran->who.comm[0] = ((u64 *)next->comm)[0];
	ran->who.comm[1] = ((u64 *)next->comm)[1];
}

/*
 * Of the time from @from to @now, in which it waited for @cpu, an operation of @call hands out to
 * each that had the CPU meanwhile what that one had of it. Global: there is a loop in it.
 */
__noinline int blame_cpu(u32 cpu, u64 from, u64 now, u32 call)
{
	struct layers_cpu *c = bpf_map_lookup_elem(&layers_cpus, &cpu);
	u64 what = WHAT(CELL_RUNQ, call), end = now;
	u32 at;

	if (!c)
		return 0;
	at = c->ran_last;
	for (int i = 0; i < RAN_MAX; i++) {
		struct layers_ran *ran = &c->ran[at & (RAN_MAX - 1)];
		u64 begin = ran->from_ns > from ? ran->from_ns : from;

		if (end > begin) {
			blame((u64)ran->who.kind << 32 | ran->who.id, what, end - begin,
			      ran->who.comm[0], ran->who.comm[1]);
			end = begin;
		}
		if (end <= from)
			return 0;
		at--;
	}
	blame((u64)WHO_OTHERS << 32, what, end - from, 0, 0);
	return 0;
}

/* --- who wakes --- */

/* Does what goes on here, on the CPU with record @c, belong to no task? */
static __always_inline bool in_interrupt(struct layers_cpu *c)
{
	if (!c->preempt_count_at)
		c->preempt_count_at = preempt_count_at(cfg.preempt_delta);
	return preempt_count(c->preempt_count_at) & PREEMPT_INTERRUPT;
}

/* The current context wakes a thread at @now. */
static __always_inline void note_waker(struct layers_who *who, u64 now)
{
	u64 ids = bpf_get_current_pid_tgid();
	struct layers_cpu *c = cpu_here();
	u64 commit;

	who->id = 0;
	who->kind = WHO_UNTOLD;
	if (!c)
		return;
	if (ids && !in_interrupt(c)) {
		who->kind = WHO_TASK;
		who->id = (target.flags & TARGET_PIDNS ? current_ids() : ids) >> 32;
		bpf_get_current_comm(who->comm, sizeof(who->comm));
		commit = transaction_of(ids);
		if (commit) {
			who->kind = WHO_JOURNAL;
			who->comm[0] = commit;
		}
		return;
	}
	who->kind = WHO_INTERRUPT;
	who->comm[0] = who->comm[1] = 0;
	if (c->completed_ns && now - c->completed_ns < COMPLETION_NS) {
		who->kind = WHO_DEVICE;
		who->id = c->completed_dev;
	} else if (c->in_timer) {
		who->kind = WHO_TIMER;
	}
}

/* A timer's function begins, or ends, on this CPU. */
static __always_inline int note_timer(u32 runs)
{
	struct layers_cpu *c = cpu_here();

	if (!c)
		return 0;
	c->in_timer = runs;
	c->completed_ns = 0; /* a request that a timer completes does so from here on */
	return 0;
}

/* A request of disk @dev completes at @now. */
static __always_inline void note_completion(u32 dev, u64 now)
{
	struct layers_cpu *c = cpu_here();

	if (!c)
		return;
	c->completed_ns = now;
	c->completed_dev = dev;
}

#endif
