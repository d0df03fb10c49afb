/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_TCPLIFE_H
#define IOSONDE_TCPLIFE_H

#include "bpf/net/net.h"

struct tcplife_cfg {
	__u64 min_ns;
	struct tcp_choice choice;
	struct check_cfg check;
	__u32 states; /* a row per change of state */
	__u32 reserved;
};

/* A connection that is over, or a change of a socket's state. */
struct tcplife_event {
	struct rec rec;
	struct sock_owner owner;
	struct tcp_ends ends;
	__u64 sk;     /* where the socket is in the kernel: tells rows apart */
	__u64 tx;     /* bytes of data that the other side has acknowledged */
	__u64 rx;     /* bytes of data that have come */
	__u64 lat_ns; /* established until closed, or in the old state; 0: not known */
	__u32 from;   /* enum tcp_state */
	__u32 to;
};

enum tcplife_book {
	BOOK_ACTIVE,
	BOOK_PASSIVE,
	BOOK_RESETS,
};

/* counters.tool[] */
#define COUNTER_UNDER_WAY 0

#endif
