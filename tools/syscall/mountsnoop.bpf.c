/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#define WIDE_LAST (4 * PATH_LEN - 2) /* the texts */

#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/calls/user_path.bpf.h"

#include "tools/syscall/mountsnoop.h"

#define TEXTS_ROOM (MOUNT_TEXTS * PATH_LEN)

const volatile struct mount_cfg cfg;

/* A call under way: the event, and its texts behind it. */
struct mount_state {
	struct mount_event e;
	char texts[TEXTS_ROOM + PATH_LEN];
	u64 used;
	u64 ptr[MOUNT_TEXTS]; /* not 0: is to be read, or wasn't in memory yet */
	u64 blob;	      /* not 0: TEXT_DATA is that many bytes, not a string */
	char base[PATH_LEN];  /* the path that the target continues, as e.resolved describes it */
};

const volatile struct mount_state mount_zero;

/* Large and few: not in the storage of threads, which takes less on some kernels. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, u64); /* task */
	__type(value, struct mount_state);
} mounts SEC(".maps");

/* Where each call has its texts. */
static __always_inline void find_texts(struct mount_state *st)
{
	const u64 *a = st->e.arg;

	switch (st->e.call) {
	case CALL_MOUNT:
		st->ptr[TEXT_SOURCE] = a[0];
		st->ptr[TEXT_TARGET] = a[1];
		st->ptr[TEXT_TYPE] = a[2];
		st->ptr[TEXT_DATA] = a[4];
		break;
	case CALL_UMOUNT:
	case CALL_UMOUNT2:
		st->ptr[TEXT_TARGET] = a[0];
		break;
	case CALL_FSOPEN:
		st->ptr[TEXT_TYPE] = a[0];
		break;
	case CALL_FSCONFIG:
		st->ptr[TEXT_TYPE] = a[2];
		if ((u32)a[1] >= CONFIG_STRING && (u32)a[1] <= CONFIG_PATH_EMPTY)
			st->ptr[TEXT_DATA] = a[3];
		if ((u32)a[1] == CONFIG_BINARY)
			st->blob = (u32)a[4];
		break;
	case CALL_MOVE_MOUNT:
		st->ptr[TEXT_SOURCE] = a[1];
		st->ptr[TEXT_TARGET] = a[3];
		break;
	case CALL_OPEN_TREE:
	case CALL_FSPICK:
		st->ptr[TEXT_SOURCE] = a[1];
		break;
	case CALL_MOUNT_SETATTR:
		st->ptr[TEXT_TARGET] = a[1];
		bpf_probe_read_user(st->e.attr, sizeof(st->e.attr), (const void *)a[3]);
		break;
	case CALL_PIVOT_ROOT:
		st->ptr[TEXT_TARGET] = a[0];
		st->ptr[TEXT_SOURCE] = a[1];
		break;
	}
}

/* Reads text @which behind the others, unless that was done, or its page isn't there. */
static __always_inline void read_text(struct mount_state *st, u32 which)
{
	u64 pos = st->used, ptr = st->ptr[which], len = st->blob;
	char last = '\0';
	long n;

	if (!ptr)
		return;
	BOUND(pos, TEXTS_ROOM - 1);
	if (which == TEXT_DATA && len) {
		if (len > PATH_LEN - 1) {
			len = PATH_LEN - 1;
			st->e.cut |= 1 << which;
		}
		BOUND(len, PATH_LEN - 1);
		n = bpf_probe_read_user(&st->texts[pos], len, (const void *)ptr);
		n = n ? n : (long)len;
	} else {
		n = bpf_probe_read_user_str(&st->texts[pos], PATH_LEN, (const void *)ptr);
		if (n == PATH_LEN)
			bpf_probe_read_user(&last, 1, (const void *)(ptr + PATH_LEN - 1));
		if (last)
			st->e.cut |= 1 << which;
		n = n > 0 ? n - 1 : n;
	}
	if (n < 0)
		return;
	st->ptr[which] = 0;
	st->e.present |= 1 << which;
	st->e.text[which].off = sizeof(st->e) + pos;
	if (st->e.cut & 1 << which)
		st->e.text[which].off |= VSTR_CUT;
	st->e.text[which].len = n;
	st->used = pos + n;
}

