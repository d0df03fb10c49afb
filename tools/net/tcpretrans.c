/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/net/tcpretrans.h"

#include "bpf/net/accept.h"
#include "tools/net/net_tables.h"

BPF_IMAGE(tcpretrans);

static const char *const calls[] = { ACCEPT_CALLS, NULL };
static const char *const kinds[] = { "R", "L", "S", NULL }; /* enum retrans_kind */

#define E(member) FIELD(struct tcpretrans_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it was sent again" },
	{ "pid", E(owner.pid), U_ID, .width = 7, .flags = COL_BLANK,
	  .help = "process that connected, accepted or listens; none of a socket from before" },
	{ "tid", E(owner.tid), U_ID, .width = 7, .flags = COL_HIDDEN | COL_BLANK,
	  .help = "its thread that did" },
	{ "comm", E(owner.comm), U_TEXT, .flags = COL_HIDDEN | COL_BLANK },
	{ "user", E(owner.uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	COLUMN_IP(struct tcpretrans_event, ends),
	{ "laddr", E(ends.laddr), U_ADDR },
	{ "lport", E(ends.lport), U_ID, .width = 5 },
	{ "type", E(kind), U_ENUM, .width = 4, .names = kinds, .keep = KEEP,
	  .help = "R: data, SYN or FIN; L: the same as a tail loss probe; S: a server's SYN-ACK" },
	{ "raddr", E(ends.raddr), U_ADDR },
	{ "rport", E(ends.rport), U_ID, .width = 5, .help = "its port" },
	{ "state", E(state), U_ENUM, .width = 11, .names = tcp_state_names,
	  .help = "of the socket" },
	{ "segs", E(segs), U_COUNT, .width = 4, .flags = COL_HIDDEN,
	  .help = "segments at once; their sum is Tcp RetransSegs" },
	{ "seq", E(seq), U_ID, .flags = COL_HIDDEN | COL_BLANK,
	  .help = "sequence number, as the packet has it" },
	{ "err", E(ret), U_ERRNO, .flags = COL_HIDDEN,
	  .help = "why it could not be sent, where the kernel tells" },
	{}
};

static const struct option_spec options[] = {
	OPTIONS_TCP(struct tcpretrans_cfg),
	OPTION_CHECK(struct tcpretrans_cfg),
	{ "lossprobe", 'l', .kind = OPT_RENAMED,
	  .help = "tail loss probes are always shown, with type L; without: --where 'type != L'" },
	{ "count", 'c', .kind = OPT_RENAMED,
	  .help = "counts are what --by laddr,lport,raddr,rport shows" },
	{ "sequence", 's', .kind = OPT_RENAMED,
	  .help = "the column seq has it: --columns time,laddr,lport,raddr,rport,seq" },
	{}
};

#define BLIND "what failed to be sent again"

static const struct probe probes[] = { { "retransmissions",
					 { { { "retrans_skb_err(sock,sk_buff,int)" } },
					   { { "retrans_skb(sock,sk_buff)" }, .blind = BLIND } } },
				       { "SYN-ACKs sent again",
					 { { { "retrans_synack" } } },
					 .without = "SYN-ACKs that are sent again are not seen" },
				       { "who accepts",
					 { { { "owner_accepts" } }, { { "owner_accepts_tp" } } },
					 .without = "nobody knows who has accepted a connection",
					 .aside = true },
				       { "who connects",
					 { { { "owner_connects", "owner_ends" } },
					   { { "owner_connects_tp", "owner_ends_tp" } } },
					 .without = "nobody knows who has connected",
					 .aside = true },
				       {} };

static const struct book books[] = {
	[BOOK_SEGS] = { "Tcp RetransSegs", .less = "TcpExt TCPRetransFail" }, {}
};

const struct tool tool_tcpretrans = {
	.name = "tcpretrans",
	.layer = "net",
	.summary = "TCP packets that are sent again",
	.text = "One row per packet that TCP sends again: because of a timer, because the other\n"
		"side reported a gap, or as a probe whether the last one was lost. Packets come "
		"and\n"
		"timers fire in whatever thread they interrupt, so the process is who connected "
		"or\n"
		"accepted, where that was seen: with -p, -n or -- COMMAND sockets from before are\n"
		"left out, without a target they are shown with no process.",
	.examples =
		"  iosonde tcpretrans                       what is sent again, everywhere\n"
		"  iosonde tcpretrans --by raddr,state -i 5   to whom, how often\n"
		"  iosonde tcpretrans --where 'type == S'   connections that hang at the start\n",
	.kind = TOOL_EVENTS,
	.row = { "tcpretrans", columns },
	.options = options,
	.cfg_size = sizeof(struct tcpretrans_cfg),
	.probes = probes,
	.books = books,
	.check = FIELD(struct tcpretrans_cfg, check.on),
	.image = &bpf_tcpretrans,
	.calls = calls,
};
