/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/net/owners.bpf.h"

#include "tools/net/tcpretrans.h"

#define TCP_CA_RECOVERY 3 /* include/uapi/linux/tcp.h */

const volatile struct tcpretrans_cfg cfg;

/*
 * A probe is what the timer for probes sends, which is told apart by its being still set, before
 * the connection knows of a loss: later that is left over from before.
 */
static __always_inline bool is_probe(struct sock *sk)
{
	struct inet_connection_sock *icsk = (void *)sk;

	return LOAD(struct inet_connection_sock, sk, icsk_pending) == ICSK_TIME_LOSS_PROBE &&
	       BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state) < TCP_CA_RECOVERY;
}

/* Fills in the owner. False: the row is none of a target's. */
static __always_inline bool owned_by_target(struct sock *sk, struct tcpretrans_event *e)
{
	u64 key = (u64)sk;
	struct sock_owner *owner = bpf_map_lookup_elem(&owners, &key);

	if (owner)
		e->owner = *owner;
	return owner || TARGET_ANYBODY();
}

static __always_inline void retrans_row(struct tcpretrans_event *e)
{
	if (NOT_CHOSEN(cfg.choice, &e->ends)) {
		COUNT_EVENT(filtered);
		return;
	}
	rec_init(&e->rec, REC_ROW);
	emit_event(e, sizeof(*e));
}

static __always_inline void retransmitted(struct sock *sk, struct sk_buff *skb, s32 err)
{
	struct tcp_skb_cb *cb = (void *)((u64)skb + bpf_core_field_offset(skb->cb));
	struct tcpretrans_event e = {};
	bool wanted = owned_by_target(sk, &e);

	e.segs = BPF_CORE_READ(cb, tcp_gso_segs);
	BOOK_OF_SOCK(cfg.check, sk, BOOK_SEGS, wanted, e.segs);
	if (!wanted)
		return;
	ends_of(sk, &e.ends);
	e.kind = is_probe(sk) ? RETRANS_PROBE : RETRANS_PLAIN;
	e.state = BPF_CORE_READ(sk, __sk_common.skc_state);
	e.seq = BPF_CORE_READ(cb, seq);
	e.ret = err > 0 ? 0 : err; /* a queue's own answer is above 0 */
	retrans_row(&e);
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retrans_skb, struct sock *sk, struct sk_buff *skb)
{
	retransmitted(sk, skb, 0);
	return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retrans_skb_err, struct sock *sk, struct sk_buff *skb, int err)
{
	retransmitted(sk, skb, err);
	return 0;
}

/* @sk listens: the connection is but asked for, and nobody's yet; it is the listener's. */
SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(retrans_synack, struct sock *sk, struct request_sock *req)
{
	struct tcpretrans_event e = {};
	bool wanted = owned_by_target(sk, &e);

	BOOK_OF_SOCK(cfg.check, sk, BOOK_SEGS, wanted, 1);
	if (!wanted)
		return 0;
	ends_of_common((struct sock_common *)req, &e.ends);
	e.ends.lport = BPF_CORE_READ(req, __req_common.skc_num);
	e.kind = RETRANS_SYNACK;
	e.state = TCP_SYN_RECV;
	e.segs = 1;
	retrans_row(&e);
	return 0;
}
