/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The account of one operation: its state, its maps, and how time gets into its cells. */
#ifndef IOSONDE_LAYERS_ACCOUNT_BPF_H
#define IOSONDE_LAYERS_ACCOUNT_BPF_H

#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/files/path.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"

#include "tools/layers/layers.h"

#define O_OPEN(call) ((call) >= CALL_OPEN)

const volatile struct layers_cfg cfg;

enum thread_state { ON_CPU, ON_RUNQ, BLOCKED };

/* The account of an operation that left its CPU. */
struct layers_op {
	struct layers_entry in;
	struct layers_key key; /* of an open: its process and call alone, until it ends */
	u64 end_ns;
	u32 flags;
	u32 state; /* enum thread_state */
	u32 gen;   /* tags this operation's bios */
	u32 restarts;
	u64 start_ns;
	u64 before_ns; /* earlier stretches */
	u64 mark_ns;   /* everything before this has been given to a cell */
	u64 in_ns;     /* last switched in */
	u64 cells[N_CELLS];
	u32 n_bios;
	s32 stack; /* where it is blocked */
	s32 longest_stack;
	u32 reserved;
	u64 longest_ns;
};

struct layers_state {
	u64 self; /* address of the task, as a number: a key that global functions can take */
	struct layers_op op;
	struct layers_op parked; /* left with "restart me": a handler may make calls of its own */
	u64 parked_ip, parked_sp;
	u32 generation;
	u32 cpu; /* where it last ran, as far as is known */
	char name[NAME_KEPT];
};

TASK_STATE(layers, struct layers_state, 10240)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* so that it begins with a page, and a cache line */
	__uint(max_entries, PER_CPU);
	__type(key, u32);
	__type(value, struct layers_cpu);
} layers_cpus SEC(".maps");

/* How many threads have a parked operation. */
u32 n_parked;

/* When a thread that waits was last woken. Written by the waker; key is the task's address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, u64);
} layers_wakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct layers_key);
	__type(value, struct layers_sums);
} layers_table SEC(".maps");

/* What finds no room there: by process and call, all files together. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct layers_key);
	__type(value, struct layers_sums);
} layers_others SEC(".maps");

/* What finds none there either: by call. This can't fail. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, N_CALLS);
	__type(key, u32);
	__type(value, struct layers_sums);
} layers_rest SEC(".maps");

/* Calls of targets that aren't followed, by number; those of the 32-bit ABI come behind. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * SYSCALL_MAX);
	__type(key, u32);
	__type(value, u64);
} layers_unfollowed SEC(".maps");

/* Files whose path was sent. The least recently used are forgotten, and sent again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct layers_file);
	__type(value, u32);
} layers_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(u32));
	__uint(value_size, STACK_FRAMES * sizeof(u64));
} layers_stacks SEC(".maps");

/* Updated inside the scheduler, hence preallocated. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct layers_wait_key);
	__type(value, struct layers_wait);
} layers_waits SEC(".maps");

/* Scratch of a CPU. @busy: a thread that was preempted in the middle, or a program below us. */
struct file_out {
	struct layers_file_event e;
	char path[PATH_LEN];
	u32 busy;
};

struct op_out {
	struct layers_op_event e;
	char name[NAME_KEPT];
	u32 busy;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct file_out);
} layers_file_out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct op_out);
} layers_op_out SEC(".maps");

/* The account of an operation that needed none, to be sent; what it doesn't set stays 0. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct layers_op);
} layers_sent SEC(".maps");

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#define TALLY(which) COUNT(tool[which])

static __always_inline struct layers_cpu *cpu_here(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&layers_cpus, &cpu);
}

/*
 * Only one program at a time works on a CPU's record; where programs can be preempted
 * (SYSCALL_ENTER()), another may come in between. It must do without.
 */
static __always_inline bool take_cpu(struct layers_cpu *c)
{
	if (c->entry.busy)
		return false;
	c->entry.busy = 1;
	barrier();
	return true;
}

static __always_inline void release_cpu(struct layers_cpu *c)
{
	barrier();
	c->entry.busy = 0;
}

/* Hands an operation to the scheduler's programs, all stamps set, and takes it back. */
static __always_inline void go_live(struct layers_entry *in)
{
	barrier();
	in->live = 1;
}

static __always_inline void hold(struct layers_entry *in)
{
	in->live = 0;
	barrier();
}

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

/* Sums of @call by process @tgid on the file with inode @inode; NULL: on no file. */
static __noinline int make_key(struct layers_key *key, struct inode *inode, u32 tgid, u32 call)
{
	key->tgid = tgid;
	key->call = call;
	key->file.ino = inode ? LOAD(struct inode, inode, i_ino) : 0;
	key->file.gen = inode ? LOAD(struct inode, inode, i_generation) : 0;
	key->file.dev = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
	return 0;
}

/* The operation in c->entry gets its account in @st, the state of its thread. */
static __always_inline void take_entry(struct layers_cpu *c, struct layers_state *st)
{
	const struct layers_entry *in = &c->entry;

	if (st->op.in.call) /* its return was never seen */
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

	if (O_OPEN(c->entry.call))
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

	if (c && st && has_op(c, task) && c->entry.live)
		claim_op(c, st, task);
	return st;
}

#include "tools/layers/blkio_thread.bpf.h"

/* --- the account --- */

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
	struct layers_wait_key key = { .stack = op->stack, .call = op->in.call };
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

/* The thread was blocked from the mark until @woken: what for? */
static __always_inline void settle_blocked(u64 task, struct layers_op *op, u64 woken)
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
	op->cells[CELL_DEVICE] += device;
	op->cells[CELL_QUEUE] += any - device;
	if (op->flags & OP_BIOS_FULL) {
		op->cells[CELL_UNKNOWN] += rest;
	} else {
		op->cells[CELL_WAIT] += rest;
		if (rest)
			note_wait(op, rest);
	}
	op->mark_ns = woken;
}

/* It was woken, from a wait that began at the mark: gives the wait to its cells. False: nobody said
 * when. */
static __always_inline bool settle_wait(u64 task, struct layers_op *op, u64 now)
{
	u64 *wake = bpf_map_lookup_elem(&layers_wakes, &task);
	u64 woken = wake ? *wake : 0;

	if (woken < op->in_ns) { /* no wake-up since it last ran */
		TALLY(LAYERS_NO_STAMP);
		return false;
	}
	if (woken > now) {
		TALLY(LAYERS_CLAMPED);
		woken = now;
	}
	if (woken > op->mark_ns) /* else it was woken while still being switched out: no wait */
		settle_blocked(task, op, woken);
	return true;
}

/* Switched in at @now: the time since the mark was spent waiting, for something or for a CPU. */
static __always_inline void settle_switch_in(u64 task, struct layers_op *op, u64 now)
{
	if (op->state == BLOCKED && !settle_wait(task, op, now))
		charge(op, CELL_UNKNOWN, now);
	if (op->state != ON_CPU)
		charge(op, CELL_RUNQ, now);
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