static __always_inline void read_texts(struct mount_state *st)
{
	read_text(st, TEXT_SOURCE);
	read_text(st, TEXT_TARGET);
	read_text(st, TEXT_TYPE);
	read_text(st, TEXT_DATA);
}

/* --- the target, resolved as far as it goes without the file system --- */

/* What the call takes its target from if that is relative. */
static __always_inline s32 target_dfd(const struct mount_event *e)
{
	if (e->call == CALL_MOVE_MOUNT)
		return e->arg[2];
	return e->call == CALL_MOUNT_SETATTR ? (s32)e->arg[0] : AT_FDCWD;
}

#define FD_NAME_MAX 24 /* the longest of those below */

/* Unrolled, so that the letters are constants in the program: it can call no memcmp(). */
static __always_inline bool begins(const char *name, const char *with, u32 len)
{
	bool same = true;

#pragma unroll
	for (u32 i = 0; i < len; i++)
		same &= name[i] == with[i];
	return same;
}

#define BEGINS(name, with) begins(name, with, sizeof(with) - 1)

/* The length of what the name begins with that stands for a descriptor's number; 0: none. */
static __always_inline u32 fd_name_prefix(const char *name)
{
	if (BEGINS(name, "/proc/self/fd/"))
		return sizeof("/proc/self/fd/") - 1;
	if (BEGINS(name, "/dev/fd/"))
		return sizeof("/dev/fd/") - 1;
	return BEGINS(name, "/proc/thread-self/fd/") ? sizeof("/proc/thread-self/fd/") - 1 : 0;
}

/*
 * Is the name at @pos of the texts, of @len bytes, a descriptor by another name? Then *@skip is how
 * much of it that takes.
 */
static __noinline s32 fd_named(struct mount_state *st, u64 pos, u32 len, u32 *skip)
{
	char name[FD_NAME_MAX];
	u32 at, fd = 0, digits = 0;

	BOUND(pos, TEXTS_ROOM - 1);
	if (!st || !skip || bpf_probe_read_kernel(name, sizeof(name), &st->texts[pos]))
		return -1;
	at = fd_name_prefix(name);
	if (!at)
		return -1;
	for (; digits < 7 && at < len; digits++, at++) {
		char c;

		bpf_probe_read_kernel(&c, 1, &st->texts[(pos + at) & (TEXTS_ROOM - 1)]);
		if (c < '0' || c > '9')
			break;
		fd = fd * 10 + (c - '0');
	}
	bpf_probe_read_kernel(name, 1, &st->texts[(pos + at) & (TEXTS_ROOM - 1)]);
	if (!digits || (at < len && name[0] != '/'))
		return -1;
	*skip = at;
	return fd;
}

/* Describes the target in e.resolved, before the call changes what is there. */
static __always_inline void resolve_target(struct mount_state *st)
{
	const struct vstr *text = &st->e.text[TEXT_TARGET];
	u64 pos = (text->off & ~VSTR_CUT) - sizeof(st->e), len;
	struct vpath *to = &st->e.resolved;
	const struct path *base;
	struct path_walk *w;
	u32 skip = 0;
	s32 fd;

	if (!(st->e.present & 1 << TEXT_TARGET))
		return;
	BOUND(pos, TEXTS_ROOM - 1);
	fd = fd_named(st, pos, text->len, &skip);
	if (fd >= 0)
		base = path_of_fd(fd);
	else
		base = path_start(target_dfd(&st->e), text->len ? st->texts[pos] : 0);
	w = base ? path_walk(base) : NULL;
	if (!w)
		return;
	len = w->pos;
	BOUND(len, PATH_LEN - 1);
	if (!bpf_probe_read_kernel(st->base, len, w->buf)) {
		to->len = len;
		to->flags = w->flags;
		to->ino = w->ino;
		to->tail_off = text->off + skip;
		to->tail_len = text->len - skip;
	}
	path_done(w);
}

