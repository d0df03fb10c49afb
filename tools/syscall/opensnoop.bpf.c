/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/calls/user_path.bpf.h"

#include "tools/syscall/opensnoop.h"

#define O_CREAT	  00000100
#define O_TMPFILE 020000000 /* __O_TMPFILE: the bit without O_DIRECTORY */
#define O_ACCMODE 3

const volatile struct open_cfg cfg;

/* An open. The event is written to the ring from here, with as much path as it has. */
struct open_state {
	struct open_event e;
	char path[PATH_LEN];
	u32 slot; /* not 0: into a slot of io_uring's own table of files */
	u32 reserved;
};

#define slept_state open_state
static __always_inline bool slept_describe(struct open_state *st, const struct entered *in,
					   const struct syscall_args *args);
#include "bpf/calls/slept.bpf.h"

/* The open that returns on this CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct open_state);
} opens SEC(".maps");

static __always_inline bool unwanted(const struct open_event *e)
{
	if (cfg.failed_only && e->ret >= 0)
		return true;
	if ((cfg.flags_any || cfg.access_modes) && !(e->flags & cfg.flags_any) &&
	    !(cfg.access_modes & (1U << (e->flags & O_ACCMODE))))
		return true;
	return false;
}

static __always_inline void read_path(struct open_state *st, u64 ptr)
{
	user_name(st->path, ptr, sizeof(st->e), &st->e.path);
}

static __always_inline void set_flags(struct open_event *e, u64 flags, u64 mode)
{
	e->flags = flags;
	e->mode = flags & (O_CREAT | O_TMPFILE) ? (s32)(mode & 07777) : -1;
}

static __always_inline void set_who(struct open_event *e, struct task_struct *here, u64 ids,
				    u32 call)
{
	e->pid = ids >> 32;
	e->tid = ids;
	e->call = call;
	e->mntns = task_mntns(here);
	task_user_and_comm(here, &e->uid, e->comm);
}

static __always_inline void set_args(struct open_state *st, const struct syscall_args *args)
{
	struct open_event *e = &st->e;
	struct open_how how;

	e->dfd = AT_FDCWD;
	switch (e->call) {
	case CALL_OPEN:
		set_flags(e, args->a[1], args->a[2]);
		read_path(st, args->a[0]);
		break;
	case CALL_CREAT:
		set_flags(e, O_CREAT | 01 /* O_WRONLY */ | 01000 /* O_TRUNC */, args->a[1]);
		read_path(st, args->a[0]);
		break;
	case CALL_OPENAT:
		e->dfd = args->a[0];
		set_flags(e, (u32)args->a[2], args->a[3]);
		read_path(st, args->a[1]);
		break;
	case CALL_OPENAT2:
		e->dfd = args->a[0];
		if (bpf_probe_read_user(&how, sizeof(how), (const void *)args->a[2]))
			how.flags = how.mode = 0;
		set_flags(e, how.flags, how.mode);
		read_path(st, args->a[1]);
		break;
	default: /* by handle: no name */
		set_flags(e, (u32)args->a[2], 0);
		e->path.len = e->path.off = 0;
		break;
	}
}

/* Does @e name a file by its descriptor, or only by the path that was asked for? */
static __always_inline bool has_file(const struct open_event *e)
{
	return e->fd >= 0;
}

/* Appends the absolute path to @row, which ends at @pos. Returns the new end. */
static __always_inline u64 add_full(struct wide_row *row, u64 pos)
{
	struct open_event *e = (void *)row->bytes;
	const struct path *base;

	__builtin_memset(&e->full, 0, sizeof(e->full));
	if (has_file(e))
		base = path_of_fd((u32)e->fd);
	else
		base = e->path.len ? path_start(e->dfd, row->bytes[sizeof(*e)]) : NULL;
	if (!base)
		return pos;
	if (!has_file(e)) {
		e->full.tail_off = e->path.off;
		e->full.tail_len = e->path.len;
	}
	return wide_path(row, pos, &e->full, base);
}

