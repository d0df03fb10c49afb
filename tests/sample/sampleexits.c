/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/sampleexits.h"

#include "core/tool.h"

BPF_IMAGE(sampleexits);

#define E(member) FIELD(struct sampleexits_event, member)

static const struct column columns[] = { { "time", E(rec.ts_ns), U_CLOCK,
					   .help = "when the thread ended" },
					 { "pid", E(pid), U_ID, .help = "process" },
					 { "tid", E(tid), U_ID, .help = "thread" },
					 { "comm", E(comm), U_TEXT, .help = "command" },
					 {} };

static const struct probe probes[] = {
	{ "the end of threads", { { { "sample_exited" } }, { { "sample_exited_tp" } } } }, {}
};

const struct tool tool_sampleexits = {
	.name = "sampleexits",
	.layer = "task",
	.summary = "threads that end",
	.text = "One row per thread, when it ends.",
	.kind = TOOL_EVENTS,
	.row = { "exit", columns },
	.probes = probes,
	.image = &bpf_sampleexits,
};
