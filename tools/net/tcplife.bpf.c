/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A connection is a socket from SYN_SENT or SYN_RECV to CLOSE. Whose it is is known from connect()
 * or accept(). One that closes before it was accepted waits for that, or for the socket's end: who
 * takes it out of the map makes its row.
 */
#include "bpf/net/accept.bpf.h"

#include "tools/net/tcplife.h"

const volatile struct tcplife_cfg cfg;

enum session_flags {
	SESSION_ACTIVE = 1 << 0,  /* we have sent the SYN, which the socket counts as a byte */
	SESSION_OWNED = 1 << 1,	  /* else its owner is who listens, as long as nobody accepts */
	SESSION_COUNTED = 1 << 2, /* as being under way */
};

struct session {
	u64 start_ns; /* when it was established; 0: not yet */
	u64 since_ns; /* when its state began; 0: not known */
	u32 flags;
	u32 reserved;
	struct tcplife_event row; /* what is known of it; its time is 0 before it is over */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct session);
} sessions SEC(".maps");

/* Who listens, by port. */
struct listener {
	u64 net; /* the network namespace */
	u64 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener);
	__type(value, struct sock_owner);
} listeners SEC(".maps");

static __always_inline void listener_of(struct sock *sk, struct listener *l)
{
	l->net = 0;
	if (bpf_core_field_exists(sk->__sk_common.skc_net.net))
		l->net = (u64)LOAD(struct sock, sk, __sk_common.skc_net.net);
	l->port = LOAD(struct inet_sock, sk, inet_sport);
}

/* --- its beginning --- */

static __always_inline void session_keep(u64 key, struct session *new)
{
	new->row.sk = key;
	if (bpf_map_update_elem(&sessions, &key, new, BPF_ANY))
		COUNT_EVENT(lost_state);
}

/* The current thread connects, or listens. */
static __always_inline void begun_here(struct sock *sk, u32 to)
{
	struct task_struct *here = current_task();
	struct session new = { .flags = SESSION_OWNED };
	u64 key = (u64)sk, ids = ids_of(here);
	struct listener l;

	if (!target_match(ids)) {
		bpf_map_delete_elem(&sessions, &key); /* somebody's whose end was missed */
		if (to == TCP_LISTEN) {		      /* where one of the targets did before */
			listener_of(sk, &l);
			bpf_map_delete_elem(&listeners, &l);
		}
		return;
	}
	owner_set(&new.row.owner, here, ids);
	if (to == TCP_LISTEN) {
		listener_of(sk, &l);
		bpf_map_update_elem(&listeners, &l, &new.row.owner, BPF_ANY);
		if (!cfg.states)
			return;
	} else {
		new.flags |= SESSION_ACTIVE;
	}
	session_keep(key, &new);
}

/* Somebody's SYN has come, or the first change of a socket from before is seen. */
static __always_inline void begun_there(struct sock *sk)
{
	struct session new = {};
	struct sock_owner *owner;
	struct listener l;

	listener_of(sk, &l);
	owner = bpf_map_lookup_elem(&listeners, &l);
	if (owner)
		new.row.owner = *owner;
	session_keep((u64)sk, &new);
}

/* --- its row --- */

/*
 * What went both ways, but for what only opens and closes: the socket's counters have a SYN that we
 * sent first, and each FIN, as bytes.
 */
static __always_inline void set_bytes(struct tcplife_event *row, struct sock *sk, u32 flags)
{
	u64 acked = LOAD(struct tcp_sock, sk, bytes_acked);
	u64 received = LOAD(struct tcp_sock, sk, bytes_received);
	u32 from = row->from;

	if (acked && (flags & SESSION_ACTIVE))
		acked--;
	if (acked &&
	    (from == TCP_FIN_WAIT1 || from == TCP_FIN_WAIT2 || from == TCP_CLOSING ||
	     from == TCP_LAST_ACK) &&
	    LOAD(struct tcp_sock, sk, snd_una) == LOAD(struct tcp_sock, sk, write_seq))
		acked--;
	if (received && LOAD(struct sock, sk, __sk_common.skc_flags) & 1UL << SOCK_DONE_BIT)
		received--;
	row->tx = acked;
	row->rx = received;
}

static __always_inline void row_out(struct tcplife_event *row)
{
	if (NOT_CHOSEN(cfg.choice, &row->ends) || row->lat_ns < cfg.min_ns) {
		COUNT_EVENT(filtered);
		return;
	}
	emit_event(row, sizeof(*row));
}

/* Of a connection that is over: at most once, whoever comes to know. */
static __always_inline void session_row(u64 key, const struct session *session)
{
	struct tcplife_event row = session->row;
	u32 flags = session->flags;

	if (bpf_map_delete_elem(&sessions, &key))
		return;
	if (flags & SESSION_COUNTED)
		COUNT_N(tool[COUNTER_UNDER_WAY], -1);
	row_out(&row);
}

/* Counted before it is owned: who finds it owned finds that, too. */
static __always_inline void session_owned(struct session *session)
{
	if (session->start_ns && !cfg.states && !(session->flags & SESSION_COUNTED)) {
		session->flags |= SESSION_COUNTED;
		COUNT(tool[COUNTER_UNDER_WAY]);
	}
	session->flags |= SESSION_OWNED;
}

