/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who has connected a socket, listens on it, or was given it by accept(), kept until its end:
 * timers and packets come in whatever thread they interrupt. Sockets from before have none.
 */
#ifndef IOSONDE_OWNERS_BPF_H
#define IOSONDE_OWNERS_BPF_H

#include "bpf/net/accept.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct sock_owner);
} owners SEC(".maps");

static __always_inline void owner_keep(struct sock *sk, struct task_struct *here, u64 ids)
{
	struct sock_owner owner = {};
	u64 key = (u64)sk;

	if (!target_match(ids))
		return;
	owner_set(&owner, here, ids);
	bpf_map_update_elem(&owners, &key, &owner, BPF_ANY);
}

SOCK_STATE(owner_connects)
{
	struct task_struct *here;

	if ((to != TCP_SYN_SENT && to != TCP_LISTEN) || !is_tcp(sk))
		return 0;
	here = current_task();
	owner_keep(sk, here, ids_of(here));
	return 0;
}

SYSCALL_EXIT(owner_accepts)
{
	struct accepted a;

	if (accept_done(regs, ret, &a))
		owner_keep(a.sk, a.task, a.ids);
	return 0;
}

SOCK_DESTROY(owner_ends)
{
	u64 key = (u64)sk;

	bpf_map_delete_elem(&owners, &key);
	return 0;
}

#endif
