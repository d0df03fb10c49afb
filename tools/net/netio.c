/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/net/netio.h"

#include <stdio.h>
#include <string.h>

#include "bpf/sched/runq.h"
#include "core/rows/unit_addr.h"
#include "tools/net/net_tables.h"

BPF_IMAGE(netio);

/* In the order of enum netio_calls. */
static const char *const calls[] = { "read",	    "readv",   "preadv2",     "?recv",
				     "recvfrom",    "recvmsg", "recvmmsg",    "?recvmmsg_time64",
				     "write",	    "writev",  "pwritev2",    "?send",
				     "sendto",	    "sendmsg", "sendmmsg",    "sendfile",
				     "?sendfile64", "splice",  "?socketcall", NULL };
static const char *const protos[] = { "", "tcp", "udp", "unix", "other", NULL };
static const char *const proto_choice[] = { "all", "tcp", "udp", "unix", NULL };

static size_t ip_peer(const struct netio_key *key, char *buf, size_t size)
{
	char addr[ADDR_TEXT];

	addr_format(&key->ends.raddr, addr, sizeof(addr));
	return (size_t)snprintf(buf, size, strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr,
				key->ends.rport);
}

/* Who is at the other end: address and port, the name of a socket, or the process that made it. */
static void render_peer(const void *rec, size_t len, char *scratch, struct value *out)
{
	struct netio_row row;

	out->kind = V_NONE;
	if (len < sizeof(row))
		return;
	memcpy(&row, rec, sizeof(row));
	if (row.key.ends.rport)
		out->bytes.len = ip_peer(&row.key, scratch, VALUE_SCRATCH);
	else if (row.value.path[0])
		out->bytes.len =
			(size_t)snprintf(scratch, VALUE_SCRATCH, "%.*s", UNIX_NAME, row.value.path);
	else if (row.key.peer_pid)
		out->bytes.len =
			(size_t)snprintf(scratch, VALUE_SCRATCH, "pid %u", row.key.peer_pid);
	else
		return;
	out->kind = V_BYTES;
	out->bytes.p = scratch;
}

#define R(member)   FIELD(struct netio_row, member)
#define V(member)   FIELD(struct netio_row, value.member)
#define CFG(member) FIELD(struct netio_cfg, member)
#define HIDDEN_KEY  (COL_KEY | COL_HIDDEN | COL_BLANK)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "pid", R(key.pid), U_ID, .width = 7, .flags = COL_KEY | COL_BLANK },
	{ "comm", V(comm), U_TEXT, .width = 12, .flags = COL_KEY },
	{ "proto", R(key.proto), U_ENUM, .width = 5, .names = protos, .flags = COL_KEY },
	{ "ip", R(key.ends.ip), U_ID, .width = 2, .flags = HIDDEN_KEY },
	{ "laddr", R(key.ends.laddr), U_ADDR, .flags = HIDDEN_KEY },
	{ "lport", R(key.ends.lport), U_ID, .width = 5, .flags = COL_KEY | COL_BLANK, .keep = 3 },
	{ "raddr", R(key.ends.raddr), U_ADDR, .flags = HIDDEN_KEY },
	{ "rport", R(key.ends.rport), U_ID, .width = 5, .flags = HIDDEN_KEY },
	{ "path", V(path), U_PATH, .flags = HIDDEN_KEY,
	  .help = "of UNIX: what the other end, or else ours, is bound to; @ begins a name "
		  "that no file has" },
	{ "peer_pid", R(key.peer_pid), U_ID, .width = 7, .flags = HIDDEN_KEY,
	  .help = "of UNIX: process that connected, listens, or made both ends" },
	{ "peer", V(path), U_TEXT, .width = 21, .flags = COL_KEY | COL_PEOPLE, .keep = KEEP,
	  .render = render_peer, .help = "the other end: rport at raddr, path, or peer_pid" },
	{ "bytes", V(bytes), U_BYTES, .flags = COL_HIDDEN, .help = "both ways" },
	{ "count", V(count), U_COUNT, .flags = COL_HIDDEN, .help = "calls" },
	{ "sends", V(sends), U_COUNT, .width = 6, .help = "calls that send" },
	{ "recvs", V(recvs), U_COUNT, .width = 6, .help = "calls that receive" },
	{ "errors", V(errors), U_COUNT, .flags = COL_HIDDEN, .help = "calls that failed" },
	{ "again", V(again), U_COUNT, .flags = COL_HIDDEN,
	  .help = "calls in vain: EAGAIN, not among the errors" },
	{ "tx", V(tx), U_BYTES, .width = 6, .classic = "tx_kb", .keep = KEEP,
	  .help = "bytes that were sent" },
	{ "rx", V(rx), U_BYTES, .width = 6, .classic = "rx_kb", .keep = KEEP,
	  .help = "bytes that were received" },
	{ "total", V(total_ns), U_NSEC, .width = 7, .help = "time in these calls" },
	{ "cpu", V(cpu_ns), U_NSEC, .width = 7, .help = "of it: on a CPU" },
	{ "runq", V(runq_ns), U_NSEC, .width = 7, .keep = 2,
	  .help = "of it: in the queue for a CPU" },
	{ "wait", V(wait_ns), U_NSEC, .width = 7,
	  .help = "of it: asleep, for the other end or room" },
	{ "waits", V(waits), U_COUNT, .flags = COL_HIDDEN },
	{ "max", V(max_ns), U_NSEC, .flags = COL_HIDDEN | COL_MAX, .help = "longest call" },
	{}
};

