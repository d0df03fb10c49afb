/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The state ledger. What a followed thread does is kept in the record of its CPU while it stays
 * there, and gets an account in its thread's state when it leaves: one mark moves forward, and at
 * every change the time since the mark goes to the cell that was current. Only the thread itself
 * (or sched_switch on its behalf) writes the account; other CPUs leave time stamps in layers_wakes
 * and in the bio slots of blkio_thread.bpf.h.
 */
#include "tools/layers/about.bpf.h"
#include "tools/layers/async.bpf.h"
#include "tools/layers/faults.bpf.h"
#include "tools/layers/life.bpf.h"
#include "tools/layers/sched.bpf.h"

/* --- system calls --- */

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

/* A call that a target enters, or returns from. */
struct entering {
	struct task_struct *task; /* current_task() */
	u64 ids;		  /* ids_of() that */
	u32 call;		  /* of the command's, or PART_OTHER */
	u32 slot;		  /* of the latter: which */
	u32 async;		  /* enum layers_async_call, or 0 */
	bool compat;
};

/* One whom the iterators don't find: of no process in the pid namespace that is watched. */
static __always_inline bool is_outsider(u64 ids)
{
	return target.flags & TARGET_PIDNS && !(ids >> 32);
}

/* Is the call with number @nr, which the current thread is in, one of a target's? */
static __always_inline bool is_entering(s64 nr, struct entering *e)
{
	if (nr < 0 || nr >= SYSCALL_MAX)
		return false;
	e->task = current_task();
	e->ids = ids_of(e->task);
	if (!target_match(e->ids) || is_outsider(e->ids))
		return false;
	e->compat = task_in_compat_call(e->task);
	e->call = syscall_call(nr, e->compat);
	e->slot = nr;
	e->async = 0;
	if (!e->call || e->call >= N_CALLS) {
		e->async = e->call;
		e->call = PART_OTHER;
		e->slot += e->compat ? SYSCALL_MAX : 0;
	}
	return true;
}

/* Describes the call @in in @entry, of CPU @c's record or of a thread's state, as is @name. */
static __always_inline void open_entry(struct layers_cpu *c, struct layers_entry *entry, char *name,
				       const struct entering *in, struct pt_regs *regs)
{
	struct syscall_args args;

	entry->call = in->call;
	if (!IS_IO(in->call)) {
		entry->slot = in->slot;
		return;
	}
	syscall_args(regs, in->compat, &args);
	if (O_OPEN(in->call)) {
		keep_name(entry, name, &args);
		return;
	}
	entry->fd =
		in->call == CALL_SENDFILE || in->call == CALL_SENDFILE64 ? args.a[1] : args.a[0];
	entry->file = (u64)task_file_of_fd(in->task, entry->fd);
	entry->slot = find_slot(c, in->call, (struct file *)entry->file, in->ids >> 32);
}

/*
 * The operation in the thread's state, described, begins, and user space, which was left at @from,
 * ends.
 */
static __always_inline void enter_state(struct layers_cpu *c, struct layers_state *st, u64 from,
					bool again)
{
	st->op.in.entry_ns = bpf_ktime_get_ns();
	c->user_ns += st->op.in.entry_ns - from;
	if (again)
		st->op.mark_ns = st->op.in_ns = st->op.in.entry_ns;
	else
		begin(st);
	go_live(&st->op.in);
}

/*
 * What the current thread did until now is over; if it wasn't watched yet, its life begins. Returns
 * since when it has been in user space.
 */
static __noinline u64 leave_user(struct layers_cpu *c, struct layers_state *st,
				 struct task_struct *task)
{
	u64 now;

	if (!st->self) {
		now = bpf_ktime_get_ns();
		begin_life(c, st, task, now);
		return now;
	}
	follow_thread(st, task, bpf_get_smp_processor_id());
	hold(&st->op.in);
	now = bpf_ktime_get_ns();
	if (st->op.in.call)
		break_off(c, st, now);
	return now;
}

/*
 * The current thread enters a call on a CPU that didn't have its last one, or somewhere a call is
 * parked. True: the operation has begun, in the thread's state, or is lost; else it can begin in
 * @c.
 */
