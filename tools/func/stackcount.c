/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/stackcount.h"

#include "core/tool.h"

BPF_IMAGE(stackcount);

/* What the engine makes of every stack. */
struct stackcount_row {
	struct stacks_key key;
	struct stack_row stack;
	__u64 ts_ns;
	struct many_row target;
};

#define R(member)   FIELD(struct stackcount_row, member)
#define CFG(member) FIELD(struct stackcount_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY | COL_BLANK,
	  .help = "process; none with -K, unless -P is given" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK, .help = "its command" },
	{ "index", R(key.cause), U_ID, .flags = COL_KEY | COL_HIDDEN,
	  .help = "number of the function among those that were asked for, from 1 on" },
	{ "function", R(target.name), U_TEXT, .width = 26,
	  .help = "function, tracepoint or event that was hit" },
	{ "hook", R(target.how), U_TEXT, .flags = COL_HIDDEN, .help = "how it was hooked" },
	{ "count", R(stack.count), U_COUNT, .help = "how often, with these stacks" },
	{ "kstack", R(stack.kstack), U_STACK },
	{ "ustack", R(stack.ustack), U_STACK },
	{}
};

/* Later ones win. */
static const struct column_switch switches[] = { { CFG(kernel_only), "-pid,-comm" },
						 { CFG(per_process), "+pid,+comm" },
						 {} };

static const struct option_spec options[] = {
	{ "kernel-stacks-only", 'K', CFG(kernel_only), .kind = OPT_FLAG,
	  .help = "no user stacks: those of all processes add up" },
	{ "user-stacks-only", 'U', CFG(user_only), .kind = OPT_FLAG, .help = "no kernel stacks" },
	{ "perpid", 'P', CFG(per_process), .kind = OPT_FLAG,
	  .help = "with -K: those of each process apart" },
	{ "cpu", 'c', CFG(cpu), .kind = OPT_CUSTOM, .parse = option_cpu, .arg = "CPU",
	  .help = "only on this CPU" },
	{ "stack-storage-size", 0, CFG(stacks), U_COUNT, .min = 1, .max = 1 << 20, .deflt = "16384",
	  .arg = "N", .help = "room for so many different stacks" },
	{ "hash-storage-size", 0, CFG(counts), U_COUNT, .min = 1, .max = 1 << 20, .deflt = "10240",
	  .arg = "N", .help = "and for so many different rows; what has none is in (others)" },
	{ "total-duration", 'D', .kind = OPT_RENAMED, .help = "-d DURATION ends the run" },
	{ "offset", 's', .kind = OPT_RENAMED,
	  .help = "-s COLUMN is an order, and offsets are always there: -K 'tcp_send*'" },
	{ "delimited", 'd', .kind = OPT_RENAMED,
	  .help = "-d DURATION ends the run; stacks stand apart without it, and with -f -a marks "
		  "the kernel's; -P -T and -i are written without it" },
	{}
};

static const struct map_spec maps[] = { { .prefix = "stacks", .entries = CFG(stacks) },
					{ .prefix = "stack_counts", .entries = CFG(counts) },
					{} };

static const struct probe probes[] = { { "functions", { { { "stackcount_hit" } } } }, {} };

const struct tool tool_stackcount = {
	.name = "stackcount",
	.layer = "func",
	.summary = "stacks that lead to a kernel function, tracepoint or event",
	.text = "Counts the calls of the functions that PATTERN selects by the stacks that led\n"
		"there: the kernel's, the user's, and whose. 't:block:*' are tracepoints, which\n"
		"need no hook on a function; 'e:page-faults' is an event that perf counts.\n"
		"User frames of programs built without frame pointers end early.",
	.examples =
		"  iosonde stackcount submit_bio                      until interrupted\n"
		"  iosonde stackcount -K -d 10 'tcp_send*'            of all processes together\n"
		"  iosonde stackcount --tree vfs_write -- make        a program's, as a tree\n"
		"  iosonde stackcount --svg g.svg t:block:block_rq_issue -- sync\n",
	.kind = TOOL_STACKS,
	.row = { "stack", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct stackcount_cfg),
	.probes = probes,
	.image = &bpf_stackcount,
	.no_by = "--by: stacks are counted by the process and function already; -p, -n, --cgroup "
		 "or -- COMMAND choose whose they are",
	.maps = maps,
	.drain = { STACKS_DRAIN_MEMBERS, .target = FIELD(struct stacks_key, cause) },
	.many = { .prog = "stackcount_hit", .functions = true },
};
