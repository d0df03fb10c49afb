/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/net/accept.bpf.h"

#include "tools/net/tcpaccept.h"

const volatile struct tcpaccept_cfg cfg;

SYSCALL_EXIT(accept_exit)
{
	struct tcpaccept_event e = {};
	struct accepted a;
	bool wanted;

	if (!accept_done(regs, ret, &a))
		return 0;
	wanted = target_match(a.ids);
	BOOK_OF_SOCK(cfg.check, a.sk, BOOK_OPENS, wanted, 1);
	if (!wanted)
		return 0;
	ends_of(a.sk, &e.ends);
	if (NOT_CHOSEN(cfg.choice, &e.ends)) {
		COUNT_EVENT(filtered);
		return 0;
	}
	rec_init(&e.rec, REC_ROW);
	owner_set(&e.owner, a.task, a.ids);
	emit_event(&e, sizeof(e));
	return 0;
}