/* Puts the path that the target continues behind the texts. Returns the bytes in use. */
static __always_inline u64 add_base(struct mount_state *st)
{
	u64 pos = st->used, len = st->e.resolved.len;

	BOUND(pos, TEXTS_ROOM - 1);
	BOUND(len, PATH_LEN - 1);
	bpf_probe_read_kernel(&st->texts[pos], len, st->base);
	st->e.resolved.off = sizeof(st->e) + pos;
	return pos + len;
}

static __always_inline void set_who(struct mount_event *e, u64 ids)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);

	e->pid = ids >> 32;
	e->tid = ids;
	e->ppid = task_ids(parent) >> 32;
	e->mnt_ns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	current_user_and_comm(&e->uid, e->comm);
	BPF_CORE_READ_STR_INTO(&e->pcomm, parent, comm);
}

/* The state of the call @in, described; NULL: there is no room. */
static __noinline struct mount_state *begin(const struct entered *in, struct pt_regs *regs)
{
	u64 key = (u64)in->task;
	struct syscall_args args;
	struct mount_state *st;

	bpf_map_update_elem(&mounts, &key, (const void *)&mount_zero, BPF_ANY);
	st = bpf_map_lookup_elem(&mounts, &key);
	if (!st) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	syscall_args(regs, in->compat, &args);
	st->e.call = in->call;
	for (int i = 0; i < 5; i++)
		st->e.arg[i] = args.a[i];
	set_who(&st->e, in->ids);
	find_texts(st);
	read_texts(st);
	resolve_target(st);
	return st;
}

SYSCALL_ENTER(mount_enter)
{
	struct entered in;

	if (target_entered(id, &in))
		begin(&in, regs);
	return 0;
}

/* With stacks in front of the texts: those are moved. */
static __always_inline void emit_rich(void *ctx, struct mount_state *st, u64 len)
{
	struct wide_row *row = wide_take();
	struct mount_event *e;
	u64 pos = sizeof(*e), moved;

	if (!row)
		return;
	e = (void *)row->bytes;
	*e = st->e;
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	moved = pos - sizeof(*e);
	for (int i = 0; i < MOUNT_TEXTS; i++)
		e->text[i].off += e->text[i].off ? moved : 0;
	e->resolved.off += moved;
	e->resolved.tail_off += moved;
	BOUND(pos, 2 * PATH_LEN - 1);
	if (len < sizeof(st->texts))
		bpf_probe_read_kernel(&row->bytes[pos], len, st->texts);
	wide_emit(row, pos + len);
}

/* The call returned @ret: counts it, and writes the event. */
static __always_inline void finish(void *ctx, struct mount_state *st, s64 ret)
{
	u64 len;

	COUNT(generated);
	if (cfg.failed_only && ret >= 0) {
		COUNT(filtered);
		return;
	}
	read_texts(st); /* the call has brought in what wasn't in memory */
	rec_init(&st->e.rec, REC_ROW);
	st->e.ret = ret;
	len = add_base(st);
	if (engine.kstack || engine.ustack)
		emit_rich(ctx, st, len);
	else if (len < sizeof(st->texts))
		emit(&st->e, sizeof(st->e) + len);
}

SYSCALL_EXIT(mount_exit)
{
	struct task_struct *task;
	struct mount_state *st;
	struct entered in;
	s64 result = ret;
	u64 key;

	/* only to leave early: which call it was is what the entry stored */
	if (!REGS_NO_CALL(regs) && !syscall_maybe(REGS_CALL(regs)))
		return 0;
	task = current_task();
	key = (u64)task;
	st = bpf_map_lookup_elem(&mounts, &key);
	if (!st) {
		if (REGS_NO_CALL(regs) || !target_answered(regs, &result, &in))
			return 0;
		st = begin(&in, regs);
		if (!st)
			return 0;
	}
	if (call_ended(task, regs, &result))
		finish(ctx, st, result);
	bpf_map_delete_elem(&mounts, &key);
	return 0;
}
