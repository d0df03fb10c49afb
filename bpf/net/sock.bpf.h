/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * TCP sockets: from a descriptor, their ends, and programs at what happens to them. Socket pointers
 * are addresses to be read by LOAD() or probe reads, wherever they came from.
 */
#ifndef IOSONDE_SOCK_BPF_H
#define IOSONDE_SOCK_BPF_H

#include "bpf/core/filter.bpf.h"
#include "bpf/files/files.bpf.h"
#include "bpf/net/net.h"

#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define MAPPED	 0xffff0000U /* ::ffff: in network order; so are the addresses */

static __always_inline u16 swap16(u16 v)
{
	return __builtin_bswap16(v);
}

static __always_inline bool is_tcp(struct sock *sk)
{
	return LOAD(struct sock, sk, sk_protocol) == IPPROTO_TCP;
}

/* The socket behind @fd of the current thread, @here; NULL where it is something else. */
static __always_inline struct socket *socket_of_fd(struct task_struct *here, u32 fd)
{
	struct file *file = task_file_of_fd(here, fd);
	struct inode *inode;

	if (!file)
		return NULL;
	inode = LOAD(struct file, file, f_inode);
	if ((LOAD(struct inode, inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return LOAD(struct file, file, private_data);
}

static __always_inline struct sock *tcp_of_socket(struct socket *socket)
{
	struct sock *sk = socket ? LOAD(struct socket, socket, sk) : NULL;

	return sk && is_tcp(sk) ? sk : NULL;
}

static __always_inline void addr_of_v4(struct net_addr *addr, u32 v4)
{
	u32 *words = (u32 *)addr;

	words[0] = words[1] = 0;
	words[2] = MAPPED;
	words[3] = v4;
}

static __always_inline bool addr_is_v4(const struct net_addr *addr)
{
	const u32 *words = (const u32 *)addr;

	return !words[0] && !words[1] && words[2] == MAPPED;
}

/* Of a socket, or of a request for a connection, which begins in the same way. */
static __always_inline void ends_of_common(struct sock_common *common, struct tcp_ends *ends)
{
	ends->rport = swap16(LOAD(struct sock_common, common, skc_dport));
	if (LOAD(struct sock_common, common, skc_family) == AF_INET6 &&
	    bpf_core_field_exists(common->skc_v6_daddr)) {
		bpf_core_read(&ends->raddr, sizeof(ends->raddr), &common->skc_v6_daddr);
		bpf_core_read(&ends->laddr, sizeof(ends->laddr), &common->skc_v6_rcv_saddr);
	} else {
		addr_of_v4(&ends->raddr, LOAD(struct sock_common, common, skc_daddr));
		addr_of_v4(&ends->laddr, LOAD(struct sock_common, common, skc_rcv_saddr));
	}
	ends->ip = addr_is_v4(&ends->raddr) ? 4 : 6;
}

static __always_inline void ends_of(struct sock *sk, struct tcp_ends *ends)
{
	ends_of_common((struct sock_common *)sk, ends);
	ends->lport = swap16(LOAD(struct inet_sock, sk, inet_sport));
}

struct sockaddr_any { /* of IPv4 or IPv6, in user memory */
	u16 family;
	u16 port;
	u32 v4_or_flow;
	struct net_addr v6;
};

/* Whom @address, of user space, means. False: nobody, it takes a connection away. */
static __always_inline bool ends_asked(u64 address, struct tcp_ends *ends)
{
	struct sockaddr_any to = {};

	__builtin_memset(ends, 0, sizeof(*ends));
	if (bpf_probe_read_user(&to, sizeof(to), (void *)address) &&
	    bpf_probe_read_user(&to, 16, (void *)address)) /* one of IPv4 is no longer */
		return true;
	if (to.family == AF_UNSPEC)
		return false;
	ends->rport = swap16(to.port);
	if (to.family == AF_INET)
		addr_of_v4(&ends->raddr, to.v4_or_flow);
	else if (to.family == AF_INET6)
		ends->raddr = to.v6;
	ends->ip = addr_is_v4(&ends->raddr) ? 4 : 6;
	return true;
}

/* The network namespace of @sk, by its inode; where there is but one, that of @check. */
static __always_inline u32 netns_of(struct sock *sk, u32 only)
{
	struct net *net;

	if (!bpf_core_field_exists(sk->__sk_common.skc_net.net))
		return only;
	net = LOAD(struct sock, sk, __sk_common.skc_net.net);
	return BPF_CORE_READ(net, ns.inum);
}

/* BOOK() of what happens to @sk: the books are those of one network namespace. */
#define BOOK_OF_SOCK(check, sk, index, wanted, n)                                                  \
	do {                                                                                       \
		if ((check).on && netns_of(sk, (check).netns) == (check).netns)                    \
			BOOK(check, index, wanted, n);                                             \
	} while (0)

/* On its way from SYN_SENT to CLOSE: it wasn't connected, for no packet was sent. */
static __always_inline bool never_opened(struct sock *sk)
{
	return !LOAD(struct tcp_sock, sk, segs_out);
}

/* Is that not what -4 or -6 asks for? @choice is in the command's cfg. */
#define NOT_CHOSEN(choice, ends)                                                                   \
	(((choice).only_v4 && (ends)->ip != 4) || ((choice).only_v6 && (ends)->ip != 6))

/* The current thread, @here, whose ids are @ids. */
static __always_inline void owner_set(struct sock_owner *owner, struct task_struct *here, u64 ids)
{
	owner->pid = ids >> 32;
	owner->tid = ids;
	task_user_and_comm(here, &owner->uid, owner->comm);
}

/* Is anything asked for that a socket without an owner can't be matched with? */
#define TARGET_ANYBODY() (!(target.flags & (TARGET_PID | TARGET_TREE | TARGET_ONE | TARGET_SELDOM)))

/*
 * SOCK_STATE(name) { ... }: a program at each change of a TCP or other socket's state, before it is
 * stored, twice from one body, as with SYSCALL_ENTER(). The body sees @sk, @from and @to. Who is
 * current says something only where a thread itself does it: on the way to SYN_SENT (connect),
 * LISTEN, FIN_WAIT1 and LAST_ACK (close, shutdown). All else also happens when a packet or a timer
 * comes, in whatever thread that interrupts.
 */
#define SOCK_STATE(name)                                                                           \
	static __always_inline int name##_body(struct sock *sk, u32 from, u32 to);                 \
	SEC("tp_btf/inet_sock_set_state")                                                          \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		return name##_body((struct sock *)ctx[0], ctx[1], ctx[2]);                         \
	}                                                                                          \
	SEC("tp/sock/inet_sock_set_state")                                                         \
	int name##_tp(struct trace_event_raw_inet_sock_set_state *ctx)                             \
	{                                                                                          \
		return name##_body((struct sock *)ctx->skaddr, ctx->oldstate, ctx->newstate);      \
	}                                                                                          \
	static __always_inline int name##_body(struct sock *sk, u32 from, u32 to)

/* The same at the end of a TCP socket: its last reference is gone. */
#define SOCK_DESTROY(name)                                                                         \
	static __always_inline int name##_body(struct sock *sk);                                   \
	SEC("tp_btf/tcp_destroy_sock")                                                             \
	int name(u64 *ctx)                                                                         \
	{                                                                                          \
		return name##_body((struct sock *)ctx[0]);                                         \
	}                                                                                          \
	SEC("tp/tcp/tcp_destroy_sock")                                                             \
	int name##_tp(struct trace_event_raw_tcp_event_sk *ctx)                                    \
	{                                                                                          \
		return name##_body((struct sock *)ctx->skaddr);                                    \
	}                                                                                          \
	static __always_inline int name##_body(struct sock *sk)

#endif
