/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/tool.h"
#include "tools/sched/sched_hist.h"
#include "tools/sched/sched_tables.h"

BPF_IMAGE(cpudist);

static const struct option_spec options[] = {
	{ "offcpu", 0, SCHED_CFG(off_cpu), .kind = OPT_FLAG,
	  .help = "time off the CPU instead of on it: blocked, or waiting for one" },
	{ "off", 'O', .kind = OPT_RENAMED,
	  .help = "time off the CPU is --offcpu; -O FILE is where rows go" },
	{ "include-idle", 'I', SCHED_CFG(idle), .kind = OPT_FLAG,
	  .help = "the CPUs' idle time as well, whose process is 0" },
	SCHED_HIST_OPTIONS,
	{ "extension", 'e', SCHED_CFG(extended), .kind = OPT_FLAG,
	  .help = "what ended by blocking and by preemption apart, and figures below" },
	{}
};

static const struct probe probes[] = { { "the scheduler", { { { "cpudist_switch" } } } }, {} };

const struct tool tool_cpudist = {
	.name = "cpudist",
	.layer = "sched",
	.summary = "how long threads stay on a CPU, or off it, as a histogram",
	.text = "Counts stretches of time on a CPU, from being switched in to being switched\n"
		"out, however they ended. A stretch is counted when it ends: a thread that never\n"
		"leaves its CPU isn't there. With --offcpu, those off the CPU that ended.",
	.examples = "  iosonde cpudist -d 10              ten seconds of everybody\n"
		    "  iosonde cpudist -P -e 1            per process, with figures, every second\n"
		    "  iosonde cpudist --offcpu -- make   a program's time off the CPU\n",
	.kind = TOOL_HISTOGRAM,
	.row = { "cpudist", sched_hist_columns },
	.switches = sched_hist_switches,
	.options = options,
	.cfg_size = sizeof(struct sched_hist_cfg),
	.probes = probes,
	.image = &bpf_cpudist,
	.maps = sched_hist_maps,
	.ops = &sched_hist_ops,
	.drain = SCHED_HIST_DRAIN,
};
