/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The state ledger. Each followed system call has an account in its thread's state; one mark moves
 * forward, and at every change the time since the mark goes to the cell that was current. Only the
 * thread itself (or sched_switch on its behalf) writes the account; other CPUs leave time stamps in
 * layers_wakes and in the bio slots of blkio.bpf.h.
 */
#include "bpf/filter.bpf.h"
#include "bpf/files.bpf.h"
#include "bpf/path.bpf.h"
#include "bpf/syscall.bpf.h"
#include "bpf/task_state.bpf.h"

#include "tools/layers/layers.h"

#define NAME_KEPT    256 /* of the name that an open passed, for one that fails */
#define O_OPEN(call) ((call) >= CALL_OPEN)
/* Kernel-internal results: include/linux/errno.h. The call will be entered again, or fail with
 * EINTR. */
#define ERESTARTSYS	      512
#define ERESTART_RESTARTBLOCK 516
#define EINTR		      4

const volatile struct layers_cfg cfg;

enum thread_state { ON_CPU, ON_RUNQ, BLOCKED };

/* One operation's account. */
struct layers_op {
	u64 ids;
	u32 call; /* 0: none under way */
	u32 flags;
	u32 state; /* enum thread_state */
	u32 gen;   /* tags this operation's bios */
	u64 start_ns;
	u64 entry_ns; /* of this stretch; earlier ones of a restarted call are in before_ns */
	u64 before_ns;
	u64 end_ns;  /* of a parked one */
	u64 mark_ns; /* everything before this has been given to a cell */
	u64 in_ns;   /* last switched in */
	u64 cells[N_CELLS];
	u64 file; /* struct file */
	u64 ip, sp;
	s32 fd;
	u32 slot;
	u32 restarts;
	u32 n_bios;
	s32 stack; /* where it is blocked */
	s32 longest_stack;
	u64 longest_ns;
	u32 name_len;
	u32 reserved;
};

struct layers_state {
	u64 self; /* address of the task, as a number: a key that global functions can take */
	struct layers_op op;
	struct layers_op parked; /* left with "restart me": a handler may make calls of its own */
	struct layers_key parked_key;
	struct layers_slot slots[LAYERS_SLOTS];
	u32 generation;
	u32 reserved;
	char name[NAME_KEPT];
};

TASK_STATE(layers, struct layers_state, 10240)

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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct layers_file);
	__type(value, u32);
} layers_files SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, N_CALLS);
	__type(key, u32);
	__type(value, struct layers_hist);
} layers_hists SEC(".maps");

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

/* The slowest operations that ended on this CPU: only one slower than the least becomes an event.
 */
#define SLOWEST_MAX 16
struct layers_slowest {
	u64 least_ns;
	u64 least; /* its place in lat_ns */
	u64 lat_ns[SLOWEST_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct layers_slowest);
} layers_slowest SEC(".maps");

struct file_out {
	struct layers_file_event e;
	char path[PATH_LEN];
};

