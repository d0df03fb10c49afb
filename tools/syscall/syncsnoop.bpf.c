/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/calls/uring_ops.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/calls/user_path.bpf.h"

#include "tools/syscall/syncsnoop.h"

#define O_DSYNC	       00010000
#define O_SYNC_BIT     04000000 /* __O_SYNC: the bit without O_DSYNC */
#define RWF_DSYNC      2	/* in ki_flags, too */
#define RWF_SYNC       4
#define SB_SYNCHRONOUS 16
#define S_SYNC	       1
#define S_IFREG	       0100000
#define S_IFBLK	       0060000
#define MS_FLAGS       7
#define RANGE_FLAGS    7
#define FSYNC_DATASYNC 1 /* IORING_FSYNC_DATASYNC */

const volatile struct sync_cfg cfg;

/* A call under way. The path is taken at entry: the descriptor may mean another file at exit. */
struct sync_state {
	struct sync_event e;
	char path[PATH_LEN];
	u64 start_ns;
	/* of one that is to be entered again, and where; a signal handler may make others before */
	u64 parked_ns, ip, sp;
};

TASK_STATE(syncs, struct sync_state, 2048)

/* What makes each write to @file a synchronous one; 0 for most files, and for what is none. */
static __always_inline u32 file_how(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	u16 kind = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	u32 flags = BPF_CORE_READ(file, f_flags), how = 0;

	if (kind != S_IFREG && kind != S_IFBLK)
		return 0;
	if (flags & O_SYNC_BIT)
		how |= HOW_O_SYNC;
	else if (flags & O_DSYNC)
		how |= HOW_O_DSYNC;
	if (BPF_CORE_READ(inode, i_flags) & S_SYNC)
		how |= HOW_INODE;
	if (BPF_CORE_READ(inode, i_sb, s_flags) & SB_SYNCHRONOUS)
		how |= HOW_MOUNT;
	return how;
}

static __always_inline u32 write_how(u32 call, s32 fd, const struct syscall_args *args)
{
	struct file *file = file_of_fd(fd);
	u32 how = file ? file_how(file) : 0;

	if (call == CALL_PWRITEV2 && args->a[5] & RWF_SYNC)
		how |= HOW_RWF_SYNC;
	else if (call == CALL_PWRITEV2 && args->a[5] & RWF_DSYNC)
		how |= HOW_RWF_DSYNC;
	return how;
}

/* How many bytes of which file, by what flags; false if the call is none that syncs. */
static __always_inline bool look_at(u32 call, bool compat, const struct syscall_args *args,
				    struct sync_event *e)
{
	e->bytes = -1;
	e->fd = args->a[0];
	e->how = 0;
	switch (call) {
	case CALL_SYNC:
		e->fd = -1;
		return true;
	case CALL_FSYNC:
	case CALL_FDATASYNC:
	case CALL_SYNCFS:
		return true;
	case CALL_MSYNC:
		e->fd = -1;
		e->bytes = args->a[1];
		e->how = (args->a[2] & MS_FLAGS) << HOW_MSYNC;
		return true;
	case CALL_SYNC_FILE_RANGE: /* 32-bit programs pass each offset in two halves */
		e->bytes = compat ? args->a[3] | args->a[4] << 32 : args->a[2];
		e->how = ((compat ? args->a[5] : args->a[3]) & RANGE_FLAGS) << HOW_RANGE;
		return true;
	case CALL_SPLICE:
	case CALL_COPY_FILE_RANGE:
		e->fd = args->a[2];
		break;
	}
	e->how = write_how(call, e->fd, args);
	return e->how;
}

/* Puts the path of @file behind the event. */
static __always_inline void take_path(struct sync_state *st, struct file *file)
{
	struct path_walk *w = file ? path_walk(&file->f_path) : NULL;
	u64 len;

	__builtin_memset(&st->e.path, 0, sizeof(st->e.path));
	if (!w) {
		if (file)
			COUNT(null_helper);
		return;
	}
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	if (!bpf_probe_read_kernel(st->path, len, w->buf)) {
		st->e.path.off = sizeof(st->e);
		st->e.path.len = len;
		st->e.path.flags = w->flags;
		st->e.path.ino = w->ino;
	}
	path_done(w);
}

/* The state of the call @in; NULL if it is none to be followed. */
static __always_inline struct sync_state *call_begun(const struct entered *in, struct pt_regs *regs,
						     struct syscall_args *args)
{
	struct sync_event look;
	struct sync_state *st;

