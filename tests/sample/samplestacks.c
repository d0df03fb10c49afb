/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/samplestacks.h"

#include "core/tool.h"

BPF_IMAGE(samplestacks);

/* What the engine makes of every stack. */
struct samplestacks_row {
	struct stacks_key key;
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
	{ "sum", R(stack.sum), U_COUNT, .help = "three for each" },
	{ "kstack", R(stack.kstack), U_STACK, .help = "kernel stack" },
	{}
};

static const struct option_spec options[] = { { "lose", 0, FIELD(struct samplestacks_cfg, lose),
						.kind = OPT_FLAG,
						.help = "as if the kernel's stacks found no room" },
					      {} };

static const struct probe probes[] = { { "blocking", { { { "blocked" } } } }, {} };

const struct tool tool_samplestacks = {
	.name = "samplestacks",
	.layer = "sched",
	.summary = "where processes block",
	.text = "Kernel stacks of threads that give up their CPU to wait, and how often.",
	.kind = TOOL_STACKS,
	.row = { "block", columns },
	.options = options,
	.cfg_size = sizeof(struct samplestacks_cfg),
	.probes = probes,
	.image = &bpf_samplestacks,
	.drain = { .map = "stack_counts",
		   .key_size = sizeof(struct stacks_key),
		   .value_size = sizeof(struct stacks_value),
		   .stack_maps = { "stacks", "second_stacks", "third_stacks" },
		   .kstack_id = FIELD(struct stacks_key, kstack) },
};
