/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/samplestacks.h"

#include "core/tool.h"

BPF_IMAGE(samplestacks);

/* What the engine makes of every stack. */
struct samplestacks_row {
	struct samplestacks_key key;
	struct stack_row stack;
	__u64 ts_ns;
};

#define R(member) FIELD(struct samplestacks_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY, .help = "process" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY, .help = "command" },
	{ "count", R(stack.count), U_COUNT, .help = "times it blocked there" },
	{ "kstack", R(stack.kstack), U_STACK, .help = "kernel stack" },
	{}
};

static const struct probe probes[] = { { "blocking", { { { "blocked" } } } }, {} };

const struct tool tool_samplestacks = {
	.name = "samplestacks",
	.layer = "sched",
	.summary = "where processes block",
	.text = "Kernel stacks of threads that give up their CPU to wait, and how often.",
	.kind = TOOL_STACKS,
	.row = { "block", columns },
	.probes = probes,
	.image = &bpf_samplestacks,
	.drain = { .map = "counts",
		   .key_size = sizeof(struct samplestacks_key),
		   .value_size = sizeof(__u64),
		   .stack_map = "stacks",
		   .kstack_id = FIELD(struct samplestacks_key, kstack) },
};
