/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"
#include "bpf/calls/syscall.bpf.h"

#include "tests/sample/sampleevents.h"

const volatile struct sampleevents_cfg cfg;

SYSCALL_EXIT(sample_exit)
{
	struct sampleevents_event e = {};
	bool compat;
	u64 ids;

	e.call = REGS_NO_CALL(regs) ? 0 : syscall_entered(REGS_CALL(regs), &compat);
	if (!e.call)
		return 0;
	ids = current_ids();
	if (!target_match(ids))
		return 0;
	COUNT(generated);
	if (cfg.only && cfg.only != e.call) {
		COUNT(filtered);
		return 0;
	}
	rec_init(&e.rec, REC_ROW);
	e.pid = ids >> 32;
	e.tid = ids;
	e.ret = ret;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	emit(&e, sizeof(e));
	return 0;
}
