/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/tool.h"

BPF_IMAGE(sampleblind);

static const struct column columns[] = {
	{ "time", FIELD(struct rec, ts_ns), U_CLOCK, .help = "never shown" }, {}
};

static const struct probe probes[] = { { "the end of threads", { { { "sample_asks_nobody" } } } },
				       {} };

const struct tool tool_sampleblind = {
	.name = "sampleblind",
	.layer = "task",
	.summary = "threads that end, whoever is asked for",
	.text = "Counts threads that end, of all processes.",
	.kind = TOOL_EVENTS,
	.row = { "wrong", columns },
	.probes = probes,
	.image = &bpf_sampleblind,
};
