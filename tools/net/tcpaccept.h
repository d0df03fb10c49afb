/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_TCPACCEPT_H
#define IOSONDE_TCPACCEPT_H

#include "bpf/net/net.h"

struct tcpaccept_cfg {
	struct tcp_choice choice;
	struct check_cfg check;
};

enum tcpaccept_book { BOOK_OPENS };

struct tcpaccept_event {
	struct rec rec;
	struct sock_owner owner;
	struct tcp_ends ends;
};

#endif
