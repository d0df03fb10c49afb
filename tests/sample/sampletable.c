/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/sampletable.h"

#include "core/tool.h"

BPF_IMAGE(sampletable);

static const char *const calls[] = { "write", NULL };

#define R(member) FIELD(struct sampletable_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY, .help = "process" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY, .help = "command" },
	{ "calls", R(value.calls), U_COUNT, .help = "write() calls" },
	{ "errors", R(value.errors), U_COUNT, .help = "those that failed" },
	{ "bytes", R(value.bytes), U_BYTES, .help = "what was written" },
	{ "largest", R(value.largest), U_BYTES, .flags = COL_MAX, .help = "most in one call" },
	{}
};

static const struct probe probes[] = {
	{ "system calls", { { { "write_exit" } }, { { "write_exit_tp" } } } }, {}
};

const struct tool tool_sampletable = {
	.name = "sampletable",
	.layer = "syscall",
	.summary = "write() calls by process",
	.text = "One row per process and interval that called write().",
	.kind = TOOL_TABLE,
	.row = { "writer", columns },
	.probes = probes,
	.image = &bpf_sampletable,
	.calls = calls,
	.drain = { .map = "writers",
		   .key_size = sizeof(struct sampletable_key),
		   .value_size = sizeof(struct sampletable_value) },
};
