/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets as accept() hands them out. The command's first two system calls are those of
 * ACCEPT_CALLS.
 */
#ifndef IOSONDE_ACCEPT_BPF_H
#define IOSONDE_ACCEPT_BPF_H

#include "bpf/calls/syscall.bpf.h"
#include "bpf/net/accept.h"
#include "bpf/net/sock.bpf.h"

/* A descriptor that accept() returned in the current thread. */
struct accepted {
	struct task_struct *task;
	u64 ids;
	struct sock *sk;
};

#define SOCKETCALL_ACCEPT  5 /* include/uapi/linux/net.h */
#define SOCKETCALL_ACCEPT4 18

/* Was the call that returns one that takes a connection, and did it get one? Whoever made it. */
static __always_inline bool accept_done(struct pt_regs *regs, long ret, struct accepted *a)
{
	struct syscall_args args;
	bool compat;
	u32 call;

	if (ret < 0 || REGS_NO_CALL(regs))
		return false;
	call = syscall_entered(REGS_CALL(regs), &compat);
	if (!call || call > CALL_SOCKETCALL)
		return false;
	if (call == CALL_SOCKETCALL) {
		syscall_args(regs, compat, &args);
		if (args.a[0] != SOCKETCALL_ACCEPT && args.a[0] != SOCKETCALL_ACCEPT4)
			return false;
	}
	a->task = current_task();
	a->sk = tcp_of_socket(socket_of_fd(a->task, ret));
	if (!a->sk)
		return false;
	a->ids = ids_of(a->task);
	return true;
}

#endif
