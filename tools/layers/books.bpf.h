/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What the kernel itself keeps of the threads that are watched, for the same time: --check. It is
 * read where the account has just been brought up to the same moment: at the return of calls, and
 * when a thread leaves its CPU. docs/ledger.md, "The kernel's own books".
 */
#ifndef IOSONDE_LAYERS_BOOKS_BPF_H
#define IOSONDE_LAYERS_BOOKS_BPF_H

#include "tools/layers/account.bpf.h"

/* What the scheduler keeps, but for BOOK_CPU, which is up to date while a thread is switched out.
 */
static __noinline int read_switches(struct layers_cpu *c, u64 *to, u64 address)
{
	struct task_struct *task = (struct task_struct *)address;

	c->books_kept |=
		1 << BOOK_CPU | 1 << BOOK_BLOCKED | 1 << BOOK_PREEMPTED | 1 << BOOK_MAJOR_FAULTS;
	to[BOOK_BLOCKED] = BPF_CORE_READ(task, nvcsw);
	to[BOOK_PREEMPTED] = BPF_CORE_READ(task, nivcsw);
	to[BOOK_MAJOR_FAULTS] = BPF_CORE_READ(task, maj_flt);
	if (bpf_core_field_exists(task->ioac.read_bytes)) {
		to[BOOK_DEVICE_READ] = BPF_CORE_READ(task, ioac.read_bytes);
		c->books_kept |= 1 << BOOK_DEVICE_READ;
	}
	if (bpf_core_field_exists(task->sched_info.run_delay)) {
		to[BOOK_RUNQ] = BPF_CORE_READ(task, sched_info.run_delay);
		c->books_kept |= 1 << BOOK_RUNQ;
	}
	return 0;
}

/* The same of a thread that is watched, and what is compared with it at the same moment. */
static __always_inline void read_last(struct layers_cpu *c, struct layers_state *st)
{
	read_switches(c, st->books.last, st->self);
	st->books.device_at = st->books.device;
}

/* What stands in /proc/PID/io. */
static __noinline int read_io(struct layers_cpu *c, u64 *to, u64 address)
{
	struct task_struct *task = (struct task_struct *)address;

	if (bpf_core_field_exists(task->ioac.rchar)) {
		to[BOOK_READS] = BPF_CORE_READ(task, ioac.syscr);
		to[BOOK_WRITES] = BPF_CORE_READ(task, ioac.syscw);
		to[BOOK_READ_BYTES] = BPF_CORE_READ(task, ioac.rchar);
		to[BOOK_WRITTEN_BYTES] = BPF_CORE_READ(task, ioac.wchar);
		c->books_kept |= 1 << BOOK_READS | 1 << BOOK_WRITES | 1 << BOOK_READ_BYTES |
				 1 << BOOK_WRITTEN_BYTES;
	}
	return 0;
}

/*
 * Watching of the thread with state @st begins. @in_ns: since when it has run without a break; 0:
 * it doesn't. @young: its books begin with it.
 */
static __always_inline void books_begin(struct layers_cpu *c, struct layers_state *st, u64 in_ns,
					bool young)
{
	struct layers_books *b = &st->books;
	struct task_struct *task = (struct task_struct *)st->self;

	if (!cfg.check)
		return;
	if (c)
		read_switches(c, b->base, st->self);
	if (young) /* its waits are ours from the first on, its switches from now on */
		b->base[BOOK_RUNQ] = 0;
	else if (c)
		read_io(c, b->base, st->self);
	b->base[BOOK_CPU] = young ? 0 : BPF_CORE_READ(task, se.sum_exec_runtime);
	b->ran_ns = b->device = b->device_at = 0;
	b->in_ns = in_ns;
	b->runs = in_ns != 0;
	b->booked = young || !in_ns;
	for (int i = 0; i < N_BOOKS; i++)
		b->last[i] = b->base[i];
}

/* It is switched out at @now, to wait for something if @waits. */
static __noinline int books_out(struct layers_cpu *c, struct layers_state *st, u32 waits, u64 now)
{
	struct layers_books *b = &st->books;
	struct task_struct *task = (struct task_struct *)st->self;
	u64 ran = BPF_CORE_READ(task, se.sum_exec_runtime);

	if (!b->booked) /* when its first stretch began, its books were not up to date */
		b->base[BOOK_CPU] = ran - (now - b->in_ns);
	b->booked = 1;
	b->ran_ns = ran - b->base[BOOK_CPU];
	b->runs = 0;
	read_last(c, st);
	if (waits)
		c->blocked++;
	else
		c->preempted++;
	return 0;
}

static __always_inline void books_in(struct layers_state *st, u64 now)
{
	st->books.runs = 1;
	st->books.in_ns = now;
}

/* The current thread enters a call that no file is charged with: what it reads is not compared. */
static __noinline int books_enter(struct layers_cpu *c)
{
	struct layers_state *st = layers_of(current_task());

	if (st && st->self)
		read_io(c, st->books.last, st->self);
	return 0;
}

/* It is about to return from @call with @ret; 0: from the one in its state. */
static __noinline int books_exit(struct layers_cpu *c, u32 call, s64 ret)
{
	struct layers_state *st = layers_of(current_task());
	u64 reads, writes, in, out;
	struct layers_books *b;

	if (!st || !st->self)
		return 0;
	if (!call)
		call = st->op.in.call;
	b = &st->books;
	reads = b->last[BOOK_READS];
	writes = b->last[BOOK_WRITES];
	in = b->last[BOOK_READ_BYTES];
	out = b->last[BOOK_WRITTEN_BYTES];
	read_last(c, st); /* it has waited for a CPU since it was switched out */
	read_io(c, b->last, st->self);
	if (is_interrupted(ret)) /* and to be entered again */
		c->again++;
	if (call && IS_IO(call))
		return 0;
	b->base[BOOK_READS] += b->last[BOOK_READS] - reads;
	b->base[BOOK_WRITES] += b->last[BOOK_WRITES] - writes;
	b->base[BOOK_READ_BYTES] += b->last[BOOK_READ_BYTES] - in;
	b->base[BOOK_WRITTEN_BYTES] += b->last[BOOK_WRITTEN_BYTES] - out;
	return 0;
}

/* Watching of it ends at @end; @waited: for a CPU just before, which the kernel books later. */
static __noinline int books_end(struct layers_cpu *c, struct layers_state *st, u64 end, u64 waited)
{
	struct layers_books *b = &st->books;

	if (!closed_ns) /* else it goes on */
		read_last(c, st);
	c->books[BOOK_CPU] += b->ran_ns;
	if (b->runs && end > b->in_ns)
		c->books[BOOK_CPU] += end - b->in_ns;
	c->books[BOOK_RUNQ] += waited;
	for (int i = BOOK_RUNQ; i < N_BOOKS; i++)
		c->books[i] += b->last[i] - b->base[i];
	c->device_bytes += b->device_at;
	return 0;
}

#endif
