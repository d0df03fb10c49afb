/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A row per call. With ret or lat what was found at the entry waits for the end; how a call is
 * known again there is what funclatency.bpf.c says.
 */
#include "bpf/core/many.bpf.h"
#include "tools/func/functrace.h"

#define ARGS_EVENT struct functrace_event
#include "bpf/calls/args.bpf.h"

#define STACK_BYTES (STACK_FRAMES * sizeof(u64))

const volatile struct functrace_cfg cfg;

struct call_key {
	u64 place; /* of the arguments; of the task where it can make one such call at a time */
	u64 index;
};

struct pending {
	char bytes[FUNCTRACE_PENDING];
};

/* Preallocated, as all is that such programs use: they may be anywhere in the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct call_key);
	__type(value, struct pending);
} pending_calls SEC(".maps");

/* Appends the stack, described by @to. */
static __always_inline void take_stack(void *ctx, struct args_row *row, struct vstack *to,
				       u64 flags)
{
	u32 head = flags & BPF_F_USER_STACK ? sizeof(u64) : 0;
	u64 pos = row->pos + 7;
	long n;

	BOUND(pos, (ARGS_ROOM - 1) & ~7);
	if (head)
		*(u64 *)&row->bytes[pos] = current_program();
	n = bpf_get_stack(ctx, &row->bytes[pos + head], STACK_BYTES, flags);
	if (n <= 0)
		return;
	to->off = pos;
	to->len = head + n;
	row->pos = pos + head + n;
}

/* The row of the call that @ctx is about. */
static __always_inline struct functrace_event *describe(void *ctx, struct args_row *row, u64 ids,
							u32 index)
{
	struct functrace_event *e = (struct functrace_event *)row->bytes;

	row->ctx = address_of(ctx);
	row->target = index;
	row->pos = sizeof(*e);
	rec_init(&e->rec, FUNCTRACE_CALL);
	e->pid = ids >> 32;
	e->tid = ids;
	e->target = index;
	e->lat_ns = 0;
	e->has_ret = 0;
	e->kstack.len = e->ustack.len = 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	if (engine.kstack)
		take_stack(ctx, row, &e->kstack, 0);
	if (engine.ustack)
		take_stack(ctx, row, &e->ustack, BPF_F_USER_STACK);
	e->n = args_take_all(row);
	e->len = row->pos;
	return e;
}

static __always_inline void emit_at_once(struct args_row *row)
{
	u64 size = row->pos;

	BOUND(size, 2 * ARGS_ROOM - 1);
	if (size <= sizeof(row->bytes))
		emit_event(row->bytes, size);
}

static __always_inline void call_key_of(void *ctx, u32 index, struct call_key *key)
{
	key->index = index;
	key->place = hook_call() == HOOK_IN_TASK ? bpf_get_current_task() : address_of(ctx);
}

static __always_inline void keep(void *ctx, struct args_row *row, struct functrace_event *e,
				 u32 index)
{
	struct call_key key;

	call_key_of(ctx, index, &key);
	if (e->len > FUNCTRACE_PENDING) {
		e->len = FUNCTRACE_PENDING; /* user space finds what isn't there absent */
		COUNT(null_helper);
	}
	if (bpf_map_update_elem(&pending_calls, &key, row->bytes, BPF_ANY))
		COUNT_EVENT(lost_state);
}

SEC("raw_tp")
int functrace_enter(void *ctx)
{
	struct functrace_event *e;
	struct args_row *row;
	u64 ids = current_ids();
	u32 index;

	if (!many_attached || !target_match(ids))
		return 0;
	index = hook_index(ctx);
	if (index == HOOK_NO_TARGET)
		return 0;
	row = args_row_take();
	if (!row) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	e = describe(ctx, row, ids, index);
	if (cfg.timed)
		keep(ctx, row, e, index);
	else
		emit_at_once(row);
	row->busy = 0;
	return 0;
}

SEC("raw_tp")
int functrace_leave(void *ctx)
{
	u64 now = bpf_ktime_get_ns(), size;
	struct functrace_event *e;
	struct pending *call;
	struct call_key key;
	u32 index;

	if (!many_attached || !cfg.timed)
		return 0;
	index = hook_index(ctx);
	if (index == HOOK_NO_TARGET)
		return 0;
	call_key_of(ctx, index, &key);
	call = bpf_map_lookup_elem(&pending_calls, &key);
	if (!call)
		return 0;
	e = (struct functrace_event *)call->bytes;
	e->lat_ns = now - e->rec.ts_ns;
	e->rec.ts_ns = now;
	e->has_ret = args_return(address_of(ctx), index, &e->ret);
	size = e->len;
	BOUND(size, 2 * FUNCTRACE_PENDING - 1);
	if (size <= sizeof(call->bytes))
		emit_event(call->bytes, size);
	bpf_map_delete_elem(&pending_calls, &key);
	return 0;
}