	syscall_args(regs, in->compat, args);
	if (!look_at(in->call, in->compat, args, &look))
		return NULL;
	st = syncs_create(in->task);
	if (!st) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	st->e.bytes = look.bytes;
	st->e.fd = look.fd;
	st->e.how = look.how;
	st->e.pid = in->ids >> 32;
	st->e.tid = in->ids;
	st->e.call = in->call;
	st->e.mntns = task_mntns(in->task);
	task_user_and_comm(in->task, &st->e.uid, st->e.comm);
	return st;
}

/* The same for the call that this thread enters, if it is a target's. */
static __always_inline struct sync_state *call_entered(struct pt_regs *regs, long id,
						       struct syscall_args *args)
{
	struct entered in;

	return target_entered(id, &in) ? call_begun(&in, regs, args) : NULL;
}

/* From now on the time counts, unless it has since before a signal. */
static __always_inline void start(struct sync_state *st, struct pt_regs *regs)
{
	if (st->ip == REGS_IP(regs) && st->sp == REGS_SP(regs)) {
		st->start_ns = st->parked_ns;
		st->ip = 0;
	} else {
		st->start_ns = bpf_ktime_get_ns();
	}
}

SYSCALL_ENTER(sync_enter)
{
	struct syscall_args args;
	struct sync_state *st = call_entered(regs, id, &args);

	if (!st)
		return 0;
	take_path(st, st->e.fd < 0 ? NULL : file_of_fd(st->e.fd));
	start(st, regs);
	return 0;
}

struct mapped {
	u64 file;
};

static long mapped_file(struct task_struct *task, struct vm_area_struct *vma, struct mapped *found)
{
	found->file = (u64)BPF_CORE_READ(vma, vm_file);
	return 0;
}

/* The same, where the kernel tells which file is mapped at an address. */
SYSCALL_ENTER(sync_enter_mapped)
{
	struct syscall_args args;
	struct sync_state *st = call_entered(regs, id, &args);
	struct mapped found = {};

	if (!st)
		return 0;
	if (st->e.call == CALL_MSYNC)
		bpf_find_vma(bpf_get_current_task_btf(), args.a[0], mapped_file, &found, 0);
	else if (st->e.fd >= 0)
		found.file = (u64)file_of_fd(st->e.fd);
	take_path(st, (struct file *)found.file);
	start(st, regs);
	return 0;
}

static __always_inline void emit_rich(void *ctx, struct sync_state *st)
{
	struct wide_row *row = wide_take();
	struct sync_event *e;
	u64 pos = st->e.path.len;

	if (!row)
		return;
	e = (void *)row->bytes;
	BOUND(pos, PATH_LEN - 1);
	pos += sizeof(*e);
	bpf_probe_read_kernel(row->bytes, pos, st); /* the event and its path */
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	wide_emit(row, pos);
}

/* The end of a call: true if its row is wanted. */
static __always_inline bool ended(struct sync_event *e, u64 start_ns, s64 ret)
{
	rec_init(&e->rec, REC_ROW);
	e->ret = ret;
	e->lat_ns = e->rec.ts_ns - start_ns;
	if (e->call >= CALL_WRITE && e->call <= CALL_COPY_FILE_RANGE && ret >= 0)
		e->bytes = ret;
	COUNT(generated);
	if (!cfg.failed_only || ret < 0)
		return true;
	COUNT(filtered);
	return false;
}

/* A call that never ran: its end is all that there is. */
static __noinline struct sync_state *call_answered(struct pt_regs *regs, s64 *ret)
{
	struct syscall_args args;
	struct sync_state *st;
	struct entered in;

	if (REGS_NO_CALL(regs) || !target_answered(regs, ret, &in))
		return NULL;
	st = call_begun(&in, regs, &args);
	if (!st)
		return NULL;
	take_path(st, st->e.fd < 0 ? NULL : file_of_fd(st->e.fd));
	st->start_ns = bpf_ktime_get_ns();
	return st;
}

/* The call is over: writes its event. */
static __always_inline void finish(void *ctx, struct sync_state *st, s64 ret)
{
	u64 len;

	if (!ended(&st->e, st->start_ns, ret))
		return;
	len = st->e.path.len;
	BOUND(len, PATH_LEN - 1);
	if (engine.kstack || engine.ustack)
		emit_rich(ctx, st);
	else
		emit(&st->e, sizeof(st->e) + len);
}

SYSCALL_EXIT(sync_exit)
{
	struct task_struct *task;
	struct sync_state *st;
	s64 result = ret;

	/* only to leave early: which call it was is what the entry stored */
	if (!REGS_NO_CALL(regs) && !syscall_maybe(REGS_CALL(regs)))
		return 0;
	task = current_task();
	st = syncs_of(task);
	if (!st || !st->e.call) {
		st = call_answered(regs, &result);
		if (!st)
			return 0;
	}
	if (!call_ended(task, regs, &result)) {
		st->parked_ns = st->start_ns;
		st->ip = REGS_IP(regs);
		st->sp = REGS_SP(regs);
		st->e.call = 0;
		return 0;
	}
	finish(ctx, st, result);
	st->e.call = 0;
	if (!st->ip)
		syncs_drop(task);
	return 0;
}