/* Puts the event together where there is room for everything that was asked for. */
static __always_inline void emit_rich(void *ctx, struct open_state *st)
{
	struct wide_row *row = wide_take();
	struct open_event *e;
	u64 pos = st->e.path.len;

	if (!row)
		return;
	e = (void *)row->bytes;
	BOUND(pos, PATH_LEN - 1);
	pos += sizeof(*e);
	bpf_probe_read_kernel(row->bytes, pos, st); /* the event and its name */
	if (cfg.full)
		pos = add_full(row, pos);
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	wide_emit(row, pos);
}

/* The call returned @ret: count it, and write the event. */
static __always_inline void finish(void *ctx, struct open_state *st, s64 ret)
{
	struct open_event *e = &st->e;
	u64 len;

	e->ret = ret;
	e->fd = st->slot ? -1 : ret;
	if (unwanted(e)) {
		COUNT_EVENT(filtered);
		return;
	}
	rec_init(&e->rec, REC_ROW);
	if (cfg.full || engine.kstack || engine.ustack) {
		COUNT(generated);
		emit_rich(ctx, st);
	} else {
		len = e->path.len;
		BOUND(len, PATH_LEN - 1);
		emit_event(e, sizeof(*e) + len);
	}
}

static __always_inline bool slept_describe(struct open_state *st, const struct entered *in,
					   const struct syscall_args *args)
{
	st->e.call = in->call;
	set_args(st, args);
	return st->e.path.off;
}

/* Apart, or the number of every call is kept in memory, where 5.10 doesn't know its bounds. */
static __noinline int returned(void *ctx, struct pt_regs *regs, const struct entered *in, s64 ret)
{
	struct syscall_args args;
	struct open_state *st;
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
	st = bpf_map_lookup_elem(&opens, &zero);
	if (!st)
		return 0;
	syscall_args(regs, in->compat, &args);
	st->e.call = in->call;
	if (!slept_take(in->task, &args, st))
		set_args(st, &args);
	set_who(&st->e, in->task, in->ids, in->call);
	finish(ctx, st, ret);
	return 0;
}

/*
 * What was asked for is still in the registers, and its name in memory, where the call has just
 * read it. So there is no program at entry, and, unless it slept, no state per thread. If another
 * thread wrote over the name while the call ran, the row shows what it wrote.
 */
SYSCALL_EXIT(open_exit)
{
	struct entered in;

	return target_entered(REGS_CALL(regs), &in) ? returned(ctx, regs, &in, ret) : 0;
}

const volatile struct open_state open_zero;

/* io_uring: each open under way, by request. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64); /* uring_submitted() */
	__type(value, struct open_state);
} uring_opens SEC(".maps");

static __always_inline void uring_submitted(struct io_kiocb *req, u64 key)
{
	const struct io_open *open = (const void *)req;
	u8 opcode = BPF_CORE_READ(req, opcode);
	u64 ids;
	struct open_state *st;
	long n;

	if (opcode != IORING_OP_OPENAT && opcode != IORING_OP_OPENAT2)
		return;
	ids = current_ids();
	if (!target_match(ids))
		return;
	bpf_map_update_elem(&uring_opens, &key, (const void *)&open_zero, BPF_ANY);
	st = bpf_map_lookup_elem(&uring_opens, &key);
	if (!st) {
		COUNT_EVENT(lost_state);
		return;
	}
	set_who(&st->e, current_task(), ids,
		opcode == IORING_OP_OPENAT ? CALL_URING_OPENAT : CALL_URING_OPENAT2);
	st->e.dfd = BPF_CORE_READ(open, dfd);
	st->slot = BPF_CORE_READ(open, file_slot);
	set_flags(&st->e, BPF_CORE_READ(open, how.flags), BPF_CORE_READ(open, how.mode));
	n = bpf_probe_read_kernel_str(st->path, PATH_LEN, uring_open_name(open));
	if (n > 0) {
		st->e.path.off = sizeof(st->e);
		st->e.path.len = n - 1;
	}
}

static __always_inline void uring_completed(void *ctx, u64 key, s32 res)
{
	struct open_state *st = bpf_map_lookup_elem(&uring_opens, &key);

	if (!st)
		return;
	finish(ctx, st, res);
	bpf_map_delete_elem(&uring_opens, &key);
}

#include "bpf/calls/uring.bpf.h"
