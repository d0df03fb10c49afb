/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#ifndef IOSONDE_NETIO_H
#define IOSONDE_NETIO_H

#include "bpf/net/net.h"

/* In the order of the descriptor's list of system calls: first what receives. */
enum netio_calls {
	CALL_READ = 1,
	CALL_READV,
	CALL_PREADV2,
	CALL_RECV, /* of 32-bit programs, as some others */
	CALL_RECVFROM,
	CALL_RECVMSG,
	CALL_RECVMMSG,
	CALL_RECVMMSG64,
	CALL_WRITE, /* what sends */
	CALL_WRITEV,
	CALL_PWRITEV2,
	CALL_SEND,
	CALL_SENDTO,
	CALL_SENDMSG,
	CALL_SENDMMSG,
	CALL_SENDFILE,
	CALL_SENDFILE64,
	CALL_SPLICE, /* either, by which descriptor is a socket */
	CALL_SOCKETCALL,
};

enum net_proto { PROTO_TCP = 1, PROTO_UDP, PROTO_UNIX, PROTO_OTHER };

struct netio_cfg {
	struct tcp_choice choice;
	__u32 proto; /* enum net_proto; 0: all */
	__u32 no_clear;
};

struct netio_key {
	__u32 epoch;
	__u32 pid;
	struct tcp_ends ends;
	__u64 name;  /* of UNIX: where the kernel keeps the name; 0: it has none */
	__u32 proto; /* enum net_proto */
	__u32 peer_pid;
};

#define UNIX_NAME 112

struct netio_value {
	__u64 count; /* calls */
	__u64 bytes; /* both ways */
	__u64 sends;
	__u64 recvs;
	__u64 errors;
	__u64 again; /* calls that would have had to wait, and didn't want to */
	__u64 tx;
	__u64 rx;
	__u64 total_ns;
	__u64 cpu_ns;
	__u64 runq_ns;
	__u64 wait_ns;
	__u64 waits;
	__u64 max_ns;
	/* set when the row begins */
	char comm[COMM_LEN];
	char path[UNIX_NAME];
};

struct netio_row {
	struct netio_key key;
	struct netio_value value;
	__u64 ts_ns; /* the engine's: when the interval ended */
	__u64 length_ns;
};

#endif
