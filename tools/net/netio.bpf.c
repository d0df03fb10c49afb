/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Calls that send and receive, from entry to return, by process and the two ends of the socket.
 * What a thread does meanwhile is told by the scheduler: it waits, or waits for a CPU.
 */
#include "bpf/calls/answered.bpf.h"
#include "bpf/core/others.bpf.h"
#include "bpf/core/task_state.bpf.h"
#include "bpf/net/sock.bpf.h"
#include "bpf/sched/runq.bpf.h"

#include "tools/net/netio.h"

#define EAGAIN	     11
#define MSG_PEEK     2 /* include/linux/socket.h */
#define MSG_ERRQUEUE 0x2000
#define MAX_MESSAGES 1024 /* of one call: UIO_MAXIOV */

const volatile struct netio_cfg cfg;

/* What a call asks for. */
struct net_op {
	struct sock *sk;
	u64 address; /* user memory: a socket's name, or a message that has one */
	u32 flags;   /* MSG_PEEK and so on */
	u8 send;
	u8 message; /* @address is that of a message */
	u8 many;    /* of many */
	u8 compat;
};

/* A call under way. */
struct net_call {
	u64 start_ns; /* 0: none */
	u64 off_ns;   /* not on a CPU since; 0: it is */
	u64 runq_ns;
	u64 wait_ns;
	u64 waits;
	u64 ip, sp; /* left for a signal: where it will be entered again */
	struct net_op op;
	struct netio_key key;
};

TASK_STATE(net_calls, struct net_call, 32768)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct netio_key);
	__type(value, struct netio_value);
} netio_rows SEC(".maps");

OTHERS_MAP(struct netio_value);

/* --- which socket, and who is at its other end --- */

/* The kernel keeps a name once for who has bound it and all that were accepted there. */
static __always_inline void unix_ends(struct sock *sk, struct netio_key *key)
{
	struct unix_address *name = NULL;
	struct sock *peer;
	struct pid *pid;

	if (!bpf_core_field_exists(struct unix_sock, peer))
		return;
	peer = LOAD(struct unix_sock, sk, peer);
	if (peer)
		name = LOAD(struct unix_sock, peer, addr);
	if (!name)
		name = LOAD(struct unix_sock, sk, addr);
	key->name = (u64)name;
	pid = LOAD(struct sock, sk, sk_peer_pid);
	if (pid)
		key->peer_pid = target.flags & TARGET_PIDNS ? pid_in_ns(pid)
							    : BPF_CORE_READ(pid, numbers[0].nr);
}

static __always_inline void ends_of_socket(struct sock *sk, struct netio_key *key)
{
	u32 family = LOAD(struct sock, sk, __sk_common.skc_family);
	u32 protocol = LOAD(struct sock, sk, sk_protocol);

	key->proto = PROTO_OTHER;
	if (family == AF_UNIX) {
		key->proto = PROTO_UNIX;
		unix_ends(sk, key);
	} else if (family == AF_INET || family == AF_INET6) {
		if (protocol == IPPROTO_TCP)
			key->proto = PROTO_TCP;
		else if (protocol == IPPROTO_UDP)
			key->proto = PROTO_UDP;
		ends_of(sk, &key->ends);
	}
}

/* The first pointer at @address of user memory. */
static __always_inline u64 user_pointer(u64 address, bool compat)
{
	u64 at = 0;

	if (!address || bpf_probe_read_user(&at, compat ? 4 : 8, (void *)address))
		return 0;
	return at;
}

/* Where no connection says who is at the other end, the call itself may. */
static __always_inline void ends_of_call(const struct net_op *op, struct netio_key *key)
{
	u64 address = op->address;
	struct tcp_ends asked;

	if (key->ends.rport || (key->proto != PROTO_TCP && key->proto != PROTO_UDP))
		return;
	if (op->message)
		address = user_pointer(address, op->compat);
	if (!address || !ends_asked(address, &asked))
		return;
	key->ends.raddr = asked.raddr;
	key->ends.rport = asked.rport;
	key->ends.ip = asked.ip;
}

/* --- what a call asks for --- */

/* include/uapi/linux/net.h; 0: neither sends nor receives. */
static __always_inline u32 call_of_socketcall(u32 what)
{
	switch (what) {
	case 9:
		return CALL_SEND;
	case 10:
		return CALL_RECV;
	case 11:
		return CALL_SENDTO;
	case 12:
		return CALL_RECVFROM;
	case 16:
		return CALL_SENDMSG;
	case 17:
		return CALL_RECVMSG;
	case 19:
		return CALL_RECVMMSG;
	case 20:
		return CALL_SENDMMSG;
	}
	return 0;
}

