/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#define WIDE_LAST (4 * PATH_LEN - 2) /* the texts */

#include "bpf/filter.bpf.h"
#include "bpf/syscall.bpf.h"
#include "bpf/task_state.bpf.h"
#include "bpf/user_path.bpf.h"

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

SYSCALL_ENTER(mount_enter)
{
	struct syscall_args args;
	struct mount_state *st;
	struct entered in;
	u64 key;

	if (!target_entered(id, &in))
		return 0;
	key = (u64)in.task;
	bpf_map_update_elem(&mounts, &key, (const void *)&mount_zero, BPF_ANY);
	st = bpf_map_lookup_elem(&mounts, &key);
	if (!st) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	syscall_args(regs, in.compat, &args);
	st->e.call = in.call;
	for (int i = 0; i < 5; i++)
		st->e.arg[i] = args.a[i];
	set_who(&st->e, in.ids);
	find_texts(st);
	read_texts(st);
	return 0;
}

/* With stacks in front of the texts: those are moved. */
static __always_inline void emit_rich(void *ctx, struct mount_state *st)
{
	struct wide_row *row = wide_take();
	struct mount_event *e;
	u64 pos = sizeof(*e), len = st->used, moved;

	if (!row)
		return;
	e = (void *)row->bytes;
	*e = st->e;
	pos = wide_stacks(ctx, row, pos, &e->kstack, &e->ustack);
	moved = pos - sizeof(*e);
	for (int i = 0; i < MOUNT_TEXTS; i++)
		e->text[i].off += e->text[i].off ? moved : 0;
	BOUND(pos, WIDE_BYTES - 1);
	BOUND(len, TEXTS_ROOM - 1);
	bpf_probe_read_kernel(&row->bytes[pos], len, st->texts);
	wide_emit(row, pos + len);
}

SYSCALL_EXIT(mount_exit)
{
	struct mount_state *st;
	u64 key, len;

	/* only to leave early: which call it was is what the entry stored */
	if (!REGS_NO_CALL(regs) && !syscall_maybe(REGS_CALL(regs)))
		return 0;
	key = (u64)current_task();
	st = bpf_map_lookup_elem(&mounts, &key);
	if (!st)
		return 0;
	COUNT(generated);
	if (cfg.failed_only && ret >= 0) {
		COUNT(filtered);
	} else {
		read_texts(st); /* the call has brought in what wasn't in memory */
		rec_init(&st->e.rec, REC_ROW);
		st->e.ret = ret;
		len = st->used;
		BOUND(len, TEXTS_ROOM - 1);
		if (engine.kstack || engine.ustack)
			emit_rich(ctx, st);
		else
			emit(&st->e, sizeof(st->e) + len);
	}
	bpf_map_delete_elem(&mounts, &key);
	return 0;
}
