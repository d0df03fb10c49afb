/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The network: a part of types.bpf.h. */
#ifndef IOSONDE_TYPES_NET_BPF_H
#define IOSONDE_TYPES_NET_BPF_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		u8 u6_addr8[16];
	} in6_u;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	u32 skc_daddr; /* these two and the port in network order */
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	unsigned long skc_flags;
};

struct sock {
	struct sock_common __sk_common;
	int sk_err;
	u16 sk_protocol;
	struct pid *sk_peer_pid;
};

struct sockaddr_un {
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct inet_sock {
	u16 inet_sport; /* in network order; stays when the port is given back */
};

struct inet_connection_sock {
	u8 icsk_ca_state : 5;
	u8 icsk_pending;
};

struct tcp_sock {
	u32 segs_out;
	u32 snd_una;
	u32 write_seq;
	u64 bytes_acked;
	u64 bytes_received;
};

struct request_sock {
	struct sock_common __req_common;
};

struct tcp_skb_cb {
	u32 seq;
	u16 tcp_gso_segs;
};

struct sk_buff {
	char cb[48];
};

typedef enum {
	SS_UNCONNECTED = 1,
} socket_state;

struct socket {
	socket_state state;
	struct sock *sk;
};

struct trace_event_raw_inet_sock_set_state {
	struct trace_entry ent;
	const void *skaddr;
	int oldstate;
	int newstate;
};

struct trace_event_raw_tcp_event_sk {
	struct trace_entry ent;
	const void *skaddr;
};

#pragma clang attribute pop

#endif
