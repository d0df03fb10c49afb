/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/calls/user_path.bpf.h"

#include "tools/syscall/statsnoop.h"

#define AT_EMPTY_PATH 0x1000
#define EFAULT	      14

const volatile struct stat_cfg cfg;

/* A call. The event is written to the ring from here, with its name behind it. */
struct stat_state {
	struct stat_event e;
	char name[PATH_LEN];
	struct vstr passed;
	u32 by_file; /* the descriptor is what the call is about, there is no name */
	u32 reserved;
};

#define slept_state stat_state
static __always_inline bool slept_describe(struct stat_state *st, const struct entered *in,
					   const struct syscall_args *args);
#include "bpf/calls/slept.bpf.h"

/* The call that returns on this CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stat_state);
} stats SEC(".maps");

/* The call that the program thinks it makes. */
static __always_inline u32 modern_call(u32 call)
{
	switch (call) {
	case CALL_OLDSTAT:
	case CALL_STAT64:
		return CALL_STAT;
	case CALL_OLDLSTAT:
	case CALL_LSTAT64:
		return CALL_LSTAT;
	case CALL_OLDFSTAT:
	case CALL_FSTAT64:
		return CALL_FSTAT;
	case CALL_FSTATAT64:
		return CALL_FSTATAT;
	case CALL_STATFS64:
		return CALL_STATFS;
	case CALL_FSTATFS64:
		return CALL_FSTATFS;
	default:
		return call;
	}
}

static __always_inline void read_name(struct stat_state *st, u64 ptr)
{
	bool known = user_name(st->name, ptr, sizeof(st->e), &st->passed);

	/*
	 * fstat() by another name: no name, or an empty one, and the flag that allows it. A name
	 * that isn't in memory, of a call that never read it, is taken for one.
	 */
	st->by_file = (st->e.flags & AT_EMPTY_PATH) &&
		      (!ptr || (known ? !st->passed.len : st->e.ret != -EFAULT));
}

static __always_inline void set_args(struct stat_state *st, const struct syscall_args *args)
{
	st->e.dfd = AT_FDCWD;
	st->e.flags = 0;
	switch (st->e.call) {
	case CALL_FSTAT:
	case CALL_FSTATFS:
		st->e.dfd = args->a[0];
		st->by_file = 1;
		break;
	case CALL_FSTATAT:
		st->e.dfd = args->a[0];
		st->e.flags = args->a[3];
		read_name(st, args->a[1]);
		break;
	case CALL_STATX:
		st->e.dfd = args->a[0];
		st->e.flags = args->a[2];
		read_name(st, args->a[1]);
		break;
	default:
		read_name(st, args->a[0]);
		break;
	}
}

/* The row as it is: no file to look up, nothing to resolve. */
static __always_inline void emit_plain(struct stat_state *st)
{
	u64 len = st->passed.len;

	BOUND(len, PATH_LEN - 1);
	emit_event(&st->e, sizeof(st->e) + len);
}

static __always_inline void set_path(struct stat_state *st)
{
	struct vpath *p = &st->e.path;

	p->off = p->len = p->ino = 0;
	p->flags = VPATH_AS_PASSED;
	p->tail_off = st->by_file ? 0 : st->passed.off;
	p->tail_len = st->by_file ? 0 : st->passed.len;
}

static __always_inline void emit_rich(void *ctx, struct stat_state *st)
{
	struct wide_row *row = wide_take();
	const struct path *base = NULL;
	struct stat_event *e;
	u64 pos = st->by_file ? 0 : st->passed.len;

	if (!row)
		return;
	e = (void *)row->bytes;
	BOUND(pos, PATH_LEN - 1);
	pos += sizeof(*e);
	bpf_probe_read_kernel(row->bytes, pos, st); /* the event and its name */
	__builtin_memset(&e->full, 0, sizeof(e->full));
	if (st->by_file)
		base = path_start(e->dfd, 0);
	else if (cfg.full && st->passed.len)
		base = path_start(e->dfd, row->bytes[sizeof(*e)]);
	if (base) {
		e->full.tail_off = e->path.tail_off;
		e->full.tail_len = e->path.tail_len;
		pos = wide_path(row, pos, &e->full, base);
	}
	if (st->by_file)
		e->path = e->full;
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	wide_emit(row, pos);
}

static __always_inline bool slept_describe(struct stat_state *st, const struct entered *in,
					   const struct syscall_args *args)
{
	st->e.call = modern_call(in->call);
	st->e.ret = -EFAULT; /* what can't be read isn't there yet */
	set_args(st, args);
	return st->by_file || st->passed.off;
}

static __always_inline void set_who(struct stat_event *e, const struct entered *in)
{
	e->pid = in->ids >> 32;
	e->tid = in->ids;
	e->mntns = task_mntns(in->task);
	task_user_and_comm(in->task, &e->uid, e->comm);
}

/* Apart, or the number of every call is kept in memory, where 5.10 doesn't know its bounds. */
static __noinline int returned(void *ctx, struct pt_regs *regs, const struct entered *in, s64 ret)
{
	struct syscall_args args;
	struct stat_state *st;
	u32 zero = 0;

	if (!call_ended(in->task, regs, &ret)) {
		slept_forget(in->task);
		return 0;
	}
	if (cfg.failed_only && ret >= 0) {
		slept_forget(in->task);
		COUNT_EVENT(filtered);
		return 0;
	}
	st = bpf_map_lookup_elem(&stats, &zero);
	if (!st)
		return 0;
	syscall_args(regs, in->compat, &args);
	st->e.call = modern_call(in->call);
	st->e.ret = ret;
	if (!slept_take(in->task, &args, st))
		set_args(st, &args);
	st->e.ret = ret;
	set_who(&st->e, in);
	set_path(st);
	rec_init(&st->e.rec, REC_ROW);
	if (st->by_file || cfg.full || engine.kstack || engine.ustack) {
		COUNT(generated);
		emit_rich(ctx, st);
	} else {
		emit_plain(st);
	}
	return 0;
}

/*
 * What was asked for is still in the registers, and its name in memory, where the call has just
 * read it: no program at entry, and, unless it slept, no state per thread. If another thread wrote
 * over the name while the call ran, the row shows what it wrote.
 */
SYSCALL_EXIT(stat_exit)
{
	struct entered in;

	return target_entered(REGS_CALL(regs), &in) ? returned(ctx, regs, &in, ret) : 0;
}
