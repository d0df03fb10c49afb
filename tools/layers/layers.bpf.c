/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The state ledger. Each followed system call has an account in its thread's state; one mark moves
 * forward, and at every change the time since the mark goes to the cell that was current. Only the
 * thread itself (or sched_switch on its behalf) writes the account; other CPUs leave time stamps in
 * layers_wakes and in the bio slots of blkio.bpf.h.
 */
#include "tools/layers/sums.bpf.h"

/* --- system calls --- */

/* Is this the call that was parked, entered again? */
static __always_inline bool rejoins(const struct layers_state *st, u32 call, struct pt_regs *regs)
{
	return st->parked.call == call && st->parked_ip == REGS_IP(regs) &&
	       st->parked_sp == REGS_SP(regs);
}

static __noinline int park(struct layers_state *st, struct pt_regs *regs)
{
	st->parked = st->op;
	st->parked_ip = REGS_IP(regs);
	st->parked_sp = REGS_SP(regs);
	st->parked_key = st->slots[st->op.slot & (LAYERS_SLOTS - 1)].key;
	st->op.call = 0;
	return 0;
}

static __always_inline bool same_key(const struct layers_key *a, const struct layers_key *b)
{
	return a->file.ino == b->file.ino && a->file.dev == b->file.dev &&
	       a->file.gen == b->file.gen && a->tgid == b->tgid && a->call == b->call;
}

/* A handler's calls may have taken the parked operation's slot for something else: takes it back.
 */
static __always_inline void reclaim_slot(struct layers_state *st)
{
	struct layers_slot *slot = &st->slots[st->parked.slot & (LAYERS_SLOTS - 1)];

	if (O_OPEN(st->parked.call) || same_key(&slot->key, &st->parked_key))
		return;
	flush_slot(slot);
	slot->key = st->parked_key;
	slot->inode = 0; /* the tag is lost: the next operation looks again */
}

/* The parked operation goes on. */
static __noinline int rejoin(struct layers_state *st)
{
	reclaim_slot(st);
	st->op = st->parked;
	st->op.before_ns += st->parked.end_ns - st->parked.entry_ns;
	st->op.restarts++;
	st->op.flags |= OP_RESTARTED;
	st->op.state = ON_CPU;
	st->parked.call = 0;
	return 0;
}

/*
 * Closes the current thread's parked operation. This and the next one are rare, and global, so that
 * the verifier takes what they contain once, and not wherever they are called.
 */
__noinline int close_parked(s32 ret, u32 flags)
{
	struct task_struct *task = current_task();
	struct layers_state *st = layers_of(task);

	if (!st || !st->parked.call)
		return 0;
	st->parked.flags |= flags;
	reclaim_slot(st);
	close_op(st, &st->parked, task, ret);
	return 0;
}

/* Closes the operation that the current thread will never return from. */
__noinline int close_killed(u64 now)
{
	struct task_struct *task = current_task();
	struct layers_state *st = layers_of(task);

	if (!st || !st->op.call)
		return 0;
	begin(st);
	settle_running(st->self, &st->op, now);
	st->op.end_ns = now;
	st->op.flags |= OP_KILLED;
	close_op(st, &st->op, task, 0); /* nobody is left to get a result */
	return 0;
}

/*
 * The name that an open passes is shown for one that fails. Another thread may change it meanwhile,
 * so it is read now where every operation can become a row; the table of the slowest, which few
 * enter, is not worth 50 ns per open, and reads it in the end.
 */
static __always_inline void keep_name(struct layers_state *st, const struct syscall_args *args)
{
	st->op.name_len = 0;
	st->op.name_ptr = st->op.call >= CALL_OPENAT ? args->a[1] : args->a[0];
	if (st->op.call == CALL_OPEN_BY_HANDLE)
		st->op.name_ptr = 0;
	else if (cfg.stream)
		read_name(st, &st->op);
}

static __always_inline void open_op(struct layers_state *st, const struct entered *in,
				    struct pt_regs *regs)
{
	struct layers_op *op = &st->op;
	struct syscall_args args;

	syscall_args(regs, in->compat, &args);
	op->call = in->call;
	op->begun = 0;
	if (O_OPEN(in->call)) {
		op->fd = -1;
		keep_name(st, &args);
		return;
	}
	op->fd = in->call == CALL_SENDFILE || in->call == CALL_SENDFILE64 ? args.a[1] : args.a[0];
	op->file = (u64)task_file_of_fd(in->task, op->fd);
	op->slot = find_slot(st, in->call, (struct file *)op->file);
}

/* Before its first operation: from now on its wakers leave a stamp. */
static __always_inline void meet_thread(struct layers_state *st)
{
	u64 none = 0;

	st->self = bpf_get_current_task();
	bpf_map_update_elem(&layers_wakes, &st->self, &none, BPF_ANY);
}

