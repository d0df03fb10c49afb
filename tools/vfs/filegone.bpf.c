/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/calls/answered.bpf.h"
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"
#include "bpf/core/task_state.bpf.h"

#include "tools/vfs/filegone.h"
#include "tools/vfs/names.bpf.h"

const volatile struct filegone_cfg cfg;

/* A call under way. The event is written to the ring from here, with its names behind it. */
struct gone_state {
	struct filegone_event e;
	struct names n;
};

TASK_STATE(goings, struct gone_state, 1024)

static __always_inline void set_who(struct filegone_event *e, u64 ids)
{
	e->pid = ids >> 32;
	e->tid = ids;
	e->mntns = current_mntns();
	current_user_and_comm(&e->uid, e->comm);
}

/* The state of the call @in, described; NULL: there is no room. */
static __noinline struct gone_state *begin(const struct entered *in, struct pt_regs *regs)
{
	struct syscall_args args;
	struct gone_state *st = goings_create(in->task);

	if (!st) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	syscall_args(regs, in->compat, &args);
	set_who(&st->e, in->ids);
	st->e.uring = 0;
	names_entered(&st->n, in->call, &args);
	names_read(&st->n, st->n.action == NAMES_RENAME ? second_names_create(in->task) : NULL);
	return st;
}

SYSCALL_ENTER(gone_enter)
{
	struct entered in;

	if (target_entered(id, &in))
		begin(&in, regs);
	return 0;
}

/* More than the event with one name behind it: put together where there is room for everything. */
static __always_inline void emit_wide(void *ctx, struct gone_state *st, struct second_name *second)
{
	struct wide_row *row = wide_take();
	struct filegone_event *e;
	u64 size;

	if (!row)
		return;
	e = (void *)row->bytes;
	*e = st->e;
	size = names_add(row, sizeof(*e), &st->n, second, &e->path, &e->new_path);
	if (cfg.full) {
		size = names_full(row, size, &e->full, st->n.dfd[0], &e->path);
		size = names_full(row, size, &e->new_full, st->n.dfd[1], &e->new_path);
	}
	size = wide_stacks(ctx, row, size, &e->kstack, &e->ustack);
	wide_emit(row, size);
}

static __always_inline void emit_plain(struct gone_state *st)
{
	u64 len = st->n.len[0];

	BOUND(len, PATH_LEN - 1);
	st->e.path.len = len;
	st->e.path.off = st->n.missing[0] ? 0 : sizeof(st->e) | st->n.cut[0];
	emit(&st->e, sizeof(st->e) + len);
}

/* The call returned @ret: counts it, and writes the event. */
static __always_inline void finish(void *ctx, struct gone_state *st, struct second_name *second,
				   s64 ret)
{
	COUNT(generated);
	if (cfg.failed_only && ret >= 0) {
		COUNT(filtered);
		return;
	}
	names_again(&st->n, second);
	st->e.action = st->n.action;
	st->e.flags = st->n.flags;
	st->e.ret = ret;
	rec_init(&st->e.rec, REC_ROW);
	if (second || cfg.full || engine.kstack || engine.ustack)
		emit_wide(ctx, st, second);
	else
		emit_plain(st);
}

SYSCALL_EXIT(gone_exit)
{
	struct second_name *second;
	struct task_struct *task;
	struct gone_state *st;
	struct entered in;
	s64 result = ret;

	/* only to leave early: which call it was is what the entry stored */
	if (!REGS_NO_CALL(regs) && !syscall_maybe(REGS_CALL(regs)))
		return 0;
	task = current_task();
	st = goings_of(task);
	if (!st || !st->n.action) {
		if (REGS_NO_CALL(regs) || !target_answered(regs, &result, &in))
			return 0;
		st = begin(&in, regs);
		if (!st)
			return 0;
	}
	second = st->n.action == NAMES_RENAME ? second_names_of(task) : NULL;
	if (call_ended(task, regs, &result))
		finish(ctx, st, second, result);
	st->n.action = 0;
	goings_drop(task);
	if (second)
		second_names_drop(task);
	return 0;
}

/* Requests of io_uring under way. */
struct gone_request {
	struct gone_state st;
	struct second_name second;
};

const volatile struct gone_request no_request;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct gone_request);
} requests SEC(".maps");

static __always_inline void uring_submitted(struct io_kiocb *req, u64 key)
{
	struct gone_request *r;
	u64 ids;

	if (!names_wanted(req))
		return;
	ids = current_ids();
	if (!target_match(ids))
		return;
	bpf_map_update_elem(&requests, &key, (const void *)&no_request, BPF_ANY);
	r = bpf_map_lookup_elem(&requests, &key);
	if (!r) {
		COUNT_EVENT(lost_state);
		return;
	}
	set_who(&r->st.e, ids);
	r->st.e.uring = 1;
	names_submitted(&r->st.n, req);
	if (r->st.n.action == NAMES_RENAME)
		names_read(&r->st.n, &r->second);
	else
		names_read(&r->st.n, NULL);
}

static __always_inline void uring_completed(void *ctx, u64 key, s32 res)
{
	struct gone_request *r = bpf_map_lookup_elem(&requests, &key);

	if (!r)
		return;
	r->st.n.missing[0] = r->st.n.missing[1] = 0; /* the kernel's copies are gone by now */
	if (r->st.n.action == NAMES_RENAME)
		finish(ctx, &r->st, &r->second, res);
	else
		finish(ctx, &r->st, NULL, res);
	bpf_map_delete_elem(&requests, &key);
}

#include "bpf/calls/uring.bpf.h"
