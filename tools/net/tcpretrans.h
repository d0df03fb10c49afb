/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_TCPRETRANS_H
#define IOSONDE_TCPRETRANS_H

#include "bpf/net/net.h"

enum retrans_kind { RETRANS_PLAIN, RETRANS_PROBE, RETRANS_SYNACK };

struct tcpretrans_cfg {
	struct tcp_choice choice;
	struct check_cfg check;
};

enum tcpretrans_book { BOOK_SEGS };

struct tcpretrans_event {
	struct rec rec;
	struct sock_owner owner;
	struct tcp_ends ends;
	__u32 kind;  /* enum retrans_kind */
	__u32 state; /* enum tcp_state */
	__u32 segs;  /* as the kernel counts them */
	__u32 seq;
	__s32 ret; /* 0, or the error that it failed with, where the kernel tells */
	__u32 reserved;
};

#endif
