/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A thread's whole life as operations, one after the other without a gap: its calls, and the
 * stretches between them. A stretch is an operation like any other: it is in the record of its CPU,
 * and moves to the thread's state when it leaves.
 */
#ifndef IOSONDE_LAYERS_LIFE_BPF_H
#define IOSONDE_LAYERS_LIFE_BPF_H

#include "bpf/core/filter_task.bpf.h"
#include "tools/layers/sums.bpf.h"

#define PF_EXITING 0x00000004

/* --- operations that no file is charged with --- */

static __always_inline struct layers_time *other_of(struct layers_cpu *c, u32 slot)
{
	return &c->others[slot & (OTHER_CALLS - 1)];
}

static __always_inline void count_other(struct layers_time *t, s64 ret)
{
	t->count++;
	if ((u64)ret >= (u64)-4095)
		t->errors++;
}

/* Time that a thread spends between calls is its own, but for what it was blocked for there. */
static __noinline int close_user(struct layers_cpu *c, const struct layers_op *op)
{
	struct layers_time *user = &c->parts[PART_USER], *fault = &c->parts[PART_FAULT];
	u64 blocked = op->cells[CELL_QUEUE] + op->cells[CELL_DEVICE] + op->cells[CELL_WAIT];

	user->cells[CELL_CPU] += op->cells[CELL_CPU];
	user->cells[CELL_RUNQ] += op->cells[CELL_RUNQ];
	user->cells[CELL_UNKNOWN] += op->cells[CELL_UNKNOWN];
	if (blocked + op->cells[CELL_CPU] + op->cells[CELL_RUNQ] + op->cells[CELL_UNKNOWN] !=
	    latency_of(op))
		TALLY(LAYERS_OVERFLOW);
	if (!blocked)
		return 0;
	fault->count++;
	fault->cells[CELL_QUEUE] += op->cells[CELL_QUEUE];
	fault->cells[CELL_DEVICE] += op->cells[CELL_DEVICE];
	fault->cells[CELL_WAIT] += op->cells[CELL_WAIT];
	return 0;
}

static __always_inline void close_before(struct layers_cpu *c, const struct layers_op *op)
{
	struct layers_time *before = &c->parts[PART_BEFORE];

	before->count++;
	add_cells(before->cells, op, latency_of(op));
}

/* The time of @op, up to op->end_ns, without the call that it was: none ended. */
static __noinline int close_part(struct layers_cpu *c, struct layers_op *op)
{
	u32 call = op->in.call;

	op->in.call = 0;
	if (call == PART_BEFORE && op->in.slot == OTHER_NONE) /* it was in none */
		call = PART_USER;
	if (call == PART_USER)
		close_user(c, op);
	else if (call == PART_BEFORE)
		close_before(c, op);
	else if (call == PART_OTHER)
		add_cells(other_of(c, op->in.slot)->cells, op, latency_of(op));
	else
		add_cells(c->parts[call & (PARTS_ROOM - 1)].cells, op, latency_of(op));
	return 0;
}

/* The call @op, in the state @st of the current thread, is over. */
static __noinline int close_op(struct layers_cpu *c, struct layers_state *st, struct layers_op *op,
			       s64 ret)
{
	u32 slot = op->in.slot;

	if (IS_IO(op->in.call))
		return close_io(c, st, op, ret);
	/* entered again: the same call still */
	if (!is_interrupted(ret) || !call_goes_on(ret))
		count_other(other_of(c, slot), is_interrupted(ret) ? -EINTR : ret);
	return close_part(c, op);
}

/* The same for the call in c->entry, of @task, which never left the CPU; user space goes on. */
static __always_inline void close_entry(struct layers_cpu *c, struct task_struct *task, s64 ret,
					u64 now)
{
	u64 lat = now - c->entry.entry_ns;

	if (IS_IO(c->entry.call)) {
		finish_entry(c, task, ret, lat);
	} else {
		struct layers_time *t = other_of(c, c->entry.slot);

		t->cells[CELL_CPU] += lat;
		count_other(t, ret);
	}
	c->entry.call = PART_USER;
	c->entry.entry_ns = now;
	go_live(&c->entry);
}

