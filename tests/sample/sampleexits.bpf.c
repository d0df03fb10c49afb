/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/core/filter.bpf.h"

#include "tests/sample/sampleexits.h"

/* A thread is a target to its very end: here, too, whichever programs ran before this one. */
CURRENT_EVENT(sample_exited, "sched_process_exit")
{
	struct sampleexits_event e = {};
	u64 ids = current_ids();

	if (!target_match(ids))
		return 0;
	rec_init(&e.rec, REC_ROW);
	e.pid = ids >> 32;
	e.tid = ids;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	emit_event(&e, sizeof(e));
	return 0;
}