/* The current thread is given it, or closes it without having been seen to accept it. */
static __always_inline bool taken(u64 key, struct session *session, struct task_struct *here,
				  u64 ids)
{
	if (!target_match(ids)) {
		bpf_map_delete_elem(&sessions, &key);
		return false;
	}
	owner_set(&session->row.owner, here, ids);
	session_owned(session);
	return true;
}

static __always_inline void life_changes(struct sock *sk, struct session *session, u32 from, u32 to)
{
	struct tcplife_event *row = &session->row;
	u64 key = (u64)sk;
	struct rec rec;

	if (to == TCP_ESTABLISHED) {
		session->start_ns = bpf_ktime_get_ns();
		if (session->flags & SESSION_OWNED)
			session_owned(session);
	}
	if (to != TCP_CLOSE)
		return;
	if (!session->start_ns) {
		bpf_map_delete_elem(&sessions, &key);
		return;
	}
	row->from = from;
	row->to = to;
	ends_of(sk, &row->ends);
	set_bytes(row, sk, session->flags);
	rec_init(&rec, REC_ROW);
	row->lat_ns = rec.ts_ns - session->start_ns;
	barrier(); /* who accepts may find it now, on another CPU */
	row->rec = rec;
	if (session->flags & SESSION_OWNED)
		session_row(key, session);
}

static __always_inline void state_changes(struct sock *sk, struct session *session, u32 from,
					  u32 to)
{
	struct tcplife_event row = session->row;
	u64 key = (u64)sk;

	row.from = from;
	row.to = to;
	ends_of(sk, &row.ends);
	set_bytes(&row, sk, session->flags);
	rec_init(&row.rec, REC_ROW);
	row.lat_ns = session->since_ns ? row.rec.ts_ns - session->since_ns : 0;
	session->since_ns = row.rec.ts_ns;
	if (to == TCP_CLOSE)
		bpf_map_delete_elem(&sessions, &key);
	if (row.owner.pid || TARGET_ANYBODY())
		row_out(&row);
}

/* @sk is a target's if its session is known by now; a listener's is not yet kept, but its port. */
static __always_inline void life_booked(struct sock *sk, u32 from, u32 to)
{
	struct session *session;
	u64 key = (u64)sk;
	bool wanted;

	if (!cfg.check.on)
		return;
	session = bpf_map_lookup_elem(&sessions, &key);
	wanted = session && (session->row.owner.pid || TARGET_ANYBODY());
	if (to == TCP_SYN_SENT)
		BOOK_OF_SOCK(cfg.check, sk, BOOK_ACTIVE, wanted, 1);
	else if (to == TCP_SYN_RECV && from == TCP_LISTEN)
		BOOK_OF_SOCK(cfg.check, sk, BOOK_PASSIVE, wanted, 1);
	else if (to == TCP_CLOSE && from == TCP_SYN_SENT && never_opened(sk))
		BOOK_OF_SOCK(cfg.check, sk, BOOK_ACTIVE, wanted, -1);
	else if (to == TCP_CLOSE && (from == TCP_ESTABLISHED || from == TCP_CLOSE_WAIT))
		BOOK_OF_SOCK(cfg.check, sk, BOOK_RESETS, wanted, 1);
}

SOCK_STATE(life_state)
{
	struct session *session;
	u64 key = (u64)sk;

	if (!is_tcp(sk))
		return 0;
	if (to == TCP_SYN_SENT || to == TCP_LISTEN)
		begun_here(sk, to);
	else if (to == TCP_SYN_RECV && from == TCP_LISTEN)
		begun_there(sk);
	life_booked(sk, from, to);
	session = bpf_map_lookup_elem(&sessions, &key);
	if (!session && cfg.states && TARGET_ANYBODY()) {
		begun_there(sk);
		session = bpf_map_lookup_elem(&sessions, &key);
	}
	if (!session)
		return 0;
	if ((to == TCP_FIN_WAIT1 || to == TCP_LAST_ACK) && !(session->flags & SESSION_OWNED)) {
		struct task_struct *here = current_task();

		if (!taken(key, session, here, ids_of(here)))
			return 0;
	}
	if (cfg.states)
		state_changes(sk, session, from, to);
	else
		life_changes(sk, session, from, to);
	return 0;
}

SYSCALL_EXIT(life_accepts)
{
	struct session *session;
	struct accepted a;
	u64 key;

	if (!accept_done(regs, ret, &a))
		return 0;
	key = (u64)a.sk;
	session = bpf_map_lookup_elem(&sessions, &key);
	if (!session || !taken(key, session, a.task, a.ids))
		return 0;
	if (session->row.rec.ts_ns) /* it is over already */
		session_row(key, session);
	return 0;
}

SOCK_DESTROY(life_ends)
{
	u64 key = (u64)sk;
	struct session *session = bpf_map_lookup_elem(&sessions, &key);

	if (!session)
		return 0;
	if (session->row.rec.ts_ns && (session->row.owner.pid || TARGET_ANYBODY())) {
		session_row(key, session); /* nobody has accepted it */
		return 0;
	}
	if (!bpf_map_delete_elem(&sessions, &key) && session->flags & SESSION_COUNTED) {
		COUNT_N(tool[COUNTER_UNDER_WAY], -1);
		COUNT_EVENT(lost_end);
	}
	return 0;
}
