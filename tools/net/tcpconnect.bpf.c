/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * An attempt begins on its way to SYN_SENT, in the thread that connects, and ends ESTABLISHED or
 * CLOSED, whoever is current then. One that never comes as far has failed when its call returns.
 */
#include "bpf/calls/answered.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/net/sock.bpf.h"

#include "tools/net/tcpconnect.h"

#define SOCKETCALL_CONNECT 3 /* include/uapi/linux/net.h */
#define EINPROGRESS	   115
#define EALREADY	   114
#define EISCONN		   106
#define ECANCELED	   125

const volatile struct tcpconnect_cfg cfg;

/* A connect() under way. */
struct connect_call {
	u64 sk; /* 0: none */
	u64 start_ns;
	struct tcp_ends ends; /* the one asked for; ours isn't known */
	u32 begun;	      /* it came to SYN_SENT, and the state's change tells the rest */
	u32 reserved;
};

TASK_STATE(connects, struct connect_call, 4096)

/* From SYN_SENT on, by socket. */
struct attempt {
	u64 start_ns;
	struct sock_owner owner;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct attempt);
} attempts SEC(".maps");

static __always_inline void connect_row(struct tcpconnect_event *e)
{
	if (NOT_CHOSEN(cfg.choice, &e->ends) || (cfg.failed_only && !e->ret) ||
	    e->lat_ns < cfg.min_ns) {
		COUNT_EVENT(filtered);
		return;
	}
	emit_event(e, sizeof(*e));
}

/* --- the system call --- */

/* Socket and address of the call that the thread is in. NULL: not the beginning of an attempt. */
static __always_inline struct sock *sock_asked(const struct entered *in, struct pt_regs *regs,
					       struct tcp_ends *ends)
{
	struct syscall_args args;
	struct socket *socket;
	u32 packed[2];

	syscall_args(regs, in->compat, &args);
	if (in->call == CALL_SOCKETCALL) {
		if (args.a[0] != SOCKETCALL_CONNECT ||
		    bpf_probe_read_user(packed, sizeof(packed), (void *)args.a[1]))
			return NULL;
		args.a[0] = packed[0];
		args.a[1] = packed[1];
	}
	socket = socket_of_fd(in->task, args.a[0]);
	/* a program calls again to learn what became of an attempt */
	if (!socket || LOAD(struct socket, socket, state) != SS_UNCONNECTED)
		return NULL;
	return ends_asked(args.a[1], ends) ? tcp_of_socket(socket) : NULL;
}

SYSCALL_ENTER(connect_enter)
{
	struct connect_call *call;
	struct tcp_ends ends;
	struct entered in;
	struct sock *sk;

	if (!target_entered(id, &in))
		return 0;
	sk = sock_asked(&in, regs, &ends);
	if (!sk)
		return 0;
	call = connects_create(in.task);
	if (!call) {
		COUNT_EVENT(lost_state);
		return 0;
	}
	call->start_ns = bpf_ktime_get_ns();
	call->ends = ends;
	call->begun = 0;
	call->sk = (u64)sk;
	return 0;
}

/* A call that failed with @ret before a packet was sent. */
static __always_inline void connect_failed(struct task_struct *task, const struct tcp_ends *ends,
					   u64 start_ns, s64 ret)
{
	struct tcpconnect_event e = {};

	if (ret >= 0 || ret == -EINPROGRESS || ret == -EALREADY || ret == -EISCONN)
		return;
	rec_init(&e.rec, REC_ROW);
	owner_set(&e.owner, task, ids_of(task));
	e.ends = *ends;
	e.lat_ns = start_ns ? e.rec.ts_ns - start_ns : 0;
	e.ret = ret;
	connect_row(&e);
}

/* One that a filter or tracer answered in the kernel's place. */
static __always_inline void connect_answered(struct pt_regs *regs, s64 ret)
{
	struct tcp_ends ends;
	struct entered in;

	if (target_answered(regs, &ret, &in) && sock_asked(&in, regs, &ends))
		connect_failed(in.task, &ends, 0, ret);
}

