/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What rows about TCP sockets have in common. */
#ifndef IOSONDE_NET_H
#define IOSONDE_NET_H

#include "bpf/shared.h"

/* The two ends of a connection. All zeros: not known. */
struct tcp_ends {
	struct net_addr laddr; /* ours */
	struct net_addr raddr; /* the other one's */
	__u16 lport;
	__u16 rport;
	__u32 ip; /* what is spoken: 4, also by a socket of IPv6 to a mapped address, or 6 */
};

/* Whose socket it is: who connected it, or was given it by accept(). pid 0: not known. */
struct sock_owner {
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 reserved;
	char comm[COMM_LEN];
};

/* enum tcp_state of the kernel's: include/net/tcp_states.h. */
enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_FIN_WAIT1,
	TCP_FIN_WAIT2,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_LISTEN,
	TCP_CLOSING,
	TCP_NEW_SYN_RECV,
};

/* Which rows: the options -4 and -6 of all commands about TCP. */
struct tcp_choice {
	__u32 only_v4;
	__u32 only_v6;
};

#endif