struct op_out {
	struct layers_op_event e;
	char name[NAME_KEPT];
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

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#define TALLY(which) COUNT(tool[which])

#include "bpf/blkio.bpf.h"

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
	struct layers_wait_key key = { .stack = op->stack, .call = op->call };
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
	if (!wait) {
		TALLY(LAYERS_LOST_STACK);
		return;
	}
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

/* --- the table --- */

static __always_inline void add_sums(struct layers_sums *to, const struct layers_sums *from)
{
	__sync_fetch_and_add(&to->count, from->count);
	__sync_fetch_and_add(&to->errors, from->errors);
	__sync_fetch_and_add(&to->bytes, from->bytes);
	__sync_fetch_and_add(&to->lat_ns, from->lat_ns);
	for (int i = 0; i < N_CELLS; i++)
		__sync_fetch_and_add(&to->cells[i], from->cells[i]);
}

/* Where operations aren't streamed, the table is all that shows them. */
static __always_inline void lost_in_table(u64 count)
{
	COUNT_N(tool[LAYERS_LOST_TABLE], count);
	if (!cfg.stream)
		COUNT_N(lost_state, count);
}

/* Moves what @slot holds into the table. */
static __noinline int flush_slot(struct layers_slot *slot)
{
	struct layers_sums *sums;

	if (!slot || !slot->sums.count)
		return 0;
	sums = bpf_map_lookup_elem(&layers_table, &slot->key);
	if (sums) {
		add_sums(sums, &slot->sums);
	} else if (bpf_map_update_elem(&layers_table, &slot->key, &slot->sums, BPF_NOEXIST)) {
		sums = bpf_map_lookup_elem(&layers_table, &slot->key);
		if (sums)
			add_sums(sums, &slot->sums);
		else
			lost_in_table(slot->sums.count);
	}
	__builtin_memset(&slot->sums, 0, offsetof(struct layers_sums, comm));
	return 0;
}

/*
 * Sends the path of the struct file at @file, whose inode is {@dev, @ino, @gen}, if it is seen for
 * the first time. Global, like every function here that loops: the verifier takes it once, not per
 * call.
 */
__noinline int announce_file(u64 file, u64 ino, u32 dev, u32 gen)
{
	struct layers_file id = { .ino = ino, .dev = dev, .gen = gen };
	struct file_out *out;
	struct path_walk *w;
	u32 zero = 0;
	u64 len;

	if (bpf_map_lookup_elem(&layers_files, &id))
		return 0;
	out = bpf_map_lookup_elem(&layers_file_out, &zero);
	if (!out || bpf_map_update_elem(&layers_files, &id, &zero, BPF_NOEXIST))
		return 0;
	w = path_walk(&((struct file *)file)->f_path);
	if (!w) {
		bpf_map_delete_elem(&layers_files, &id);
		return 0;
	}
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	rec_init(&out->e.rec, REC_FILE);
	out->e.file = id;
	out->e.path.off = sizeof(out->e);
	out->e.path.len = len;
	out->e.path.flags = w->flags;
	out->e.path.ino = w->ino;
	out->e.path.tail_len = 0;
	bpf_probe_read_kernel(out->path, len, w->buf);
	path_done(w);
	if (!emit_uncounted(out, sizeof(out->e) + len)) {
		TALLY(LAYERS_LOST_PATH);
		bpf_map_delete_elem(&layers_files, &id); /* the next operation tries again */
	}
	return 0;
}

/*
 * The slot for @call on the file behind @file. A thread mostly goes on with what it did last, so it
 * keeps its sums and adds them to the table only when the slot is needed for something else, or the
 * thread ends; reports read the rest by layers_pending(). Returns the slot's index.
 */
static __always_inline u32 find_slot(struct layers_state *st, u32 call, u64 ids, struct file *file)
{
	struct inode *inode = file ? LOAD(struct file, file, f_inode) : NULL;
	u64 ino = inode ? LOAD(struct inode, inode, i_ino) : 0;
	u32 gen = inode ? LOAD(struct inode, inode, i_generation) : 0;
	u32 index = (ino ^ call ^ (ino >> 7)) & (LAYERS_SLOTS - 1);
	struct layers_slot *slot = &st->slots[index];

	if (slot->inode == (u64)inode && slot->key.call == call && slot->key.file.ino == ino &&
	    slot->key.file.gen == gen && slot->key.tgid == ids >> 32)
		return index;
	flush_slot(slot);
	slot->inode = (u64)inode;
	bpf_get_current_comm(slot->sums.comm, sizeof(slot->sums.comm));
	slot->key.tgid = ids >> 32;
	slot->key.call = call;
	slot->key.file.ino = ino;
	slot->key.file.gen = gen;
	slot->key.file.dev = inode ? BPF_CORE_READ(inode, i_sb, s_dev) : 0;
	if (inode)
		announce_file(address_of(file), ino, slot->key.file.dev, gen);
	return index;
}

/* --- the end of an operation --- */

__noinline int among_slowest(u64 lat)
{
	u32 zero = 0, least = 0;
	struct layers_slowest *s = bpf_map_lookup_elem(&layers_slowest, &zero);

	if (!s || lat <= s->least_ns)
		return 0;
	s->lat_ns[s->least & (SLOWEST_MAX - 1)] = lat;
	for (u32 i = 1; i < SLOWEST_MAX; i++)
		if (s->lat_ns[i] < s->lat_ns[least & (SLOWEST_MAX - 1)])
			least = i;
	s->least = least;
	s->least_ns = s->lat_ns[least & (SLOWEST_MAX - 1)];
	return 1;
}

static __noinline int send_op(struct layers_state *st, struct layers_op *op, s64 ret, u64 lat)
{
	u32 zero = 0, len;
	struct op_out *out = bpf_map_lookup_elem(&layers_op_out, &zero);
	struct layers_op_event *e;

	if (!out || !st || !op)
		return 0;
	e = &out->e;
	rec_init(&e->rec, REC_OP);
	e->rec.ts_ns = op->end_ns;
	e->key = st->slots[op->slot & (LAYERS_SLOTS - 1)].key;
	e->tid = op->ids;
	e->fd = op->fd;
	e->ret = ret;
	e->bytes = ret > 0 && !O_OPEN(op->call) ? ret : 0;
	e->start_ns = op->start_ns;
	e->lat_ns = lat;
	for (int i = 0; i < N_CELLS; i++)
		e->cells[i] = op->cells[i];
	e->longest_wait_ns = op->longest_ns;
	e->stack = op->longest_stack;
	e->flags = op->flags;
	e->restarts = op->restarts;
	if (!O_OPEN(op->call) && op->file && !(op->flags & OP_KILLED) &&
	    (u64)file_of_fd(op->fd) != op->file)
		e->flags |= OP_FD_CHANGED;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	len = O_OPEN(op->call) && ret < 0 ? op->name_len : 0;
	if (len >= NAME_KEPT)
		len = NAME_KEPT - 1;
	e->name.off = sizeof(*e);
	e->name.len = len;
	bpf_probe_read_kernel(out->name, len, st->name);
	if (cfg.stream && lat >= cfg.slow_ns)
		emit(out, sizeof(*e) + len);
	else if (!emit_uncounted(out, sizeof(*e) + len))
		TALLY(LAYERS_LOST_SLOW);
	return 0;
}

static __always_inline void add_latency(u32 call, u64 lat)
{
	struct layers_hist *h = bpf_map_lookup_elem(&layers_hists, &call);
	u32 slot = slot_of(lat);

	if (!h || slot >= HIST_SLOTS)
		return;
	h->slots[slot]++;
	if (lat > h->max_ns)
		h->max_ns = lat;
}

/* The operation is over, with its time given out up to op->end_ns. */
static __always_inline void close_op(struct layers_state *st, struct layers_op *op, s64 ret)
{
	u64 lat = op->before_ns + (op->end_ns - op->entry_ns), sum = 0;
	struct layers_sums *sums;
	bool over = false, slowest;

	if (O_OPEN(op->call))
		op->slot = find_slot(st, op->call, op->ids, ret >= 0 ? file_of_fd(ret) : NULL);
	sums = &st->slots[op->slot & (LAYERS_SLOTS - 1)].sums;
	for (int i = 0; i < N_CELLS; i++) {
		sum += op->cells[i];
		over |= op->cells[i] > lat;
		sums->cells[i] += op->cells[i];
	}
	if (over || sum != lat)
		TALLY(LAYERS_OVERFLOW);
	sums->count++;
	sums->lat_ns += lat;
	if (ret < 0)
		sums->errors++;
	else if (!O_OPEN(op->call))
		sums->bytes += ret;
	COUNT(generated);
	add_latency(op->call, lat);
	slowest = cfg.n_slowest && among_slowest(lat);
	if (cfg.stream && lat < cfg.slow_ns)
		COUNT(filtered);
	if (slowest || (cfg.stream && lat >= cfg.slow_ns))
		send_op(st, op, ret, lat);
	op->call = 0;
}

/* --- system calls --- */

/* Is this the call that was parked, entered again? */
static __always_inline bool rejoins(const struct layers_op *parked, u32 call, struct pt_regs *regs)
{
	return parked->call == call && parked->ip == REGS_IP(regs) && parked->sp == REGS_SP(regs);
}

static __always_inline void park(struct layers_state *st)
{
	st->parked = st->op;
	st->parked_key = st->slots[st->op.slot & (LAYERS_SLOTS - 1)].key;
	st->op.call = 0;
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

static __always_inline void close_parked(struct layers_state *st)
{
	if (!st->parked.call)
		return;
	reclaim_slot(st);
	close_op(st, &st->parked, -EINTR);
}

static __always_inline void keep_name(struct layers_state *st, const struct syscall_args *args)
{
	const char *ptr = (const char *)(st->op.call >= CALL_OPENAT ? args->a[1] : args->a[0]);
	long n = -1;

	if (st->op.call != CALL_OPEN_BY_HANDLE)
		n = bpf_probe_read_user_str(st->name, NAME_KEPT, ptr);
	st->op.name_len = n > 0 ? n - 1 : 0;
}

static __always_inline void open_op(struct layers_state *st, u32 call, u64 ids,
				    struct pt_regs *regs, bool compat)
{
	struct layers_op *op = &st->op;
	struct syscall_args args;

	op->ids = ids;
	op->flags = 0;
	op->state = ON_CPU;
	op->gen = ++st->generation;
	op->before_ns = 0;
	for (int i = 0; i < N_CELLS; i++)
		op->cells[i] = 0;
	op->ip = REGS_IP(regs);
	op->sp = REGS_SP(regs);
	op->restarts = op->n_bios = 0;
	op->longest_ns = 0;
	op->longest_stack = op->stack = -1;
	syscall_args(regs, compat, &args);
	op->call = call;
	if (O_OPEN(call)) {
		op->fd = -1;
		op->file = 0;
		keep_name(st, &args);
		return;
	}
	op->name_len = 0;
	op->fd = call == CALL_SENDFILE || call == CALL_SENDFILE64 ? args.a[1] : args.a[0];
	op->file = (u64)file_of_fd(op->fd);
	op->slot = find_slot(st, call, ids, (struct file *)op->file);
}

/* Before its first operation: from now on its wakers leave a stamp. */
static __always_inline void meet_thread(struct layers_state *st)
{
	u64 none = 0;

	st->self = bpf_get_current_task();
	bpf_map_update_elem(&layers_wakes, &st->self, &none, BPF_ANY);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(layers_enter, struct pt_regs *regs, long id)
{
	struct layers_state *st;
	u64 now, ids;
	bool compat;
	u32 call = syscall_entered(id, &compat);

	if (!call || !all_attached)
		return 0;
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	st = layers_create(current_task());
	if (!st) {
		COUNT(generated);
		COUNT(lost_state);
		return 0;
	}
	if (st->op.call) { /* its return was never seen */
		COUNT(generated);
		COUNT(lost_state);
	}
	if (st->parked.call && rejoins(&st->parked, call, regs)) {
		reclaim_slot(st);
		st->op = st->parked;
		st->op.before_ns += st->parked.end_ns - st->parked.entry_ns;
		st->op.restarts++;
		st->op.flags |= OP_RESTARTED;
		st->parked.call = 0;
	} else {
		if (!st->self)
			meet_thread(st);
		open_op(st, call, ids, regs, compat);
		st->op.start_ns = 0;
	}
	st->op.state = ON_CPU;
	now = bpf_ktime_get_ns(); /* last: what came before is our own time */
	if (!st->op.start_ns)
		st->op.start_ns = now;
	st->op.entry_ns = st->op.mark_ns = st->op.in_ns = now;
	return 0;
}

/*
 * rt_sigreturn restores the registers of the interrupted call. If they point at its instruction, it
 * will be entered again; just behind it, it has failed with EINTR; elsewhere, an outer handler was
 * interrupted and goes on.
 */
static __always_inline void handler_returned(struct layers_state *st, struct pt_regs *regs)
{
	if (st->parked.call && st->parked.sp == REGS_SP(regs) && st->parked.ip == REGS_IP(regs))
		close_parked(st);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(layers_exit, struct pt_regs *regs, long ret)
{
	struct layers_state *st;
	bool compat;
	u64 now;

	/* only to leave early: which call it was is what the entry stored */
	if (!syscall_maybe(REGS_CALL(regs)) && !REGS_NO_CALL(regs))
		return 0;
	st = layers_of(current_task());
	if (!all_attached) { /* what is under way when the run ends has no known end */
		if (st)
			st->op.call = 0;
		return 0;
	}
	if (!st || !st->op.call) {
		if (st && REGS_NO_CALL(regs))
			handler_returned(st, regs);
		else if (syscall_entered(REGS_CALL(regs), &compat) && target_match(current_ids()))
			TALLY(LAYERS_NO_ENTRY);
		return 0;
	}
	now = bpf_ktime_get_ns();
	settle_running(st->self, &st->op, now);
	st->op.end_ns = now;
	if (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK) {
		close_parked(st); /* an outer call that was never entered again */
		park(st);
		return 0;
	}
	close_op(st, &st->op, ret);
	return 0;
}

/* --- the scheduler --- */

static __always_inline void switched_out(void *ctx, struct task_struct *prev, bool preempted)
{
	struct layers_state *st = layers_of(prev);

	if (!st || !st->op.call)
		return;
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

	if (st && st->op.call)
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

SEC("tp_btf/sched_process_exit")
int BPF_PROG(layers_thread_exit, struct task_struct *task)
{
	struct layers_state *st = layers_of(task);
	u64 key;

	if (!st)
		return 0;
	key = st->self;
	if (st->op.call) {
		st->op.end_ns = bpf_ktime_get_ns();
		settle_running(key, &st->op, st->op.end_ns);
		st->op.flags |= OP_KILLED;
		close_op(st, &st->op, 0); /* nobody is left to get a result */
	}
	if (st->parked.call) { /* a signal took it out of the call, and killed it */
		st->parked.flags |= OP_KILLED;
		reclaim_slot(st);
		close_op(st, &st->parked, 0);
	}
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
