/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/runqslower.h"

#include "bpf/sched/runq.h"
#include "core/tool.h"

BPF_IMAGE(runqslower);

static const char *const causes[] = { "woken", "preempted", NULL };

#define E(member)   FIELD(struct runqslower_event, member)
#define CFG(member) FIELD(struct runqslower_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it got a CPU" },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "pid", E(pid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "tid", E(tid), U_ID, .width = 7 },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY,
	  .help = "from runnable to running" },
	{ "cause", E(preempted), U_ENUM, .width = 9, .names = causes,
	  .help = "woken (or new), or preempted: taken off its CPU" },
	{ "cpu_id", E(rec.cpu), U_ID, .width = 6, .classic = "cpu", .help = "the CPU that it got" },
	{ "prev_comm", E(prev_comm), U_TEXT, .width = 16, .flags = COL_HIDDEN,
	  .help = "who had that CPU until then (-P)" },
	{ "prev_pid", E(prev_pid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "prev_tid", E(prev_tid), U_ID, .width = 7, .flags = COL_HIDDEN,
	  .help = "its thread (-P); 0: the CPU was idle" },
	{}
};

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000, .deflt = "10ms", .arg = "DURATION",
	  .positional = true, .help = "only waits of at least this long; in us" },
	{ "previous", 'P', CFG(previous), .kind = OPT_FLAG,
	  .help = "show who had the CPU until then" },
	{}
};

static const struct column_switch switches[] = { { CFG(previous), "+prev_comm,+prev_tid" }, {} };
static const struct probe probes[] = { RUNQ_PROBES, {} };

const struct tool tool_runqslower = {
	.name = "runqslower",
	.layer = "sched",
	.summary = "threads that wait long for a CPU",
	.text = "One row per wait of at least 10 ms between being runnable and running: after a\n"
		"wake-up, after fork, and after the thread was taken off a CPU that it still\n"
		"wanted. Waits that began before tracing did are left out.",
	.examples = "  iosonde runqslower                   10 ms and more, everybody\n"
		    "  iosonde runqslower 1000 -P           1 ms and more, and who had the CPU\n"
		    "  iosonde runqslower -m 0 -p 1234 --by cause   every wait of a process\n",
	.kind = TOOL_EVENTS,
	.row = { "runq", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct runqslower_cfg),
	.probes = probes,
	.image = &bpf_runqslower,
};