static __noinline bool enter_by_state(struct layers_cpu *c, const struct entering *in,
				      struct pt_regs *regs)
{
	struct layers_state *st = layers_create(in->task);
	u64 from;

	if (!st) {
		if (IS_IO(in->call))
			COUNT_EVENT(lost_state);
		return true;
	}
	from = leave_user(c, st, in->task);
	if (st->parked.in.call && rejoins(st, in->call, regs)) {
		rejoin(st);
		enter_state(c, st, from, true);
		return true;
	}
	if (!c->entry.call) {
		c->self = (u64)in->task;
		c->ids = in->ids;
		hold(&c->entry);
		c->entry.call = PART_USER;
		c->entry.entry_ns = from;
		return false;
	}
	/* nobody said that the thread whose operation is in there was switched out */
	open_entry(c, &st->op.in, st->name, in, regs);
	if (cfg.check && !IS_IO(in->call))
		books_enter(c);
	st->op.key = c->slots[st->op.in.slot & (LAYERS_SLOTS - 1)].key;
	enter_state(c, st, from, false);
	return true;
}

/* The return of the operation in c->entry was never seen. */
static __noinline int lose_entry(struct layers_cpu *c)
{
	u64 now = bpf_ktime_get_ns();
	struct layers_time *t = &c->parts[c->entry.call & (PARTS_ROOM - 1)];

	if (IS_IO(c->entry.call))
		COUNT_EVENT(lost_end);
	else if (c->entry.call == PART_OTHER)
		t = other_of(c, c->entry.slot);
	t->cells[CELL_UNKNOWN] += now - c->entry.entry_ns;
	c->entry.entry_ns = now;
	return 0;
}

static __always_inline void enter(struct layers_cpu *c, const struct entering *in,
				  struct pt_regs *regs)
{
	bool known = c->self == (u64)in->task && c->ids == in->ids && !n_parked;
	u64 from;

	if (known)
		hold(&c->entry);
	/* asked once more: an interrupt that submitted a bio may have moved it meanwhile */
	if ((!known || !c->entry.call) && enter_by_state(c, in, regs))
		return;
	if (c->entry.call != PART_USER)
		lose_entry(c);
	from = c->entry.entry_ns;
	open_entry(c, &c->entry, c->name, in, regs);
	if (cfg.check && !IS_IO(in->call))
		books_enter(c);
	c->entry.entry_ns = bpf_ktime_get_ns(); /* last: what came before is our own time */
	c->user_ns += c->entry.entry_ns - from;
	go_live(&c->entry);
}

/* Has the current thread, which enters a call, become none of the targets: by its name, its user?
 */
static __noinline int leave_watch(void)
{
	struct task_struct *task = current_task();
	struct layers_state *st = layers_of(task);
	struct layers_cpu *c = cpu_here();

	if (!st || !st->self || !c || !take_cpu(c))
		return 0;
	if (has_op(c, task))
		keep_op(c, task);
	else if (!st->op.in.call)
		follow_thread(st, task, bpf_get_smp_processor_id());
	end_life(c, st, bpf_ktime_get_ns());
	release_cpu(c);
	return 0;
}

