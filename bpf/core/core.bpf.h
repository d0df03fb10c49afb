/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What every command's programs share: the ring buffer and how records get into it, the per-CPU
 * counters, the engine's configuration.
 */
#ifndef IOSONDE_CORE_BPF_H
#define IOSONDE_CORE_BPF_H

#include "bpf/kernel/compat.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct engine_cfg engine;

/* For each of the command's probes, in the table's order: 1 + the index of its rung; 0: none. */
const volatile u8 rungs[PROBES_MAX];

/* Sized by the engine: --buffer. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

/* One struct counters per CPU; mapped by user space, so reading it takes no privilege. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PER_CPU);
	__type(key, u32);
	__type(value, struct counters);
} counters SEC(".maps");

/*
 * Bounds a 64-bit variable by a constant mask where the verifier sees it: the compiler drops an
 * ordinary "&" that it knows to be superfluous, and older verifiers don't know.
 */
#define BOUND(var, mask) asm volatile("%0 &= %1" : "+r"(var) : "i"(mask))

/* A kernel pointer as a plain number, which global functions take as an argument. */
static __always_inline u64 address_of(const void *ptr)
{
	u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &ptr);
	return address;
}

/* What lies at an address of the kernel's; 0 where there is nothing. */
static __always_inline u64 u64_at(u64 address)
{
	u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (const void *)address);
	return v;
}

static __always_inline u32 u32_at(u64 address)
{
	u32 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), (const void *)address);
	return v;
}

/* Its lower half: of all operations on a pointer the one that every verifier takes for a number. */
static __always_inline u32 address_low(const void *ptr)
{
	u32 low;

	asm volatile("%0 = %1" : "=w"(low) : "w"((u32)(u64)ptr));
	return low;
}

/*
 * Which half of an aggregating map to count into: the first member of its keys. The engine moves it
 * on, waits for a grace period, and drains the half that nobody writes to any more.
 */
u32 epoch;

/*
 * 1 while every program is attached. Programs are attached and detached one by one, and what needs
 * several of them to be right must neither begin nor end in between.
 */
u32 all_attached;

/* Since when, as bpf_ktime_get_ns() has it; 0: not yet. */
u64 attached_ns;

/*
 * Programs nest on a CPU: in a thread, in a softirq above it, in an interrupt above that. Scratch
 * memory that is used in all of them is there once for each, with a mark on what is in use.
 */
#define NEST_LEVELS 3

/* The epoch once and for all, where a key and a place in a memo depend on it. */
static __always_inline u32 epoch_now(void)
{
	return *(volatile u32 *)&epoch;
}

static __always_inline struct counters *counters_here(void)
{
	u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

/* Adds to one counter of this CPU: COUNT(lost_ring). Programs nest on a CPU, hence the atomic. */
#define COUNT(member) COUNT_N(member, 1)
#define COUNT_N(member, n)                                                                         \
	do {                                                                                       \
		struct counters *counters_ = counters_here();                                      \
		if (counters_)                                                                     \
			__sync_fetch_and_add(&counters_->member, (n));                             \
	} while (0)

/* Counts an event and what became of it: COUNT_EVENT(lost_state). One look-up for both. */
#define COUNT_EVENT(outcome) COUNT_EVENTS(outcome, 1)
#define COUNT_EVENTS(outcome, n)                                                                   \
	do {                                                                                       \
		struct counters *counters_ = counters_here();                                      \
		if (counters_) {                                                                   \
			__sync_fetch_and_add(&counters_->generated, (n));                          \
			__sync_fetch_and_add(&counters_->outcome, (n));                            \
		}                                                                                  \
	} while (0)

/*
 * Adds @n, of a target's if @wanted, to what stands beside book @index of the command's: --check,
 * its struct check_cfg in cfg being @check. Without it this is no code at all.
 */
#define BOOK(check, index, wanted, n)                                                              \
	do {                                                                                       \
		struct counters *booked_ = (check).on ? counters_here() : NULL;                    \
		if (booked_ && (wanted))                                                           \
			__sync_fetch_and_add(&booked_->books[index].ours, (n));                    \
		else if (booked_)                                                                  \
			__sync_fetch_and_add(&booked_->books[index].others, (n));                  \
	} while (0)

/* The mount namespace of @here, which is current_task(), by its inode; 0 while the task ends. */
static __always_inline u32 task_mntns(struct task_struct *here)
{
	if (HAVE_TASK_BTF())
		return walkable(here)->nsproxy->mnt_ns->ns.inum;
	return BPF_CORE_READ(here, nsproxy, mnt_ns, ns.inum);
}

static __always_inline u32 current_mntns(void)
{
	return task_mntns(current_task());
}

/* Which program it runs; see program_id(). */
static __always_inline u64 current_program(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	return program_id(BPF_CORE_READ(mm, start_code), BPF_CORE_READ(mm, end_code),
			  BPF_CORE_READ(mm, start_stack), BPF_CORE_READ(mm, arg_start));
}

/*
 * Writes the finished record @rec of @size bytes to the ring. The reader is woken once per
 * engine.wake_bytes that this CPU, whose counters are @here, has written, and not per record; a
 * timer of its own covers the rest. False: no room.
 */
static __always_inline bool emit_here(struct counters *here, void *rec, u64 size)
{
	u64 flags = BPF_RB_NO_WAKEUP;

	here->unwoken += size;
	if (here->unwoken >= engine.wake_bytes) {
		here->unwoken = 0;
		/* by many CPUs, a little from each: one of them finds that it is enough */
		if (!engine.wake_data ||
		    bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >= engine.wake_data)
			flags = BPF_RB_FORCE_WAKEUP;
	}
	return !bpf_ringbuf_output(&events, rec, size, flags);
}

static __always_inline bool emit_uncounted(void *rec, u64 size)
{
	struct counters *here = counters_here();

	return here && emit_here(here, rec, size);
}

static __always_inline void emit_row_here(struct counters *here, void *rec, u64 size)
{
	if (!emit_here(here, rec, size))
		__sync_fetch_and_add(&here->lost_ring, 1);
}

/* The same for a row: one without room is counted as lost. */
static __always_inline void emit(void *rec, u64 size)
{
	struct counters *here = counters_here();

	if (here)
		emit_row_here(here, rec, size);
}

/* The same, and the event counts as generated: one look-up for all. */
static __always_inline void emit_event(void *rec, u64 size)
{
	struct counters *here = counters_here();

	if (!here)
		return;
	__sync_fetch_and_add(&here->generated, 1);
	emit_row_here(here, rec, size);
}

static __always_inline void rec_init(struct rec *rec, u32 type)
{
	rec->ts_ns = bpf_ktime_get_ns();
	rec->type = type;
	rec->cpu = bpf_get_smp_processor_id();
}

/*
 * CURRENT_EVENT(name, event) { ... }: a program at a tracepoint of the scheduler whose subject is
 * the current task (sched_process_exec, sched_process_exit), twice from one body: `name` at the
 * tp_btf hook, `name_tp` at the classic tracepoint. See SYSCALL_ENTER() for the reason.
 */
#define CURRENT_EVENT(name, event)                                                                 \
	static __always_inline int name##_body(void *ctx);                                         \
	SEC("tp_btf/" event)                                                                       \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		return name##_body(ctx);                                                           \
	}                                                                                          \
	SEC("tp/sched/" event)                                                                     \
	int name##_tp(void *ctx)                                                                   \
	{                                                                                          \
		return name##_body(ctx);                                                           \
	}                                                                                          \
	static __always_inline int name##_body(void *ctx)

#endif
