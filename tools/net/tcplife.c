/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/net/tcplife.h"

#include "bpf/net/accept.h"
#include "tools/net/net_tables.h"

BPF_IMAGE(tcplife);

static const char *const calls[] = { ACCEPT_CALLS, NULL };

#define E(member)   FIELD(struct tcplife_event, member)
#define CFG(member) FIELD(struct tcplife_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it was over, or the state changed" },
	{ "sk", E(sk), U_HEX, .width = 18, .flags = COL_HIDDEN | COL_ASKED, .classic = "skaddr",
	  .help = "the socket, by its address in the kernel" },
	COLUMNS_OWNER(struct tcplife_event, owner,
		      "who connected or accepted; or listens, where nobody has accepted"),
	COLUMN_IP(struct tcplife_event, ends),
	{ "laddr", E(ends.laddr), U_ADDR, .flags = COL_BLANK, .help = "our address" },
	{ "lport", E(ends.lport), U_ID, .width = 5, .flags = COL_BLANK, .help = "our port" },
	{ "raddr", E(ends.raddr), U_ADDR, .flags = COL_BLANK, .help = "the other's address" },
	{ "rport", E(ends.rport), U_ID, .width = 5, .flags = COL_BLANK, .help = "its port" },
	{ "tx", E(tx), U_BYTES, .width = 5, .keep = KEEP, .classic = "tx_kb",
	  .help = "data that we sent and the other has acknowledged" },
	{ "rx", E(rx), U_BYTES, .width = 5, .keep = KEEP, .classic = "rx_kb",
	  .help = "data that we were sent" },
	{ "oldstate", E(from), U_ENUM, .width = 11, .names = tcp_state_names, .flags = COL_HIDDEN,
	  .keep = KEEP, .help = "state before; of a connection the last one" },
	{ "newstate", E(to), U_ENUM, .width = 11, .names = tcp_state_names, .flags = COL_HIDDEN,
	  .keep = KEEP, .help = "state after" },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY | COL_BLANK, .classic = "ms",
	  .help = "from the end of its handshake to its own; with --states, in the old state" },
	{}
};

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .arg = "DURATION",
	  .help = "only what lasted at least this long; in ms" },
	{ "states", 0, CFG(states), .kind = OPT_FLAG,
	  .help = "a row per change of a socket's state, with the time in the old one" },
	OPTIONS_TCP(struct tcplife_cfg),
	OPTION_CHECK(struct tcplife_cfg),
	{ "localport", 'L', .kind = OPT_RENAMED, .arg = "PORT",
	  .help = "a condition on the rows is --where 'lport == 80 || lport == 443'" },
	{ "remoteport", 'D', .kind = OPT_RENAMED, .arg = "PORT",
	  .help = "a condition on the rows is --where 'rport == 80 || rport == 443'" },
	{ "wide", 'w', .kind = OPT_RENAMED, .help = "columns are as wide as what is in them" },
	{ "csv", 's', .kind = OPT_RENAMED,
	  .help = "values with commas between them are -o csv; the time of day is -T" },
	{ "journal", 'Y', .kind = OPT_RENAMED,
	  .help = "rows for another program to keep are -o json" },
	{}
};

static const struct column_switch switches[] = { { CFG(states), "-tx,-rx,+oldstate,+newstate" },
						 {} };

static const char *const counters[] = { "+under_way", NULL };

static const struct probe probes[] = { { "states of sockets",
					 { { { "life_state", "life_ends" } },
					   { { "life_state_tp", "life_ends_tp" } } } },
				       { "who accepts",
					 { { { "life_accepts" } }, { { "life_accepts_tp" } } },
					 .without = "nobody knows who has accepted a connection" },
				       {} };

static const struct book books[] = { [BOOK_ACTIVE] = { "Tcp ActiveOpens" },
				     [BOOK_PASSIVE] = { "Tcp PassiveOpens" },
				     [BOOK_RESETS] = { "Tcp EstabResets" },
				     {} };

static const char *const states_words[] = { "--states", NULL };

static const struct tool_alias aliases[] = {
	{ "tcpstates", "sockets of TCP as they change their states: tcplife --states",
	  states_words },
	{}
};

const struct tool tool_tcplife = {
	.name = "tcplife",
	.layer = "net",
	.summary = "TCP connections when they are over: how long, how many bytes each way",
	.text = "One row per connection that was made and came to its end meanwhile, from each "
		"end\n"
		"of it that is here. It is over when the socket is: at the last answer of the "
		"other\n"
		"side, or without one. TX is what was acknowledged, not what was sent. Attempts\n"
		"that failed are shown by tcpconnect, and connections that go on are counted\n"
		"(under_way). With --states there is a row for each state on the way.",
	.examples = "  iosonde tcplife                      connections, as they end\n"
		    "  iosonde tcplife --by comm,raddr -i 5   who talks to whom, how long\n"
		    "  iosonde tcplife --where 'tx > 1M || lat > 10s'   large ones, long ones\n"
		    "  iosonde tcplife --states -p 1234     what its connections wait for\n",
	.kind = TOOL_EVENTS,
	.row = { "tcplife", columns },
	.lingers = true,
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct tcplife_cfg),
	.counters = counters,
	.probes = probes,
	.aliases = aliases,
	.books = books,
	.check = CFG(check.on),
	.image = &bpf_tcplife,
	.calls = calls,
};
