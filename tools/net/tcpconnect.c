/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/net/tcpconnect.h"

#include "tools/net/net_tables.h"

BPF_IMAGE(tcpconnect);

static const char *const calls[] = { "connect", "?socketcall", NULL };

#define E(member)   FIELD(struct tcpconnect_event, member)
#define CFG(member) FIELD(struct tcpconnect_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the outcome was known" },
	COLUMNS_OWNER(struct tcpconnect_event, owner, "who connected"),
	COLUMN_IP(struct tcpconnect_event, ends),
	{ "saddr", E(ends.laddr), U_ADDR, .flags = COL_BLANK, .keep = 2,
	  .help = "our address; none where it didn't come to that" },
	{ "sport", E(ends.lport), U_ID, .width = 5, .flags = COL_HIDDEN | COL_BLANK,
	  .classic = "lport" },
	{ "daddr", E(ends.raddr), U_ADDR, .flags = COL_BLANK },
	{ "dport", E(ends.rport), U_ID, .width = 5, .flags = COL_BLANK },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY | COL_BLANK,
	  .help = "from the call to the outcome" },
	{ "err", E(ret), U_ERRNO, .width = 12,
	  .help = "why not; ECANCELED: the program closed it before there was an answer" },
	{}
};

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .arg = "DURATION", .positional = true,
	  .help = "only attempts that took at least this long; in ms" },
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only attempts that failed" },
	{ "lport", 'L', CFG(lport), .kind = OPT_FLAG, .help = "show our port, too" },
	{ "print-uid", 'U', CFG(uid), .kind = OPT_FLAG, .help = "show the user" },
	OPTIONS_TCP(struct tcpconnect_cfg),
	OPTION_CHECK(struct tcpconnect_cfg),
	{ "port", 'P', .kind = OPT_RENAMED, .arg = "PORT",
	  .help = "a condition on the rows is --where 'dport == 80 || dport == 443'" },
	{ "count", 'c', .kind = OPT_RENAMED,
	  .help = "counts are what --by saddr,daddr,dport shows" },
	{ "programs", 'v', .kind = OPT_RENAMED, .help = "--verbose says which hooks are in use" },
	{ "dns", 'd', .kind = OPT_RENAMED,
	  .help = "names of hosts aren't looked up; -d DURATION ends the run" },
	{}
};

static const struct column_switch switches[] = { { CFG(lport), "+sport" },
						 { CFG(uid), "+user" },
						 {} };

static const char *const counters[] = { "+under_way", NULL };

static const struct probe probes[] = { { "system calls",
					 { { { "connect_enter", "connect_exit" } },
					   { { "connect_enter_tp", "connect_exit_tp" } } } },
				       { "states of sockets",
					 { { { "connect_state" } }, { { "connect_state_tp" } } } },
				       {} };

static const struct book books[] = {
	[BOOK_OPENS] = { "Tcp ActiveOpens", .probe = 1 },
	[BOOK_FAILS] = { "Tcp AttemptFails", BOOK_AT_MOST,
			 "connections to us that broke off while they were made are there, too",
			 .probe = 1 },
	{}
};

static const struct tool_alias aliases[] = {
	{ "tcpconnlat", "how long TCP connections take to be made: tcpconnect", NULL }, {}
};

const struct tool tool_tcpconnect = {
	.name = "tcpconnect",
	.layer = "net",
	.summary = "TCP connections that programs ask for, and what came of it",
	.text = "One row per attempt, when its outcome is known: connected, or why not. That may "
		"be\n"
		"long after the call where the socket doesn't block. Refused, timed out and reset\n"
		"ones have sent something; those without an own address failed before that: no "
		"route,\n"
		"no permission. Attempts that still wait at the end are counted (under_way).",
	.examples = "  iosonde tcpconnect -x                  what can't connect, and why\n"
		    "  iosonde tcpconnect 10 -p 1234          connections that took 10 ms or more\n"
		    "  iosonde tcpconnect --by comm,daddr,dport -i 1   how many, and how long\n",
	.kind = TOOL_EVENTS,
	.row = { "tcpconnect", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct tcpconnect_cfg),
	.counters = counters,
	.probes = probes,
	.aliases = aliases,
	.books = books,
	.check = CFG(check.on),
	.image = &bpf_tcpconnect,
	.calls = calls,
};
