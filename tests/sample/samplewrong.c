/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/tool.h"

BPF_IMAGE(samplewrong);

static const struct column columns[] = {
	{ "time", FIELD(struct rec, ts_ns), U_CLOCK, .help = "never shown" }, {}
};

static const struct probe probes[] = {
	{ "the end of threads", { { { "sample_forgets" } }, { { "sample_forgets_tp" } } } }, {}
};

const struct tool tool_samplewrong = {
	.name = "samplewrong",
	.layer = "task",
	.summary = "an account that doesn't add up",
	.text = "Counts threads that end, and neither shows nor filters nor loses them.",
	.kind = TOOL_EVENTS,
	.row = { "wrong", columns },
	.probes = probes,
	.image = &bpf_samplewrong,
};
