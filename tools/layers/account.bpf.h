/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The account of one operation: where it is kept, and how time gets into its cells. */
#ifndef IOSONDE_LAYERS_ACCOUNT_BPF_H
#define IOSONDE_LAYERS_ACCOUNT_BPF_H

#include "tools/layers/who.bpf.h"

/* Starts the account of the operation whose entry st->op has. It was on the CPU so far. */
static __always_inline void begin(struct layers_state *st)
{
	struct layers_op *op = &st->op;

	op->flags = 0;
	op->state = ON_CPU;
	op->gen = ++st->generation;
	op->restarts = op->n_bios = 0;
	op->start_ns = op->mark_ns = op->in_ns = op->in.entry_ns;
	op->before_ns = 0;
	for (int i = 0; i < N_CELLS; i++)
		op->cells[i] = 0;
	op->longest_ns = 0;
	op->longest_stack = op->stack = -1;
}

/* What tells the file with inode @inode from others; NULL: no file. */
static __always_inline void identify(struct layers_file *id, struct inode *inode)
{
	id->ino = inode ? LOAD(struct inode, inode, i_ino) : 0;
	id->gen = inode ? LOAD(struct inode, inode, i_generation) : 0;
	id->dev = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
}

/* Sums of @call by process @tgid on the file with inode @inode; NULL: on no file. */
static __noinline int make_key(struct layers_key *key, struct inode *inode, u32 tgid, u32 call)
{
	key->tgid = tgid;
	key->call = call;
	identify(&key->file, inode);
	return 0;
}

/* The operation in c->entry gets its account in @st, the state of its thread. */
static __always_inline void take_entry(struct layers_cpu *c, struct layers_state *st)
{
	const struct layers_entry *in = &c->entry;

	if (st->op.in.call && IS_IO(st->op.in.call)) /* its return was never seen */
		COUNT_EVENT(lost_end);
	st->op.in = *in;
	if (O_OPEN(in->call) && in->name_len)
		__builtin_memcpy(st->name, c->name, NAME_KEPT);
	begin(st);
}

/* From now on the record is anybody's. */
static __always_inline void leave_record(struct layers_cpu *c)
{
	c->entry.live = 0;
	barrier();
	c->entry.call = 0; /* last */
}

/* The operation in c->entry, of the thread with state @st, goes on in the thread's state. */
static __always_inline void move_entry(struct layers_cpu *c, struct layers_state *st)
{
	take_entry(c, st);
	leave_record(c);
}

/* Is @task in an operation that @c has? */
static __always_inline bool has_op(struct layers_cpu *c, struct task_struct *task)
{
	return c->entry.call && c->self == (u64)task;
}

/*
 * The operation of @task in @c, this CPU's, is about to leave the CPU, or needs an account for
 * another reason.
 */
static __noinline int keep_op(struct layers_cpu *c, struct task_struct *task)
{
	struct layers_state *st = layers_of(task);

	if (st) {
		st->op.key = c->slots[c->entry.slot & (LAYERS_SLOTS - 1)].key;
		move_entry(c, st);
	} else {
		if (IS_IO(c->entry.call))
			COUNT_EVENT(lost_state);
		c->entry.call = 0;
	}
	c->self = 0; /* its next operation looks at its state first */
	return 0;
}

/*
 * The state of @task, which is switched out here, with the operation that it is in; NULL: it has
 * none.
 */
static __always_inline struct layers_state *state_with_op(struct task_struct *task)
{
	struct layers_cpu *c = cpu_here();

	if (c && has_op(c, task)) {
		if (c->entry.live)
			keep_op(c, task);
		else
			c->away_from_ns = bpf_ktime_get_ns();
	}
	return layers_of(task);
}

/* @task is switched in: was it away while its operation was being moved (claim_op())? */
static __always_inline void note_return(struct task_struct *task)
{
	struct layers_cpu *c = cpu_here();

	if (!c || !has_op(c, task) || c->entry.live || !c->away_from_ns)
		return;
	c->away_ns += bpf_ktime_get_ns() - c->away_from_ns;
	c->away_from_ns = 0;
}

