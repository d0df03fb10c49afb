/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_TCPCONNECT_H
#define IOSONDE_TCPCONNECT_H

#include "bpf/net/net.h"

/* In the order of the descriptor's list of system calls. */
enum connect_calls {
	CALL_CONNECT = 1,
	CALL_SOCKETCALL,
};

struct tcpconnect_cfg {
	__u64 min_ns;
	struct tcp_choice choice;
	struct check_cfg check;
	__u32 failed_only;
	__u32 uid;
	__u32 lport;
	__u32 reserved;
};

struct tcpconnect_event {
	struct rec rec;
	struct sock_owner owner;
	struct tcp_ends ends;
	__u64 lat_ns;
	__s32 ret; /* 0, or a negative error */
	__u32 reserved;
};

enum tcpconnect_book {
	BOOK_OPENS,
	BOOK_FAILS,
};

/* counters.tool[] */
#define COUNTER_UNDER_WAY 0

#endif