/* The arguments that a 32-bit program has put into memory. */
static __always_inline u32 unpack(struct syscall_args *args)
{
	u32 packed[5] = {}, what = args->a[0];

	if (bpf_probe_read_user(packed, sizeof(packed), (void *)args->a[1]) &&
	    bpf_probe_read_user(packed, 12, (void *)args->a[1])) /* sendmsg() has no more */
		return 0;
	for (int i = 0; i < 5; i++)
		args->a[i] = packed[i];
	return call_of_socketcall(what);
}

static __always_inline void describe(struct net_op *op, u32 call, const struct syscall_args *args)
{
	op->send = call >= CALL_WRITE;
	switch (call) {
	case CALL_RECVFROM:
	case CALL_SENDTO:
		op->address = args->a[4];
		op->flags = args->a[3];
		break;
	case CALL_RECV:
	case CALL_SEND:
		op->flags = args->a[3];
		break;
	case CALL_RECVMSG:
	case CALL_SENDMSG:
		op->message = 1;
		op->address = args->a[1];
		op->flags = args->a[2];
		break;
	case CALL_RECVMMSG:
	case CALL_RECVMMSG64:
	case CALL_SENDMMSG:
		op->message = 1;
		op->many = 1;
		op->address = args->a[1];
		op->flags = args->a[3];
		break;
	}
}

static __always_inline struct sock *sock_of_fd(struct task_struct *here, u32 fd)
{
	struct socket *socket = socket_of_fd(here, fd);

	return socket ? LOAD(struct socket, socket, sk) : NULL;
}

/* False: the call of @in neither sends nor receives by a socket. */
static __always_inline bool op_of_call(const struct entered *in, struct pt_regs *regs,
				       struct net_op *op)
{
	struct syscall_args args;
	u32 call = in->call;

	syscall_args(regs, in->compat, &args);
	if (call == CALL_SOCKETCALL)
		call = unpack(&args);
	if (!call)
		return false;
	op->compat = in->compat;
	describe(op, call, &args);
	op->sk = sock_of_fd(in->task, args.a[0]);
	if (call != CALL_SPLICE)
		return op->sk;
	op->send = !op->sk;
	if (!op->sk)
		op->sk = sock_of_fd(in->task, args.a[2]);
	return op->sk;
}

/* --- what became of it --- */

/* How much the first @n of the messages at @messages of user memory had. */
__noinline u64 bytes_of_messages(u64 messages, u32 n, u32 compat)
{
	u32 size = compat ? 32 : 64, at = compat ? 28 : 56, len;
	u64 sum = 0;

	for (u32 i = 0; i < MAX_MESSAGES; i++) {
		if (i >= n)
			break;
		if (bpf_probe_read_user(&len, sizeof(len), (void *)(messages + i * size + at)))
			break;
		sum += len;
	}
	return sum;
}

static __always_inline u64 bytes_moved(const struct net_op *op, s64 ret)
{
	if (ret <= 0 || op->flags & (MSG_PEEK | MSG_ERRQUEUE))
		return 0;
	return op->many ? bytes_of_messages(op->address, ret, op->compat) : ret;
}

static __noinline int row_begun(const struct netio_key *key)
{
	struct unix_address *name = (void *)key->name;
	struct netio_value value = {};
	u64 len;

	bpf_get_current_comm(value.comm, sizeof(value.comm));
	if (name && bpf_core_field_exists(name->len)) {
		const char *text = (void *)name + bpf_core_field_offset(name->name) + 2;

		len = (u32)BPF_CORE_READ(name, len) - 2;
		BOUND(len, 127);
		if (len <= 108)
			bpf_probe_read_kernel(value.path, len, text);
		if (!value.path[0])
			value.path[0] = '@'; /* a name that no file has */
	}
	bpf_map_update_elem(&netio_rows, key, &value, BPF_NOEXIST);
	return 0;
}

static __always_inline struct netio_value *value_of(const struct netio_key *key)
{
	struct netio_value *value = bpf_map_lookup_elem(&netio_rows, key);

	if (value)
		return value;
	row_begun(key);
	value = bpf_map_lookup_elem(&netio_rows, key);
	return value ? value : others_of(key->epoch);
}

#define ADD(member, n) __sync_fetch_and_add(&value->member, (n))

static __always_inline void add_time(struct netio_value *value, const struct net_call *call)
{
	u64 total_ns = bpf_ktime_get_ns() - call->start_ns;
	u64 away_ns = call->runq_ns + call->wait_ns;

	ADD(total_ns, total_ns);
	if (total_ns > value->max_ns)
		value->max_ns = total_ns;
	ADD(cpu_ns, total_ns > away_ns ? total_ns - away_ns : 0);
	ADD(runq_ns, call->runq_ns);
	ADD(wait_ns, call->wait_ns);
	ADD(waits, call->waits);
}