SYSCALL_ENTER(layers_enter)
{
	struct layers_cpu *c;
	struct entering in;

	if (!all_attached)
		return 0;
	if (!is_entering(id, &in)) {
		if (target.flags & TARGET_SELDOM)
			leave_watch();
		return 0;
	}
	if (in.async)
		async_enter(in.async, regs, in.compat);
	c = cpu_here();
	if (!c || !take_cpu(c)) {
		if (IS_IO(in.call))
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

/* A followed call of the current thread returns at @now that was never entered. */
static __noinline int never_entered(struct layers_cpu *c, struct pt_regs *regs, s64 ret, u64 now)
{
	s64 nr = REGS_CALL(regs);
	struct entering in;

	if (!syscall_maybe(nr) || !is_entering(nr, &in) || !IS_IO(in.call))
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
	finish_entry(c, in.task, answer_of(in.task, nr, ret), 0);
	c->entry.call = 0;
	return 0;
}

/*
 * A thread that wasn't watched leaves a call: the first that a new one does, and the exec with
 * which a command begins. (Others are met when they enter one.)
 */
static __noinline int first_exit(struct layers_cpu *c, struct task_struct *task, s64 ret, u64 now)
{
	struct layers_state *st;
	u64 ids = ids_of(task);

	if (ret || !target_match(ids) || is_outsider(ids))
		return 0;
	st = layers_create(task);
	if (!st || st->self)
		return 0;
	begin_life(c, st, task, now);
	begin_user(c, st, task, now);
	return 0;
}

/* rt_sigreturn has no result: what is told as such is the interrupted call's. */
static __always_inline s64 result_of(struct pt_regs *regs, s64 ret)
{
	return REGS_NO_CALL(regs) ? 0 : ret;
}

/* The current thread's operation, in its state @st, ends by a return at @now. */
static __always_inline void end_by_exit(struct layers_cpu *c, struct layers_state *st,
					struct pt_regs *regs, s64 ret, u64 now)
{
	u32 call = st->op.in.call;

	st->op.end_ns = now;
	settle_running(st->self, &st->op, now);
	if (call == PART_BEFORE && st->op.in.slot == OTHER_NONE)
		st->op.in.slot = REGS_CALL(regs) + (in_compat_call() ? SYSCALL_MAX : 0);
	if (call > PART_OTHER) {
		close_part(c, &st->op);
		never_entered(c, regs, ret, now);
	} else if (IS_IO(call) && is_interrupted(ret)) {
		close_parked(-EINTR, 0); /* an outer call that was never entered again */
		park(st, regs);
	} else {
		if (call == PART_OTHER)
			sample_call(c, latency_of(&st->op), now, regs);
		close_op(c, st, &st->op, result_of(regs, ret));
	}
}

/* A call of @task returns whose operation isn't in @c, or isn't simply over. */
static __noinline int exit_by_state(struct layers_cpu *c, struct task_struct *task,
				    struct pt_regs *regs, s64 ret, u64 now)
{
	struct layers_state *st;

	if (has_op(c, task))
		keep_op(c, task);
	st = layers_of(task);
	if (!st || !st->self) {
		never_entered(c, regs, ret, now);
		return first_exit(c, task, ret, now);
	}
	if (!st->op.in.call)
		follow_thread(st, task, bpf_get_smp_processor_id());
	hold(&st->op.in);
	if (st->op.in.call)
		end_by_exit(c, st, regs, ret, now);
	if (REGS_NO_CALL(regs))
		handler_returned(st, regs);
	begin_user(c, st, task, now);
	return 0;
}

SYSCALL_EXIT(layers_exit)
{
	struct task_struct *task;
	struct layers_cpu *c;
	bool mine;
	u64 now;

	if (!all_attached)
		return 0;
	task = current_task();
	if (!among_processes(ids_of(task) >> 32, target.flags))
		return 0;
	c = cpu_here();
	if (!c)
		return 0;
	mine = has_op(c, task);
	if (!take_cpu(c)) /* what it returns from is missed, and counted at its next entry */
		return 0;
	now = bpf_ktime_get_ns();
	if (cfg.check)
		books_exit(c, mine ? c->entry.call : 0, ret);
	if (mine)
		hold(&c->entry);
	if (mine && c->entry.call <= PART_OTHER && (u64)ret >= (u64)-4095 && !is_interrupted(ret))
		keep_failure(c, ret, regs);
	/* asked once more: an interrupt that submitted a bio may have moved it meanwhile */
	if (mine && c->entry.call && c->entry.call <= PART_OTHER && now >= c->entry.entry_ns &&
	    !is_interrupted(ret) && !(n_parked && REGS_NO_CALL(regs))) {
		if (c->entry.call == PART_OTHER)
			sample_call(c, now - c->entry.entry_ns, now, regs);
		close_entry(c, task, result_of(regs, ret), now);
	} else {
		exit_by_state(c, task, regs, ret, now);
	}
	release_cpu(c);
	if (async_seen)
		async_exit(regs, ret);
	return 0;
}
