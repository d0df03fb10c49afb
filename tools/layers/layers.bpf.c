/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The state ledger. A followed system call is kept in the record of its CPU while it stays there,
 * and gets an account in its thread's state when it leaves: one mark moves forward, and at every
 * change the time since the mark goes to the cell that was current. Only the thread itself (or
 * sched_switch on its behalf) writes the account; other CPUs leave time stamps in layers_wakes and
 * in the bio slots of blkio_thread.bpf.h.
 */
#include "tools/layers/sums.bpf.h"

/* --- system calls --- */

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
	close_op(c, st, &st->parked, ret);
	unpark(st);
	return 0;
}

/*
 * The name that an open passes is shown for one that fails. Another thread may change it meanwhile,
 * so it is read now where every operation can become a row; the table of the slowest, which few
 * enter, is not worth 50 ns per open, and reads it in the end.
 */
static __always_inline void keep_name(struct layers_entry *entry, char *name,
				      const struct syscall_args *args)
{
	entry->fd = -1;
	entry->name_len = 0;
	entry->name_ptr = entry->call >= CALL_OPENAT ? args->a[1] : args->a[0];
	if (entry->call == CALL_OPEN_BY_HANDLE)
		entry->name_ptr = 0;
	else if (cfg.stream)
		read_name(entry, name);
}

/* Describes the call @in in @entry, of CPU @c's record or of a thread's state, as is @name. */
static __always_inline void open_entry(struct layers_cpu *c, struct layers_entry *entry, char *name,
				       const struct entered *in, struct pt_regs *regs)
{
	struct syscall_args args;

	syscall_args(regs, in->compat, &args);
	entry->call = in->call;
	if (O_OPEN(in->call)) {
		keep_name(entry, name, &args);
		return;
	}
	entry->fd =
		in->call == CALL_SENDFILE || in->call == CALL_SENDFILE64 ? args.a[1] : args.a[0];
	entry->file = (u64)task_file_of_fd(in->task, entry->fd);
	entry->slot = find_slot(c, in->call, (struct file *)entry->file, in->ids >> 32);
}

/* Before a thread's first operation: from now on its wakers leave a stamp. */
static __always_inline void meet_thread(struct layers_state *st)
{
	u64 none = 0;

	st->self = bpf_get_current_task();
	bpf_map_update_elem(&layers_wakes, &st->self, &none, BPF_ANY);
}

/* The operation in the thread's state, described, begins. */
static __always_inline void enter_state(struct layers_state *st, bool again)
{
	st->op.in.entry_ns = bpf_ktime_get_ns();
	if (again)
		st->op.mark_ns = st->op.in_ns = st->op.in.entry_ns;
	else
		begin(st);
	go_live(&st->op.in);
}

/*
 * The current thread enters a call on a CPU that didn't have its last one, or somewhere a call is
 * parked. True: the operation has begun, in the thread's state, or is lost; else it can begin in
 * @c.
 */
static __noinline bool enter_by_state(struct layers_cpu *c, const struct entered *in,
				      struct pt_regs *regs)
{
	struct layers_state *st = layers_create(in->task);

	if (!st) {
		COUNT_EVENT(lost_state);
		return true;
	}
	if (!st->self)
		meet_thread(st);
	follow_thread(st, in->task, bpf_get_smp_processor_id());
	hold(&st->op.in);
	if (st->op.in.call) /* its return was never seen */
		COUNT_EVENT(lost_end);
	st->op.in.call = 0;
	if (st->parked.in.call && rejoins(st, in->call, regs)) {
		rejoin(st);
		enter_state(st, true);
		return true;
	}
	if (!c->entry.call || has_op(c, in->task)) {
		c->self = (u64)in->task;
		c->ids = in->ids;
		return false;
	}
	/* nobody said that the thread whose operation is in there was switched out */
	open_entry(c, &st->op.in, st->name, in, regs);
	st->op.key = c->slots[st->op.in.slot & (LAYERS_SLOTS - 1)].key;
	enter_state(st, false);
	return true;
}

