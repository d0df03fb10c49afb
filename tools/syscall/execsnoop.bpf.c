/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A call that succeeds is reported from what it left: the arguments lie at the top of the new
 * program's stack, where the kernel has just put them. One that fails returns to the program that
 * made it, whose memory still has what it passed. So a row is made at exit, and who it is about is
 * decided then: with -n, by the name of the new program.
 */
#define WIDE_LAST (4 * PATH_LEN - 2) /* the arguments */

#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/calls/user_path.bpf.h"

#include "tools/syscall/execsnoop.h"

#define AT_EMPTY_PATH 0x1000
#define ARGS_ROOM     (4 * PATH_LEN) /* for all arguments; what is beyond is said to be cut */
#define ARG_ROOM      (2 * PATH_LEN) /* for those of a call that failed, and the last of them */
#define ARGV_MAX      1024

const volatile struct exec_cfg cfg;

/* A call under way: what it was passed. */
struct exec_state {
	u64 file;
	u64 argv;
	s32 dfd;
	u32 flags;
	u32 call;
	u32 compat;
};

TASK_STATE(execs, struct exec_state, 4096)

static __always_inline void describe(struct exec_state *st, struct pt_regs *regs, u32 call,
				     bool compat)
{
	struct syscall_args args;

	syscall_args(regs, compat, &args);
	st->call = call;
	st->compat = compat;
	st->dfd = call == CALL_EXECVEAT ? (s32)args.a[0] : AT_FDCWD;
	st->file = call == CALL_EXECVEAT ? args.a[1] : args.a[0];
	st->argv = call == CALL_EXECVEAT ? args.a[2] : args.a[1];
	st->flags = call == CALL_EXECVEAT ? args.a[4] : 0;
}

SYSCALL_ENTER(exec_enter)
{
	struct exec_state *st;
	bool compat;
	u32 call = syscall_entered(id, &compat);

	if (!call)
		return 0;
	st = execs_create(current_task());
	if (!st) {
		if (target_match(current_ids())) {
			COUNT_EVENT(lost_state);
		}
		return 0;
	}
	describe(st, regs, call, compat);
	return 0;
}

/* Argument @i of the vector at @argv; 0 ends it. */
static __always_inline u64 arg_at(u64 argv, u32 compat, u32 i)
{
	u64 ptr = 0;
	u32 ptr32 = 0;

	if (compat) {
		bpf_probe_read_user(&ptr32, sizeof(ptr32), (const void *)(argv + i * 4ULL));
		return ptr32;
	}
	bpf_probe_read_user(&ptr, sizeof(ptr), (const void *)(argv + i * 8ULL));
	return ptr;
}

/* Reads one argument to @to, which has ARG_ROOM bytes. Returns how many it takes. */
static __always_inline u64 arg_passed(char *to, u64 ptr)
{
	long n = bpf_probe_read_user_str(to, ARG_ROOM, (const void *)ptr);

	if (n > 0)
		return n;
	to[1] = '\0';
	if (!n) { /* an empty one, on kernels before 6.13 */
		to[0] = '\0';
		return 1;
	}
	COUNT(null_helper);
	to[0] = '?'; /* not in memory */
	return 2;
}

/* Reads the arguments of a call that failed into this CPU's row at @pos. Returns their bytes. */
__noinline int args_passed(u64 argv, u32 compat, u64 pos)
{
	u32 zero = 0, i;
	struct wide_row *row = bpf_map_lookup_elem(&wide_rows, &zero);
	u64 used = 0, ptr = 1, n = 0;

	if (!row)
		return 0;
	BOUND(pos, WIDE_BYTES - 1);
	for (i = 0; i < ARGV_MAX && n < ARG_ROOM; i++) {
		ptr = arg_at(argv, compat, i);
		if (!ptr || i >= cfg.max_args || used >= ARG_ROOM)
			break;
		BOUND(used, ARG_ROOM - 1);
		n = arg_passed(&row->bytes[pos + used], ptr);
		used += n;
	}
	if (ptr) /* not the one that ends them all */
		((struct exec_event *)row->bytes)->args.flags |= VARGS_MORE;
	return used;
}

/* Reads the arguments of the program that runs now into @row at @pos. Returns their bytes. */
static __always_inline u64 args_of(struct wide_row *row, const struct mm_struct *mm, u64 pos)
{
	struct exec_event *e = (void *)row->bytes;
	u64 start = BPF_CORE_READ(mm, arg_start), len = BPF_CORE_READ(mm, arg_end) - start;

	if (len >= ARGS_ROOM) {
		len = ARGS_ROOM - 1;
		e->args.flags |= VARGS_MORE;
	}
	BOUND(len, ARGS_ROOM - 1);
	BOUND(pos, WIDE_BYTES - 1);
	if (!bpf_probe_read_user(&row->bytes[pos], len, (const void *)start))
		return len;
	COUNT(null_helper);
	return 0;
}