/* The operation in c->entry by its file itself, for others have used the slots. */
static __always_inline void key_by_file(struct layers_cpu *c, struct layers_state *st)
{
	struct file *file = (struct file *)c->entry.file;

	if (O_OPEN(c->entry.call) || !IS_IO(c->entry.call))
		return;
	make_key(&st->op.key, file ? LOAD(struct file, file, f_inode) : NULL, c->ids >> 32,
		 c->entry.call);
}

/*
 * @task has come to CPU @here. If an operation of its is still in the record of the CPU where it
 * ran before, nobody said that it was switched out there.
 */
static __noinline int follow_thread(struct layers_state *st, struct task_struct *task, u32 here)
{
	u32 before = st->cpu;
	struct layers_cpu *c = bpf_map_lookup_elem(&layers_cpus, &before);

	st->cpu = here;
	if (!c || !has_op(c, task))
		return 0;
	key_by_file(c, st);
	move_entry(c, st);
	return 0;
}

/*
 * Moves the operation of the current thread, @task, out of the record @c for a program that may be
 * switched out itself, as tp_btf programs may since 7.0 (docs/kernels.md). sched_switch would move
 * it too, and what is moved here afterwards be another thread's. So that is told to let it be, and
 * how long the thread was away is noted instead.
 */
static __noinline int claim_op(struct layers_cpu *c, struct layers_state *st,
			       struct task_struct *task)
{
	c->away_ns = c->away_from_ns = 0;
	hold(&c->entry);
	if (!has_op(c, task)) /* moved just before */
		return 0;
	st->op.key = c->slots[c->entry.slot & (LAYERS_SLOTS - 1)].key;
	take_entry(c, st);
	if (c->away_ns)
		key_by_file(c, st);
	st->op.cells[CELL_RUNQ] = c->away_ns;
	if (c->away_ns)
		blame(WHO_UNTOLD, WHAT(CELL_RUNQ, cause_call(&st->op.in)), c->away_ns, 0, 0);
	st->op.mark_ns += c->away_ns;
	go_live(&st->op.in);
	leave_record(c);
	c->self = 0; /* its next operation looks at its state first */
	return 0;
}

/* The state of the current thread, @task, with the operation that it is in; NULL: it has none. */
static __always_inline struct layers_state *state_claimed(struct task_struct *task)
{
	struct layers_state *st = layers_of(task);
	struct layers_cpu *c = cpu_here();

	if (closed_ns) /* watching is over, and what is in the records of CPUs is read as it is */
		return NULL;
	if (c && st && has_op(c, task) && c->entry.live)
		claim_op(c, st, task);
	return st;
}

#include "tools/layers/blame.bpf.h"

/* --- the account --- */

#define COMING_IN_NS 1000000 /* sched_switch takes less, a hypervisor's pause aside */

/* Gives the time from the mark to @now to @cell. */
static __always_inline void charge(struct layers_op *op, u32 cell, u64 now)
{
	if (now < op->mark_ns) {
		TALLY(LAYERS_CLAMPED);
		return;
	}
	op->cells[cell] += now - op->mark_ns;
	op->mark_ns = now;
}

static __always_inline void note_wait(struct layers_op *op, u64 ns)
{
	struct layers_wait_key key = { .stack = op->stack, .call = REASON_CALL(op->in.call) };
	struct layers_wait *wait, first = { 1, ns, ns };

	if (ns > op->longest_ns) {
		op->longest_ns = ns;
		op->longest_stack = op->stack;
	}
	wait = bpf_map_lookup_elem(&layers_waits, &key);
	if (!wait) {
		if (!bpf_map_update_elem(&layers_waits, &key, &first, BPF_NOEXIST))
			return;
		wait = bpf_map_lookup_elem(&layers_waits, &key); /* another CPU was faster */
	}
	if (!wait) { /* with those that have no stack: there from the start */
		TALLY(LAYERS_LOST_STACK);
		key.stack = -1;
		wait = bpf_map_lookup_elem(&layers_waits, &key);
	}
	if (!wait)
		return;
	__sync_fetch_and_add(&wait->count, 1);
	__sync_fetch_and_add(&wait->wait_ns, ns);
	if (ns > wait->max_ns)
		wait->max_ns = ns;
}

