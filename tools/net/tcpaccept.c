/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/net/tcpaccept.h"

#include "bpf/net/accept.h"
#include "tools/net/net_tables.h"

BPF_IMAGE(tcpaccept);

static const char *const calls[] = { ACCEPT_CALLS, NULL };

#define E(member) FIELD(struct tcpaccept_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when accept() returned" },
	COLUMNS_OWNER(struct tcpaccept_event, owner, "who accepted"),
	COLUMN_IP(struct tcpaccept_event, ends),
	{ "raddr", E(ends.raddr), U_ADDR, .help = "address of the client" },
	{ "rport", E(ends.rport), U_ID, .width = 5, .help = "its port" },
	{ "laddr", E(ends.laddr), U_ADDR },
	{ "lport", E(ends.lport), U_ID, .width = 5 },
	{}
};

static const struct option_spec options[] = {
	OPTIONS_TCP(struct tcpaccept_cfg),
	OPTION_CHECK(struct tcpaccept_cfg),
	{ "port", 'P', .kind = OPT_RENAMED, .arg = "PORT",
	  .help = "a condition on the rows is --where 'lport == 80 || lport == 443'" },
	{}
};

#define BLIND "accepts by io_uring and by the kernel itself"

static const struct probe probes[] = { { "system calls",
					 { { { "accept_exit" }, .blind = BLIND },
					   { { "accept_exit_tp" }, .blind = BLIND } } },
				       {} };

static const struct book books[] = {
	[BOOK_OPENS] = { "Tcp PassiveOpens", BOOK_NEAR,
			 "connections that nobody has accepted yet, those of io_uring, and those "
			 "that came before and were accepted now" },
	{}
};

const struct tool tool_tcpaccept = {
	.name = "tcpaccept",
	.layer = "net",
	.summary = "TCP connections as programs accept them",
	.text = "One row per connection that accept() returned, with the thread that it was\n"
		"returned to. A connection waits for that from the end of its handshake on; one\n"
		"that nobody accepts is never shown (tcplife --states is about those, too).",
	.examples = "  iosonde tcpaccept -p 1234                 connections to a server\n"
		    "  iosonde tcpaccept --by raddr,lport -i 1   who comes, and how often\n"
		    "  iosonde tcpaccept --where 'raddr == 10.0.0.0/8'   from a network\n",
	.kind = TOOL_EVENTS,
	.row = { "tcpaccept", columns },
	.options = options,
	.cfg_size = sizeof(struct tcpaccept_cfg),
	.probes = probes,
	.books = books,
	.check = FIELD(struct tcpaccept_cfg, check.on),
	.image = &bpf_tcpaccept,
	.calls = calls,
};