static __always_inline void enter(struct layers_cpu *c, const struct entered *in,
				  struct pt_regs *regs)
{
	if ((c->self != (u64)in->task || c->ids != in->ids || n_parked) &&
	    enter_by_state(c, in, regs))
		return;
	hold(&c->entry);
	if (c->entry.call) /* its return was never seen */
		COUNT_EVENT(lost_end);
	open_entry(c, &c->entry, c->name, in, regs);
	c->entry.entry_ns = bpf_ktime_get_ns(); /* last: what came before is our own time */
	go_live(&c->entry);
}

/* What the target does instead, for the run in which it does little else. */
static __always_inline void note_unfollowed(s64 id)
{
	u32 nr = id;
	u64 *count;

	if (id < 0 || id >= SYSCALL_MAX || syscall_maybe(id) || !target_match(current_ids()))
		return;
	if (in_compat_call())
		nr += SYSCALL_MAX;
	count = bpf_map_lookup_elem(&layers_unfollowed, &nr);
	if (count)
		++*count;
}

SYSCALL_ENTER(layers_enter)
{
	struct layers_cpu *c;
	struct entered in;

	if (!all_attached)
		return 0;
	if (!target_entered(id, &in)) {
		note_unfollowed(id);
		return 0;
	}
	c = cpu_here();
	if (!c || !take_cpu(c)) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	enter(c, &in, regs);
	release_cpu(c);
	return 0;
}

/*
 * rt_sigreturn restores the registers of the interrupted call. If they point at its instruction, it
 * will be entered again; just behind it, it has failed with EINTR; elsewhere, an outer handler was
 * interrupted and goes on.
 */
static __always_inline void handler_returned(struct layers_state *st, struct pt_regs *regs)
{
	if (st->parked.in.call && st->parked_sp == REGS_SP(regs) && st->parked_ip == REGS_IP(regs))
		close_parked(-EINTR, 0);
}

/* What is under way when the run ends has no known end. */
static __always_inline void abandon(struct layers_cpu *c, struct layers_state *st,
				    struct task_struct *task)
{
	if (has_op(c, task))
		c->entry.call = 0;
	if (!st)
		return;
	hold(&st->op.in);
	st->op.in.call = 0;
}

/* A followed call of the current thread returns at @now that was never entered. */
static __noinline int never_entered(struct layers_cpu *c, struct pt_regs *regs, s64 ret, u64 now)
{
	s64 nr = REGS_CALL(regs);
	struct entered in;

	if (!target_entered(nr, &in))
		return 0;
	if (!call_was_answered(ret)) {
		TALLY(LAYERS_NO_ENTRY);
		return 0;
	}
	if (c->entry.call) { /* nobody said that its thread was switched out */
		COUNT_EVENT(lost_state);
		return 0;
	}
	hold(&c->entry);
	c->self = 0; /* its next operation looks at its state first */
	c->ids = in.ids;
	open_entry(c, &c->entry, c->name, &in, regs);
	c->entry.entry_ns = now;
	close_entry(c, in.task, answer_of(in.task, nr, ret), now);
	return 0;
}

/* A call of @task returns whose operation isn't in @c, or isn't simply over. */
static __noinline int exit_by_state(struct layers_cpu *c, struct task_struct *task,
				    struct pt_regs *regs, s64 ret, u64 now)
{
	struct layers_state *st;

	if (has_op(c, task) && all_attached)
		keep_op(c, task);
	st = layers_of(task);
	if (!all_attached) {
		abandon(c, st, task);
		return 0;
	}
	if (st && !st->op.in.call)
		follow_thread(st, task, bpf_get_smp_processor_id());
	if (!st || !st->op.in.call) {
		if (st && REGS_NO_CALL(regs))
			handler_returned(st, regs);
		else if (!REGS_NO_CALL(regs))
			never_entered(c, regs, ret, now);
		return 0;
	}
	hold(&st->op.in);
	st->op.end_ns = now;
	settle_running(st->self, &st->op, now);
	if (!is_interrupted(ret))
		return close_op(c, st, &st->op, ret);
	close_parked(-EINTR, 0); /* an outer call that was never entered again */
	park(st, regs);
	return 0;
}