static const struct option_spec options[] = {
	{ "proto", 0, CFG(proto), .kind = OPT_CHOICE, .names = proto_choice, .arg = "PROTO",
	  .deflt = "all", .help = "all, tcp, udp or unix" },
	{ "ipv4", '4', CFG(choice.only_v4), .kind = OPT_FLAG, .help = "only IPv4" },
	{ "ipv6", '6', CFG(choice.only_v6), .kind = OPT_FLAG, .help = "only IPv6" },
	{ "noclear", 'C', CFG(no_clear), .kind = OPT_FLAG,
	  .help = "on a terminal, leave the tables before" },
	{ "nosummary", 'S', .kind = OPT_RENAMED,
	  .help = "the line with the load is for terminals: rows alone are in -O FILE" },
	{ "cgroup-path", 'c', .kind = OPT_RENAMED, .help = "a cgroup is --cgroup PATH" },
	{}
};

#define BLIND "what io_uring and the kernel itself send and receive"

static const struct probe probes[] = {
	{ "system calls",
	  { { { "netio_enter", "netio_exit" }, .blind = BLIND },
	    { { "netio_enter_tp", "netio_exit_tp" }, .blind = BLIND } } },
	{ "ends of threads",
	  { { { "netio_gone" } }, { { "netio_gone_tp" } } },
	  .aside = true,
	  .without = "calls that their thread ends in are not seen" },
	{ "the scheduler",
	  { { { "netio_switch", "runq_switch", "runq_waking", "runq_wakeup_new" } } },
	  .aside = true,
	  .without = "all time is taken for time on a CPU" },
	{}
};

static const char *const tcp_words[] = { "--proto", "tcp", NULL };

static const struct tool_alias aliases[] = {
	{ "tcptop", "who sends and receives most by TCP: netio --proto tcp", tcp_words }, {}
};

const struct tool tool_netio = {
	.name = "netio",
	.layer = "net",
	.summary = "who sends and receives, to and from whom, and what it waits for",
	.text = "One row per process and both ends of a socket, every second: calls that send\n"
		"and receive, the bytes, and where the time in them went. A call counts when it\n"
		"returns. Descriptors of files are no sockets, and time in poll() or epoll_wait()\n"
		"is none of these calls.",
	.examples = "  iosonde netio                        every second, all sockets\n"
		    "  iosonde netio -s wait --proto tcp    who waits for the network\n"
		    "  iosonde netio --by comm,raddr 10     per program and host\n",
	.kind = TOOL_TABLE,
	.row = { "netio", columns },
	.options = options,
	.cfg_size = sizeof(struct netio_cfg),
	.probes = probes,
	.aliases = aliases,
	.image = &bpf_netio,
	.calls = calls,
	.drain = { .map = "netio_rows",
		   .key_size = sizeof(struct netio_key),
		   .value_size = sizeof(struct netio_value),
		   .no_clear = CFG(no_clear) },
};
