/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Not to be copied: nobody asks it whether a process is a target, which the engine must notice. */
#include "bpf/core/core.bpf.h"

SEC("tp_btf/sched_process_exit")
int sample_asks_nobody(void *ctx)
{
	(void)ctx;
	COUNT(generated);
	return 0;
}
