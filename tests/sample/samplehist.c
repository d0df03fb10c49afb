/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/samplehist.h"

#include "core/tool.h"

BPF_IMAGE(samplehist);

static const char *const calls[] = { "write", NULL };

/* What the engine makes of every slot in use. */
struct samplehist_row {
	struct samplehist_key key;
	struct hist_row slot;
	__u64 ts_ns;
};

#define R(member) FIELD(struct samplehist_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY, .help = "process" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY, .help = "command" },
	{ "low", R(slot.low), U_BYTES, .help = "least size in the slot" },
	{ "high", R(slot.high), U_BYTES, .help = "largest size in the slot" },
	{ "count", R(slot.count), U_COUNT, .help = "write() calls of such a size" },
	{ "share", R(slot.share), U_SHARE, .help = "of the largest slot" },
	{}
};

static const struct probe probes[] = {
	{ "system calls", { { { "write_enter" } }, { { "write_enter_tp" } } } }, {}
};

const struct tool tool_samplehist = {
	.name = "samplehist",
	.layer = "syscall",
	.summary = "sizes that write() was asked for",
	.text = "A histogram per process of the bytes that write() was asked to write.",
	.kind = TOOL_HISTOGRAM,
	.row = { "size", columns },
	.probes = probes,
	.image = &bpf_samplehist,
	.calls = calls,
	.drain = { .map = "sizes",
		   .key_size = sizeof(struct samplehist_key),
		   .value_size = sizeof(struct samplehist_value) },
};