/* Its wait of @ns was ended by @wake; NULL: by nothing yet. */
static __always_inline void blame_waker(const struct layers_op *op, const struct layers_wake *wake,
					u64 ns)
{
	u64 what = WHAT(CELL_WAIT, cause_call(&op->in));

	if (wake && wake->who.kind == WHO_JOURNAL)
		blame_journal(wake->who.comm[0], what, ns);
	else if (wake)
		blame((u64)wake->who.kind << 32 | wake->who.id, what, ns, wake->who.comm[0],
		      wake->who.comm[1]);
	else
		blame((u64)WHO_NOT_OVER << 32, what, ns, 0, 0);
}

/* The thread was blocked from the mark until @woken, by @wake: what for? */
static __always_inline void settle_blocked(u64 task, struct layers_op *op, u64 woken,
					   const struct layers_wake *wake)
{
	u64 total = woken - op->mark_ns, any = 0, device = 0, rest;

	if (op->n_bios) {
		any = bios_busy(task, op->mark_ns, woken, op->gen, BIO_ANY);
		device = bios_busy(task, op->mark_ns, woken, op->gen, BIO_DEVICE);
	}
	if (any > total || device > any) { /* would be a bug; shown as such */
		TALLY(LAYERS_OVERFLOW);
		any = device = 0;
	}
	rest = total - any;
	if (any)
		blame_for_requests(task, op, woken, any - device, device);
	op->cells[CELL_DEVICE] += device;
	op->cells[CELL_QUEUE] += any - device;
	if (op->flags & OP_BIOS_FULL) {
		op->cells[CELL_UNKNOWN] += rest;
	} else {
		op->cells[CELL_WAIT] += rest;
		if (rest)
			blame_waker(op, wake, rest);
		if (rest && HAS_REASONS(op->in.call))
			note_wait(op, rest);
	}
	op->mark_ns = woken;
}

/* It was woken, from a wait that began at the mark: gives the wait to its cells. False: nobody said
 * when. */
static __always_inline bool settle_wait(u64 task, struct layers_op *op, u64 now)
{
	struct layers_wake *wake = bpf_map_lookup_elem(&layers_wakes, &task);
	u64 woken = wake ? wake->ns : 0;

	if (woken < op->in_ns) { /* no wake-up since it last ran */
		TALLY(LAYERS_NO_STAMP);
		return false;
	}
	if (woken > now) { /* another CPU woke it once more while it came in */
		if (woken - now > COMING_IN_NS)
			TALLY(LAYERS_CLAMPED);
		woken = now;
	}
	if (woken > op->mark_ns) /* else it was woken while still being switched out: no wait */
		settle_blocked(task, op, woken, wake);
	return true;
}

/* From the mark to @now it waited for a CPU: for @cpu, as far as is known. */
static __always_inline void settle_runq(struct layers_op *op, u64 now, u32 cpu)
{
	if (op->mark_ns < now)
		blame_cpu(cpu, op->mark_ns, now, cause_call(&op->in));
	charge(op, CELL_RUNQ, now);
}

/*
 * Switched in at @now: the time since the mark was spent waiting, for something or for a CPU. One
 * that was preempted waited for that which it had, @before.
 */
static __always_inline void settle_switch_in(u64 task, struct layers_op *op, u64 now, u32 before,
					     u32 here)
{
	u32 cpu = op->state == ON_RUNQ ? before : here;

	if (op->state == BLOCKED && !settle_wait(task, op, now))
		charge(op, CELL_UNKNOWN, now);
	if (op->state != ON_CPU)
		settle_runq(op, now, cpu);
	op->state = ON_CPU;
	op->in_ns = now;
}

/*
 * It runs at @now. If nobody said that it was switched in (some virtual machines' kernels lose one
 * in some thousand of these events), what came after its wake-up can't be told apart.
 */
static __always_inline void settle_running(u64 task, struct layers_op *op, u64 now)
{
	if (op->state == ON_CPU) {
		charge(op, CELL_CPU, now);
		return;
	}
	if (op->state == BLOCKED && settle_wait(task, op, now))
		TALLY(LAYERS_NO_STAMP);
	charge(op, CELL_UNKNOWN, now);
	op->state = ON_CPU;
	op->in_ns = now;
}

#endif