/* --- its beginning --- */

/* From now on its wakers leave a stamp. */
static __always_inline void meet_thread(struct layers_state *st, u64 self)
{
	struct layers_wake none = {};

	st->self = self;
	bpf_map_update_elem(&layers_wakes, &st->self, &none, BPF_ANY);
}

/*
 * @task, the current one, is seen for the first time. One that is younger than the run has been a
 * target since it was made, and until now on its way to user space.
 */
static __noinline int begin_life(struct layers_cpu *c, struct layers_state *st,
				 struct task_struct *task, u64 now)
{
	u64 self = bpf_get_current_task();
	struct layers_wake *born = bpf_map_lookup_elem(&layers_wakes, &self);
	u64 start = BPF_CORE_READ(task, start_time), delay = 0;
	struct layers_time *t = &c->parts[PART_START];

	if (born && born->ns > start) /* what came before was its parent's work */
		start = born->ns;
	meet_thread(st, self);
	st->cpu = bpf_get_smp_processor_id();
	st->first_ns = now;
	if (start <= attached_ns || start >= now || target.flags & TARGET_SELDOM) {
		books_begin(c, st, now, false);
		return 0;
	}
	st->first_ns = start;
	if (bpf_core_field_exists(task->sched_info.run_delay))
		delay = BPF_CORE_READ(task, sched_info.run_delay);
	if (delay > now - start)
		delay = now - start;
	books_begin(c, st, start + delay, true);
	t->count++;
	if (delay)
		blame(WHO_UNTOLD, WHAT(CELL_RUNQ, PART_START), delay, 0, 0);
	t->cells[CELL_RUNQ] += delay;
	t->cells[CELL_CPU] += now - start - delay;
	return 0;
}

/* @task, the current one, with state @st, is in user space since @now. */
static __always_inline void begin_user(struct layers_cpu *c, struct layers_state *st,
				       struct task_struct *task, u64 now)
{
	struct layers_entry *in = &c->entry;

	st->cpu = bpf_get_smp_processor_id();
	if (!in->call) {
		c->self = (u64)task;
		c->ids = ids_of(task);
	} else { /* nobody said that the thread whose operation is in there was switched out */
		in = &st->op.in;
	}
	hold(in);
	in->call = PART_USER;
	in->entry_ns = now;
	in->slot = OTHER_NONE;
	in->name_len = 0;
	if (in == &st->op.in)
		begin(st);
	go_live(in);
}

/* What the current thread, with state @st, was in is over at @now, though its call didn't return.
 */
static __noinline int break_off(struct layers_cpu *c, struct layers_state *st, u64 now)
{
	st->op.end_ns = now;
	settle_running(st->self, &st->op, now);
	if (IS_IO(st->op.in.call))
		COUNT_EVENT(lost_end);
	return close_part(c, &st->op);
}

/* --- calls that a signal interrupts --- */

/* Is this the call that was parked, entered again? */
static __always_inline bool rejoins(const struct layers_state *st, u32 call, struct pt_regs *regs)
{
	return st->parked.in.call == call && st->parked_ip == REGS_IP(regs) &&
	       st->parked_sp == REGS_SP(regs);
}

static __always_inline void park(struct layers_state *st, struct pt_regs *regs)
{
	st->parked = st->op;
	st->parked_ip = REGS_IP(regs);
	st->parked_sp = REGS_SP(regs);
	st->op.in.call = 0;
	__sync_fetch_and_add(&n_parked, 1);
}

static __always_inline void unpark(struct layers_state *st)
{
	st->parked.in.call = 0;
	__sync_fetch_and_add(&n_parked, -1);
}

/* The parked operation goes on. */
static __always_inline void rejoin(struct layers_state *st)
{
	st->op = st->parked;
	st->op.before_ns += st->parked.end_ns - st->parked.in.entry_ns;
	st->op.restarts++;
	st->op.flags |= OP_RESTARTED;
	st->op.state = ON_CPU;
	unpark(st);
}

/*
 * Closes the current thread's parked operation. Rare, and global, so that the verifier takes what
 * it contains once, and not wherever it is called.
 */
