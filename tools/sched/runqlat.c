/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "bpf/sched/runq.h"
#include "core/tool.h"
#include "tools/sched/sched_hist.h"
#include "tools/sched/sched_tables.h"

BPF_IMAGE(runqlat);

static const struct option_spec options[] = {
	SCHED_HIST_OPTIONS,
	{ "extension", 'e', SCHED_CFG(extended), .kind = OPT_FLAG,
	  .help = "waits after a wake-up and after preemption apart, and figures below" },
	{}
};

static const struct probe probes[] = { RUNQ_PROBES, {} };

const struct tool tool_runqlat = {
	.name = "runqlat",
	.layer = "sched",
	.summary = "how long threads wait for a CPU, as a histogram",
	.text = "Counts waits by the time between being runnable and running: after a wake-up,\n"
		"after fork, and after the thread was taken off a CPU that it still wanted. Waits\n"
		"that began before tracing did are left out.",
	.examples = "  iosonde runqlat -d 10              ten seconds of everybody\n"
		    "  iosonde runqlat -P -e 1            per process, with figures, every second\n"
		    "  iosonde runqlat -m -- make         a program's own, in milliseconds\n",
	.kind = TOOL_HISTOGRAM,
	.row = { "runq", sched_hist_columns },
	.switches = sched_hist_switches,
	.options = options,
	.cfg_size = sizeof(struct sched_hist_cfg),
	.probes = probes,
	.image = &bpf_runqlat,
	.maps = sched_hist_maps,
	.ops = &sched_hist_ops,
	.drain = SCHED_HIST_DRAIN,
};