SYSCALL_EXIT(layers_exit)
{
	struct task_struct *task;
	struct layers_cpu *c;
	bool mine;
	u64 now;

	/* only to leave early: which call it was is what the entry stored */
	if (!syscall_maybe(REGS_CALL(regs)) && !REGS_NO_CALL(regs))
		return 0;
	task = current_task();
	c = cpu_here();
	if (!c)
		return 0;
	mine = has_op(c, task);
	/* spares other processes the look-up of a state that they don't have */
	if (!mine && !among_processes(ids_of(task) >> 32, target.flags))
		return 0;
	if (!take_cpu(c)) /* what it returns from is missed, and counted at its next entry */
		return 0;
	now = bpf_ktime_get_ns();
	if (mine)
		hold(&c->entry);
	/* asked once more: an interrupt that submitted a bio may have moved it meanwhile */
	if (mine && c->entry.call && now >= c->entry.entry_ns && !is_interrupted(ret) &&
	    all_attached) {
		close_entry(c, task, ret, now);
	} else {
		exit_by_state(c, task, regs, ret, now);
	}
	release_cpu(c);
	return 0;
}

/* --- the scheduler --- */

static __always_inline void switched_out(void *ctx, struct task_struct *prev, bool preempted)
{
	struct layers_state *st = state_with_op(prev);

	if (!st || !st->op.in.call || !st->op.in.live)
		return;
	settle_running(st->self, &st->op, bpf_ktime_get_ns());
	/* a signal that was pending keeps it runnable, though it meant to block */
	if (preempted || !task_state(prev)) {
		st->op.state = ON_RUNQ;
		return;
	}
	st->op.state = BLOCKED;
	st->op.stack = bpf_get_stackid(ctx, &layers_stacks, BPF_F_FAST_STACK_CMP);
	if (st->op.stack >= 0)
		return;
	st->op.stack = -1;
	TALLY(LAYERS_LOST_STACK);
}

static __always_inline void switched_in(struct task_struct *next)
{
	struct layers_state *st = layers_of(next);
	u32 here = bpf_get_smp_processor_id();

	if (!st)
		return;
	note_return(next);
	if (st->cpu != here)
		follow_thread(st, next, here);
	if (st->op.in.call && st->op.in.live)
		settle_switch_in(st->self, &st->op, bpf_ktime_get_ns());
}

SEC("tp_btf/sched_switch")
int BPF_PROG(layers_switch, bool preempted, struct task_struct *prev, struct task_struct *next)
{
	if (prev->pid)
		switched_out(ctx, prev, preempted);
	if (next->pid)
		switched_in(next);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(layers_waking, struct task_struct *task)
{
	u64 key = (u64)task;
	u64 *wake = bpf_map_lookup_elem(&layers_wakes, &key);

	if (wake)
		*wake = bpf_ktime_get_ns();
	return 0;
}

/* Closes the operation that the current thread, which ends, will never return from. */
static __always_inline void close_killed(struct layers_cpu *c, struct layers_state *st)
{
	u64 now = bpf_ktime_get_ns();

	hold(&st->op.in);
	if (st->op.in.call) {
		settle_running(st->self, &st->op, now);
		st->op.end_ns = now;
		st->op.flags |= OP_KILLED;
		close_op(c, st, &st->op, 0); /* nobody is left to get a result */
	}
	if (st->parked.in.call) /* a signal took it out of the call, and killed it */
		close_parked(0, OP_KILLED);
}

/* The same where that is impossible: another thread's program was preempted on this CPU. */
static __always_inline void lose_ops(struct layers_state *st)
{
	if (st->op.in.call)
		COUNT_EVENT(lost_state);
	if (st->parked.in.call) {
		COUNT_EVENT(lost_state);
		unpark(st);
	}
}

CURRENT_EVENT(layers_thread_exit, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct layers_state *st = state_with_op(task);
	struct layers_cpu *c = cpu_here();
	u64 key;

	if (!st)
		return 0;
	if (c && take_cpu(c)) {
		close_killed(c, st);
		release_cpu(c);
	} else {
		lose_ops(st);
	}
	key = st->self;
	bpf_map_delete_elem(&layers_wakes, &key);
	bios_forget(key);
	st->self = 0;
	layers_drop(task);
	return 0;
}