__noinline int close_parked(s32 ret, u32 flags)
{
	struct layers_state *st = layers_of(current_task());
	struct layers_cpu *c = cpu_here();

	if (!c || !st || !st->parked.in.call)
		return 0;
	st->parked.flags |= flags;
	close_io(c, st, &st->parked, ret);
	unpark(st);
	return 0;
}

/* --- its end --- */

/* Watching ends at @end: gives the time since the mark to what the thread is doing. */
static __always_inline void settle_unfinished(struct layers_state *st, u64 end)
{
	struct layers_op *op = &st->op;
	struct layers_wake *wake = bpf_map_lookup_elem(&layers_wakes, &st->self);
	u64 woken = wake ? wake->ns : 0;

	if (op->state == BLOCKED) {
		if (woken < op->in_ns || woken > end) {
			woken = end; /* it still is */
			wake = NULL;
		}
		if (woken > op->mark_ns)
			settle_blocked(st->self, op, woken, wake);
	}
	if (op->state == ON_CPU)
		charge(op, CELL_CPU, end);
	else
		settle_runq(op, end, st->cpu);
	op->end_ns = end;
}

/* The life of the thread with state @st, as far as it is watched, ends at @end. */
static __noinline int end_life(struct layers_cpu *c, struct layers_state *st, u64 end)
{
	u64 waited = 0;

	hold(&st->op.in);
	if (st->op.in.call) {
		if (end < st->op.mark_ns) /* a program that was still running when watching ended */
			end = st->op.mark_ns;
		waited = st->op.cells[CELL_RUNQ];
		settle_unfinished(st, end);
		waited = st->op.cells[CELL_RUNQ] - waited;
		close_part(c, &st->op);
	}
	if (cfg.check)
		books_end(c, st, end, waited);
	if (st->parked.in.call) {
		close_part(c, &st->parked);
		unpark(st);
	}
	/* in the record of a CPU: user space adds that up to closed_ns, and what is beyond to both
	 */
	c->watched_ns += end - st->first_ns;
	c->threads++;
	st->self = 0;
	return 0;
}

/* --- those that are there when watching begins, and when it ends --- */

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* What @task is in: OTHER_NONE if it runs, where nobody can tell, or is in user space. */
static __always_inline u32 call_at_start(struct task_struct *task, bool runs)
{
	struct pt_regs *regs;
	s64 nr = runs ? -1 : call_of_task(task, &regs);

	if (nr < 0 || nr >= SYSCALL_MAX)
		return OTHER_NONE;
	return task_in_compat_call(task) ? nr + SYSCALL_MAX : nr;
}

static __always_inline void watch_from_start(struct layers_state *st, struct task_struct *task)
{
	u64 now = bpf_ktime_get_ns(), runs = task_on_cpu(task), blocked = task_state(task);

	meet_thread(st, (u64)task);
	st->first_ns = now;
	st->op.in.call = PART_BEFORE;
	st->op.in.slot = call_at_start(task, runs);
	st->op.in.entry_ns = now;
	begin(st);
	st->op.state = runs ? ON_CPU : blocked ? BLOCKED : ON_RUNQ;
	books_begin(cpu_here(), st, runs ? now : 0, false);
	go_live(&st->op.in);
}

/* Read once, while programs at system calls do nothing yet. */
SEC("iter/task")
int layers_begin(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct layers_state *st;
	u32 flags;

	if (!task)
		return 0;
	flags = BPF_CORE_READ(task, flags);
	if (flags & (PF_KTHREAD | PF_EXITING) || !target_match_task(task, task_ids(task)))
		return 0;
	st = layers_create(task);
	if (st && !st->self)
		watch_from_start(st, task);
	return 0;
}

/* Read once, when they do nothing any more. */
SEC("iter/task")
int layers_end(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct layers_state *st;
	struct layers_cpu *c;

	if (!task || !closed_ns)
		return 0;
	st = layers_of(task);
	c = cpu_here();
	if (st && c && st->self)
		end_life(c, st, closed_ns);
	return 0;
}

#endif