/* io_uring: what is under way, by request. Most writes turn out to be ordinary ones. */
struct uring_sync {
	struct sync_event e;
	u64 start_ns;
	u64 file; /* 0: not known at submission */
	u64 req;  /* 0: can't be looked at when it completes */
};

const volatile struct uring_sync uring_zero;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64); /* uring_submitted() */
	__type(value, struct uring_sync);
} uring_syncs SEC(".maps");

static __always_inline u32 uring_call(u8 opcode, struct io_kiocb *req)
{
	const struct io_sync *sync = (const void *)req;

	switch (opcode) {
	case IORING_OP_FSYNC:
		return BPF_CORE_READ(sync, flags) & FSYNC_DATASYNC ? CALL_URING_FDATASYNC
								   : CALL_URING_FSYNC;
	case IORING_OP_SYNC_FILE_RANGE:
		return CALL_URING_SYNC_FILE_RANGE;
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case IORING_OP_WRITEV_FIXED:
		return CALL_URING_WRITE;
	default:
		return 0;
	}
}

/* The flags that io_uring put together for a write: those of the file and of the request. */
static __always_inline u32 uring_write_how(struct io_kiocb *req, struct file *file)
{
	const struct io_rw *rw = (const void *)req;
	u32 flags = BPF_CORE_READ(rw, kiocb.ki_flags), how = file ? file_how(file) : 0;

	if (flags & RWF_SYNC && !(how & (HOW_O_SYNC | HOW_INODE | HOW_MOUNT)))
		how |= HOW_RWF_SYNC;
	else if (flags & RWF_DSYNC && !how)
		how |= HOW_RWF_DSYNC;
	return how;
}

static __always_inline void uring_submitted(struct io_kiocb *req, u64 key)
{
	const struct io_sync *sync = (const void *)req;
	u32 call = uring_call(BPF_CORE_READ(req, opcode), req);
	struct uring_sync *st;
	u64 ids;

	if (!call)
		return;
	ids = current_ids();
	if (!target_match(ids))
		return;
	bpf_map_update_elem(&uring_syncs, &key, (const void *)&uring_zero, BPF_ANY);
	st = bpf_map_lookup_elem(&uring_syncs, &key);
	if (!st) {
		COUNT_EVENT(lost_state);
		return;
	}
	st->start_ns = bpf_ktime_get_ns();
	st->req = key == (u64)req ? key : 0;
	st->e.pid = ids >> 32;
	st->e.tid = ids;
	st->e.call = call;
	st->e.fd = st->e.bytes = -1;
	st->e.mntns = current_mntns();
	current_user_and_comm(&st->e.uid, st->e.comm);
	if (call == CALL_URING_SYNC_FILE_RANGE) {
		st->e.bytes = BPF_CORE_READ(sync, len);
		st->e.how = (BPF_CORE_READ(sync, flags) & RANGE_FLAGS) << HOW_RANGE;
	}
	if (st->req)
		return; /* the file and the flags of a write may be set later */
	st->file = (u64)BPF_CORE_READ(req, file);
	if (call == CALL_URING_WRITE)
		st->e.how = uring_write_how(req, (struct file *)st->file);
}

/* The event in its place in the map, with the path taken now that the file is known. */
static __always_inline void emit_uring(void *ctx, const struct uring_sync *st)
{
	struct wide_row *row = wide_take();
	struct sync_event *e;
	u64 pos = sizeof(*e);

	if (!row)
		return;
	e = (void *)row->bytes;
	*e = st->e;
	if (st->file)
		pos = wide_path(row, pos, &e->path, &((struct file *)st->file)->f_path);
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	wide_emit(row, pos);
}

static __always_inline void uring_completed(void *ctx, u64 key, s32 res)
{
	struct uring_sync *st = bpf_map_lookup_elem(&uring_syncs, &key);
	struct io_kiocb *req;

	if (!st)
		return;
	req = (void *)st->req;
	if (req) {
		st->file = (u64)BPF_CORE_READ(req, file);
		if (st->e.call == CALL_URING_WRITE)
			st->e.how = uring_write_how(req, (struct file *)st->file);
	}
	if (st->e.call == CALL_URING_WRITE && res >= 0)
		st->e.bytes = res;
	if ((st->e.call != CALL_URING_WRITE || st->e.how) && ended(&st->e, st->start_ns, res))
		emit_uring(ctx, st);
	bpf_map_delete_elem(&uring_syncs, &key);
}

#include "bpf/calls/uring.bpf.h"