/* Its result is @ret. */
static __noinline int call_done(struct net_call *call, s64 ret)
{
	struct netio_value *value;
	struct netio_key *key;
	u64 bytes;

	if (!call)
		return 0;
	key = &call->key;
	if (!key->ends.lport && key->proto <= PROTO_UDP) /* the call itself may have brought it */
		key->ends.lport = swap16(LOAD(struct inet_sock, call->op.sk, inet_sport));
	if (call->op.send || ret >= 0) /* else nobody wrote who it was from */
		ends_of_call(&call->op, key);
	if (NOT_CHOSEN(cfg.choice, &key->ends) || (cfg.proto && cfg.proto != key->proto)) {
		COUNT_EVENT(filtered);
		return 0;
	}
	key->epoch = epoch_now();
	COUNT(generated);
	value = value_of(key);
	if (!value)
		return 0;
	ADD(count, 1);
	bytes = bytes_moved(&call->op, ret);
	ADD(bytes, bytes);
	if (call->op.send) {
		ADD(sends, 1);
		ADD(tx, bytes);
	} else {
		ADD(recvs, 1);
		ADD(rx, bytes);
	}
	if (ret == -EAGAIN)
		ADD(again, 1);
	else if (ret < 0)
		ADD(errors, 1);
	add_time(value, call);
	return 0;
}

/* --- the hooks --- */

static __always_inline struct net_call *call_begun(const struct entered *in, struct pt_regs *regs)
{
	struct net_op op = {};
	struct net_call *call;

	if (!op_of_call(in, regs, &op))
		return NULL;
	call = net_calls_create(in->task);
	if (!call) {
		COUNT_EVENT(lost_state);
		return NULL;
	}
	__builtin_memset(call, 0, sizeof(*call));
	call->op = op;
	call->key.pid = in->ids >> 32;
	ends_of_socket(op.sk, &call->key);
	if (op.send)
		ends_of_call(&op, &call->key);
	call->start_ns = bpf_ktime_get_ns();
	return call;
}

SYSCALL_ENTER(netio_enter)
{
	struct net_call *call;
	struct entered in;

	/* before that it could block without the scheduler's programs seeing it */
	if (!all_attached || !target_entered(id, &in))
		return 0;
	call = net_calls_of(in.task);
	if (call && call->ip && call->ip == REGS_IP(regs) && call->sp == REGS_SP(regs)) {
		call->ip = 0;
		return 0;
	}
	if (call && call->start_ns && !call->ip) {
		COUNT_EVENT(lost_end);
		call->start_ns = 0;
	}
	call_begun(&in, regs);
	return 0;
}

SYSCALL_EXIT(netio_exit)
{
	struct task_struct *task;
	struct net_call *call;
	struct entered in;
	s64 result = ret;

	if (REGS_NO_CALL(regs) || !syscall_maybe(REGS_CALL(regs)))
		return 0;
	task = current_task();
	call = net_calls_of(task);
	if (!call || !call->start_ns || call->ip) {
		if (!target_answered(regs, &result, &in))
			return 0;
		call = call_begun(&in, regs);
		if (!call)
			return 0;
	} else if (!call_ended(task, regs, &result)) {
		call->ip = REGS_IP(regs);
		call->sp = REGS_SP(regs);
		return 0;
	}
	call_done(call, result);
	call->start_ns = 0;
	net_calls_drop(task);
	return 0;
}

/* A call that its thread ends in. */
CURRENT_EVENT(netio_gone, "sched_process_exit")
{
	struct task_struct *task = current_task();
	struct net_call *call = net_calls_of(task);

	if (!call)
		return 0;
	if (call->start_ns)
		call_done(call, -EINTR);
	call->start_ns = 0;
	net_calls_drop(task);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(netio_switch, bool preempted, struct task_struct *prev)
{
	struct net_call *call = net_calls_of(prev);

	if (!call || !call->start_ns || call->ip)
		return 0;
	call->off_ns = bpf_ktime_get_ns();
	if (!preempted && task_state(prev))
		call->waits++;
	return 0;
}

static __always_inline void runq_waited(void *ctx, struct task_struct *prev,
					struct task_struct *next, const struct runq_wait *wait)
{
	struct net_call *call = net_calls_of(next);
	u64 away_ns, runq_ns;

	if (!call || !call->off_ns || !call->start_ns)
		return;
	away_ns = wait->since_ns + wait->lat_ns - call->off_ns;
	runq_ns = wait->lat_ns < away_ns ? wait->lat_ns : away_ns;
	call->runq_ns += runq_ns;
	call->wait_ns += away_ns - runq_ns;
	call->off_ns = 0;
}
