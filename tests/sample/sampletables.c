/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/sampletables.h"

#include "core/tool.h"

BPF_IMAGE(sampletables);

static const char *const calls[] = { "write", "getppid", NULL };

#define R(member) FIELD(struct sampletables_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "pid", R(key.pid), U_ID, .help = "process" },
	{ "calls", R(value.calls), U_COUNT, .help = "write() calls" },
	{ "bytes", R(value.bytes), U_BYTES, .help = "what was written" },
	{}
};

#define S(member) FIELD(struct sampletables_size_row, member)

static const struct column size_columns[] = {
	{ "log2", S(key.log2), U_ID, .help = "size, as a power of two" },
	{ "calls", S(value.calls), U_COUNT, .help = "write() calls of that size" },
	{ "bytes", S(value.bytes), U_BYTES, .help = "what they wrote" },
	{}
};

#define N(member) FIELD(struct sampletables_name_row, member)

static const struct column name_columns[] = { { "comm", N(key.comm), U_TEXT, .help = "command" },
					      { "calls", N(calls), U_COUNT,
						.help = "getppid() calls" },
					      {} };

static const struct drain sizes = {
	.map = "sizes",
	.key_size = sizeof(struct sampletables_size_key),
	.value_size = sizeof(struct sampletables_value),
};
static const struct drain names = {
	.map = "names",
	.others = "others_names",
	.key_size = sizeof(struct sampletables_name_key),
	.value_size = sizeof(__u64),
};

static const struct tool_table tables[] = { { "sizes",
					      { "size", size_columns },
					      "Sizes",
					      .again = true,
					      .kind = TOOL_TABLE,
					      .drain = &sizes },
					    { "names",
					      { "name", name_columns },
					      "Who asks for its parent",
					      .people = 4,
					      .kind = TOOL_TABLE,
					      .drain = &names },
					    {} };

static const struct probe probes[] = {
	{ "system calls", { { { "tables_exit" } }, { { "tables_exit_tp" } } } }, {}
};

const struct tool tool_sampletables = {
	.name = "sampletables",
	.layer = "syscall",
	.summary = "write() calls by process and by size, getppid() by command",
	.text = "Three tables per interval.",
	.kind = TOOL_TABLE,
	.row = { "writer", columns },
	.tables = tables,
	.probes = probes,
	.image = &bpf_sampletables,
	.calls = calls,
	.drain = { .map = "writers",
		   .key_size = sizeof(struct sampletables_key),
		   .value_size = sizeof(struct sampletables_value) },
};
