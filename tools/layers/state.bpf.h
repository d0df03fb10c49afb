/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the ledger keeps, and where: a thread's state, a CPU's record, the maps. */
#ifndef IOSONDE_LAYERS_STATE_BPF_H
#define IOSONDE_LAYERS_STATE_BPF_H

#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/files/path.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"

#include "tools/layers/layers.h"

#define O_OPEN(call) ((call) >= CALL_OPEN && (call) <= CALL_OPEN_BY_HANDLE)
#define IS_IO(call)  ((call) < N_CALLS) /* followed by file, if there is one at all */
/* of those it is told what they wait for, as of which call: in user space it is a page fault */
#define HAS_REASONS(call) (IS_IO(call) || (call) == PART_USER)
#define REASON_CALL(call) ((call) == PART_USER ? CALL_FAULT : (call))

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

/* --check: the kernel's books of a thread. */
struct layers_books {
	u64 base[N_BOOKS]; /* when watching began, and what isn't compared */
	u64 last[N_BOOKS]; /* at the last return, or switch */
	u64 ran_ns;	   /* since the beginning, up to when it was last switched out */
	u64 in_ns;	   /* since when it runs */
	u32 runs;
	u32 booked;    /* base[BOOK_CPU] was up to date */
	u64 device;    /* bytes that it has asked disks for */
	u64 device_at; /* the same, when last[] was read */
};

/* Operations of one kind that are over, and whose results the thread hasn't come back to yet. */
struct async_pending {
	struct layers_async_key key;
	u64 count;
	u64 sum_ns; /* of when each was over, and the first */
	u64 first_ns;
};

#define ASYNC_PENDING 4

struct layers_state {
	u64 self;     /* address of the task, as a number: a key that global functions can take */
	u64 first_ns; /* since when it has been watched */
	struct layers_op op;
	struct layers_op parked; /* left with "restart me": a handler may make calls of its own */
	u64 parked_ip, parked_sp;
	u32 generation;
	u32 cpu; /* where it last ran, as far as is known */
	struct async_pending pending[ASYNC_PENDING];
	u64 async; /* key of the operation of io_uring that it has submitted last; 0: none */
	char name[NAME_KEPT];
	struct layers_books books;
};

TASK_STATE(layers, struct layers_state, 10240)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* so that it begins with a page, and a cache line */
	__uint(max_entries, PER_CPU);
	__type(key, u32);
	__type(value, struct layers_cpu);
} layers_cpus SEC(".maps");

/* When watching ended: from then on only the end of threads, and of watching, writes. 0: it goes
 * on. */
u64 closed_ns;

/* How many threads have a parked operation. */
u32 n_parked;

struct layers_wake {
	u64 ns;
	struct layers_who who;
};

/* When a thread that waits was last woken, and by whom. Written by the waker; key is the task's
 * address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u64);
	__type(value, struct layers_wake);
} layers_wakes SEC(".maps");

/* Updated inside the scheduler, hence preallocated. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct layers_cause_key);
	__type(value, struct layers_cause);
} layers_causes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct layers_key);
	__type(value, struct layers_sums);
} layers_table SEC(".maps");

/* Those of page faults: older kernels take no other kind of map in the program that adds to it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct layers_key);
	__type(value, struct layers_sums);
} layers_fault_table SEC(".maps");

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

/* The same for a page fault. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct layers_op);
} layers_fault_op SEC(".maps");

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

#endif