/* Appends the name of the file as it was passed at @pos. Returns the new end. */
static __always_inline u64 add_file(struct wide_row *row, u64 pos, u64 ptr)
{
	struct exec_event *e = (void *)row->bytes;

	BOUND(pos, WIDE_BYTES - 1);
	user_name(&row->bytes[pos], ptr, pos, &e->file);
	return pos + e->file.len;
}

/* Appends the binary's path: of what runs now, or of the file that a failed call asked for. */
static __always_inline u64 add_exe(struct wide_row *row, u64 pos, const struct exec_state *st,
				   const struct mm_struct *mm)
{
	struct exec_event *e = (void *)row->bytes;
	const struct path *at;
	struct file *file;
	u64 first = e->file.off;

	if (mm) {
		file = BPF_CORE_READ(mm, exe_file);
		return file ? wide_path(row, pos, &e->exe, &file->f_path) : pos;
	}
	if (!e->file.len && !(st->flags & AT_EMPTY_PATH))
		return pos;
	BOUND(first, WIDE_BYTES - 1);
	at = path_start(st->dfd, e->file.len ? row->bytes[first] : 0);
	if (!at)
		return pos;
	e->exe.tail_off = e->file.off;
	e->exe.tail_len = e->file.len;
	return wide_path(row, pos, &e->exe, at);
}

static __always_inline void set_event(struct exec_event *e, u64 ids, u32 ppid, u32 call, s64 ret)
{
	__builtin_memset(e, 0, sizeof(*e));
	rec_init(&e->rec, REC_ROW);
	e->pid = ids >> 32;
	e->tid = ids;
	e->ppid = ppid;
	e->call = call;
	e->ret = ret;
	e->mntns = current_mntns();
	current_user_and_comm(&e->uid, e->comm);
	e->args.max = cfg.max_args;
	e->args.flags = cfg.quote ? VARGS_QUOTED : 0;
}

/* @ran: the kernel itself gave the result. */
static __noinline void report(void *ctx, const struct exec_state *st, u64 ids, s64 ret, bool ran)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	const struct mm_struct *mm = ret < 0 || !ran ? NULL : BPF_CORE_READ(task, mm);
	u32 ppid = task_ids(BPF_CORE_READ(task, real_parent)) >> 32;
	struct wide_row *row;
	struct exec_event *e;
	u64 pos;

	COUNT(generated);
	if ((cfg.failed_only && ret >= 0) || (cfg.ppid && cfg.ppid != ppid)) {
		COUNT(filtered);
		return;
	}
	row = wide_take();
	if (!row)
		return;
	e = (void *)row->bytes;
	set_event(e, ids, ppid, st->call, ret);
	/* behind the environment the kernel keeps the name by which the file was called */
	pos = add_file(row, sizeof(*e), mm ? BPF_CORE_READ(mm, env_end) : st->file);
	if (cfg.cwd)
		pos = wide_path(row, pos, &e->cwd, path_start(AT_FDCWD, 0));
	if (cfg.exe)
		pos = add_exe(row, pos, st, mm);
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	e->args.off = pos;
	e->args.len = mm ? args_of(row, mm, pos) : args_passed(st->argv, st->compat, pos);
	wide_emit(row, pos + e->args.len);
}

/* A call that never ran: its end is all that there is. */
static __noinline void call_answered(void *ctx, struct pt_regs *regs, s64 ret)
{
	struct exec_state st = {};
	struct entered in;

	if (!target_answered(regs, &ret, &in))
		return;
	describe(&st, regs, in.call, in.compat);
	report(ctx, &st, in.ids, ret, false);
}

SYSCALL_EXIT(exec_exit)
{
	struct task_struct *task;
	struct exec_state *st;
	s64 result = ret;
	u64 ids;

	/* only to leave early: an exec into the other ABI leaves by another number */
	if (!REGS_NO_CALL(regs) && !syscall_maybe(REGS_CALL(regs)))
		return 0;
	task = current_task();
	st = execs_of(task);
	if (!st || !st->call) {
		if (!REGS_NO_CALL(regs))
			call_answered(ctx, regs, ret);
		return 0;
	}
	ids = current_ids();
	if (call_ended(task, regs, &result) && target_match(ids))
		report(ctx, st, ids, result, true);
	st->call = 0;
	execs_drop(task);
	return 0;
}

/*
 * A program that the kernel itself starts (core_pattern, modprobe, a release agent): no call was
 * made. Its thread is a child of one of the kernel's own.
 */
CURRENT_EVENT(exec_by_kernel, "sched_process_exec")
{
	struct exec_state st = { .call = CALL_KERNEL };
	struct task_struct *task = current_task(), *parent;
	struct exec_state *called = execs_of(task);
	u64 ids;

	if (called && called->call)
		return 0;
	parent = BPF_CORE_READ(task, real_parent);
	if (!(BPF_CORE_READ(parent, flags) & PF_KTHREAD))
		return 0;
	ids = current_ids();
	if (target_match(ids))
		report(ctx, &st, ids, 0, true);
	return 0;
}