SYSCALL_ENTER(layers_enter)
{
	struct layers_state *st;
	struct entered in;
	u64 now;

	if (!all_attached || !target_entered(id, &in))
		return 0;
	st = layers_create(in.task);
	if (!st) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	hold(&st->op);
	if (st->op.call) { /* its return was never seen */
		COUNT_EVENT(lost_state);
	}
	if (st->parked.call && rejoins(st, in.call, regs)) {
		rejoin(st);
	} else {
		if (!st->self)
			meet_thread(st);
		open_op(st, &in, regs);
	}
	now = bpf_ktime_get_ns(); /* last: what came before is our own time */
	st->op.entry_ns = now;
	if (st->op.begun)
		st->op.mark_ns = st->op.in_ns = now;
	go_live(&st->op);
	return 0;
}

/*
 * rt_sigreturn restores the registers of the interrupted call. If they point at its instruction, it
 * will be entered again; just behind it, it has failed with EINTR; elsewhere, an outer handler was
 * interrupted and goes on.
 */
static __always_inline void handler_returned(struct layers_state *st, struct pt_regs *regs)
{
	if (st->parked.call && st->parked_sp == REGS_SP(regs) && st->parked_ip == REGS_IP(regs))
		close_parked(-EINTR, 0);
}

static __noinline int settle_end(struct layers_state *st, u64 now)
{
	settle_running(st->self, &st->op, now);
	return 0;
}

/* What is under way when the run ends has no known end. */
static __always_inline void abandon(struct layers_state *st)
{
	if (!st)
		return;
	hold(&st->op);
	st->op.call = 0;
}

SYSCALL_EXIT(layers_exit)
{
	struct task_struct *task;
	struct layers_state *st;
	bool restarts = is_interrupted(ret);
	u64 now;

	/* only to leave early: which call it was is what the entry stored */
	if (!syscall_maybe(REGS_CALL(regs)) && !REGS_NO_CALL(regs))
		return 0;
	task = current_task();
	/* spares other processes the look-up of a state that they don't have */
	if ((target.flags & TARGET_PID) && !target_process(ids_of(task) >> 32))
		return 0;
	st = layers_of(task);
	if (!all_attached) {
		abandon(st);
		return 0;
	}
	if (!st || !st->op.call) {
		if (st && REGS_NO_CALL(regs))
			handler_returned(st, regs);
		else if (syscall_call(REGS_CALL(regs), task_in_compat_call(task)) &&
			 target_match(ids_of(task)))
			TALLY(LAYERS_NO_ENTRY);
		return 0;
	}
	hold(&st->op);
	now = bpf_ktime_get_ns();
	st->op.end_ns = now;
	if (restarts || now < st->op.entry_ns)
		begin(st);
	if (st->op.begun)
		settle_end(st, now);
	if (restarts) {
		close_parked(-EINTR, 0); /* an outer call that was never entered again */
		park(st, regs);
		return 0;
	}
	close_op(st, &st->op, task, ret);
	return 0;
}

/* --- the scheduler --- */

static __always_inline void switched_out(void *ctx, struct task_struct *prev, bool preempted)
{
	struct layers_state *st = layers_of(prev);

	if (!st || !st->op.live)
		return;
	begin(st);
	settle_running(st->self, &st->op, bpf_ktime_get_ns());
	/* a signal that was pending keeps it runnable, though it meant to block */
	if (preempted || !task_state(prev)) {
		st->op.state = ON_RUNQ;
		return;
	}
	st->op.state = BLOCKED;
	st->op.stack = bpf_get_stackid(ctx, &layers_stacks, BPF_F_FAST_STACK_CMP);
	if (st->op.stack < 0)
		TALLY(LAYERS_LOST_STACK);
}

static __always_inline void switched_in(struct task_struct *next)
{
	struct layers_state *st = layers_of(next);

	if (!st || !st->op.live)
		return;
	begin(st);
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

CURRENT_EVENT(layers_thread_exit, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct layers_state *st = layers_of(task);
	u64 key;

	if (!st)
		return 0;
	key = st->self;
	hold(&st->op);
	if (st->op.call)
		close_killed(bpf_ktime_get_ns());
	if (st->parked.call) /* a signal took it out of the call, and killed it */
		close_parked(0, OP_KILLED);
	for (int i = 0; i < LAYERS_SLOTS; i++)
		flush_slot(&st->slots[i]);
	bpf_map_delete_elem(&layers_wakes, &key);
	bios_forget(key);
	st->self = 0;
	layers_drop(task);
	return 0;
}

/* --- what threads have not put into the table yet --- */

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

SEC("iter/task")
int layers_pending(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct layers_state *st;

	if (!task)
		return 0;
	st = layers_of(task);
	if (st)
		bpf_seq_write(ctx->meta->seq, st->slots, sizeof(st->slots));
	return 0;
}
