/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/net/net_tables.h"

const char *const tcp_state_names[] = { "",	      "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
					"FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
					"CLOSE_WAIT", "LAST_ACK",    "LISTEN",	  "CLOSING",
					"SYN_RECV",   NULL };
