/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Not to be copied: it counts events and forgets what became of them, which the engine must notice.
 */
#include "bpf/core/filter.bpf.h"

CURRENT_EVENT(sample_forgets, "sched_process_exit")
{
	if (target_match(current_ids()))
		COUNT(generated);
	return 0;
}