SYSCALL_EXIT(connect_exit)
{
	struct task_struct *task;
	struct connect_call *call;
	s64 result = ret;

	if (REGS_NO_CALL(regs) || !syscall_maybe(REGS_CALL(regs)))
		return 0;
	task = current_task();
	call = connects_of(task);
	if (!call || !call->sk) {
		connect_answered(regs, ret);
		return 0;
	}
	call->sk = 0;
	if (!call->begun && call_ended(task, regs, &result))
		connect_failed(task, &call->ends, call->start_ns, result);
	connects_drop(task);
	return 0;
}

/* --- the socket --- */

static __always_inline void attempt_begun(struct sock *sk)
{
	struct task_struct *here = current_task();
	struct connect_call *call = connects_of(here);
	bool mine = call && call->sk == (u64)sk;
	struct attempt new = {};
	u64 key = (u64)sk, ids = ids_of(here);
	bool wanted = target_match(ids);

	BOOK_OF_SOCK(cfg.check, sk, BOOK_OPENS, wanted, 1);
	if (!wanted) {
		bpf_map_delete_elem(&attempts, &key); /* somebody's whose end was missed */
		return;
	}
	new.start_ns = mine ? call->start_ns : bpf_ktime_get_ns();
	owner_set(&new.owner, here, ids);
	if (mine)
		call->begun = 1;
	if (bpf_map_update_elem(&attempts, &key, &new, BPF_ANY))
		COUNT_EVENT(lost_state);
	else
		COUNT(tool[COUNTER_UNDER_WAY]);
}

/* The socket closed without an error: its call will tell, or the program gave it up. */
static __always_inline s32 given_up(struct sock *sk)
{
	struct connect_call *call = connects_of(current_task());

	if (!call || call->sk != (u64)sk)
		return -ECANCELED;
	call->begun = 0;
	return 0;
}

static __always_inline void attempt_ended(struct sock *sk, const struct attempt *found, u32 to)
{
	struct tcpconnect_event e = {};
	u64 key = (u64)sk;

	e.owner = found->owner;
	e.lat_ns = found->start_ns;
	if (bpf_map_delete_elem(&attempts, &key))
		return;
	COUNT_N(tool[COUNTER_UNDER_WAY], -1);
	if (to == TCP_CLOSE) {
		e.ret = -LOAD(struct sock, sk, sk_err);
		if (!e.ret)
			e.ret = given_up(sk);
		if (!e.ret)
			return;
	}
	rec_init(&e.rec, REC_ROW);
	e.lat_ns = e.rec.ts_ns - e.lat_ns;
	ends_of(sk, &e.ends);
	connect_row(&e);
}

/* It comes to nothing: one that was given up is no failure in the kernel's eyes. */
static __always_inline void attempt_booked(struct sock *sk, u32 from, bool wanted)
{
	if (!cfg.check.on)
		return;
	if (from == TCP_SYN_SENT && never_opened(sk))
		BOOK_OF_SOCK(cfg.check, sk, BOOK_OPENS, wanted, -1);
	else if (LOAD(struct sock, sk, sk_err))
		BOOK_OF_SOCK(cfg.check, sk, BOOK_FAILS, wanted, 1);
}

SOCK_STATE(connect_state)
{
	struct attempt *found;
	u64 key = (u64)sk;

	if (to == TCP_SYN_SENT) {
		if (is_tcp(sk))
			attempt_begun(sk);
		return 0;
	}
	if (from != TCP_SYN_SENT && from != TCP_SYN_RECV)
		return 0;
	if (to != TCP_ESTABLISHED && to != TCP_CLOSE)
		return 0;
	found = bpf_map_lookup_elem(&attempts, &key);
	if (to == TCP_CLOSE)
		attempt_booked(sk, from, found != NULL);
	if (found)
		attempt_ended(sk, found, to);
	return 0;
}
