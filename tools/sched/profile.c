/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/profile.h"

#include "core/tool.h"

BPF_IMAGE(profile);

/* What the engine makes of every stack. */
struct profile_row {
	struct stacks_key key;
	struct stack_row stack;
	__u64 ts_ns;
};

#define R(member)   FIELD(struct profile_row, member)
#define CFG(member) FIELD(struct profile_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY },
	{ "count", R(stack.count), U_COUNT, .help = "samples: how often it was found there" },
	{ "kstack", R(stack.kstack), U_STACK },
	{ "ustack", R(stack.ustack), U_STACK },
	{}
};

static const struct option_spec options[] = {
	{ "frequency", 'F', CFG(hz), U_COUNT, .min = 1, .max = 100000, .deflt = "99", .arg = "HZ",
	  .help = "samples a second on each CPU" },
	{ "period", 'c', CFG(period_ns), U_NSEC, .min = 10000, .arg = "DURATION",
	  .help = "a sample each so long, instead; a bare number is in ns" },
	{ "cpu", 'C', CFG(cpu), .kind = OPT_CUSTOM, .parse = option_cpu, .arg = "CPU",
	  .help = "only on this CPU" },
	{ "include-idle", 'I', CFG(idle), .kind = OPT_FLAG, .help = "idle CPUs, too" },
	{ "user-stacks-only", 'U', CFG(user_only), .kind = OPT_FLAG, .help = "no kernel stacks" },
	USTACK_OPTION(CFG(dwarf)),
	{ "kernel-stacks-only", 'K', CFG(kernel_only), .kind = OPT_FLAG, .help = "no user stacks" },
	{ "stack-storage-size", 0, CFG(stacks), U_COUNT, .min = 1, .max = 1 << 20, .deflt = "16384",
	  .arg = "N", .help = "room for so many different stacks" },
	{ "hash-storage-size", 0, CFG(counts), U_COUNT, .min = 1, .max = 1 << 20, .deflt = "10240",
	  .arg = "N", .help = "and for so many different places; what has none is in (others)" },
	{ "thread", 'L', .kind = OPT_RENAMED, .help = "a thread is -t TID" },
	{ "delimited", 'd', .kind = OPT_RENAMED,
	  .help = "-d DURATION ends the run; with -f, -a marks the kernel's frames" },
	{}
};

static const struct map_spec maps[] = { { .prefix = "stacks", .entries = CFG(stacks) },
					{ .prefix = "stack_counts", .entries = CFG(counts) },
					USTACK_MAPS(CFG(dwarf)),
					{} };

static const struct probe probes[] = { { "a clock on each CPU", { { { "profile_sample" } } } },
				       {} };

const struct tool tool_profile = {
	.name = "profile",
	.layer = "sched",
	.summary = "where threads use the CPU: stacks, 99 times a second",
	.text = "Looks at every CPU 99 times a second and counts the stacks that it finds there,\n"
		"by function; idle CPUs are left out. The clock is a timer of the kernel, so no\n"
		"counter of the processor is needed. What runs with interrupts off is found where\n"
		"they come on again. The kernel takes no sample while it runs another program of\n"
		"BPF there. User frames of programs built without frame pointers, as most are,\n"
		"end early without --ustack=dwarf, which has a cost: docs/stacks.md.",
	.examples = "  iosonde profile 10                       ten seconds of everybody\n"
		    "  iosonde profile --tree -- make           a program's functions as a tree\n"
		    "  iosonde profile --root ksys_read -p 123  what runs under a function\n"
		    "  iosonde profile --svg graph.svg 30       a flame graph\n",
	.kind = TOOL_STACKS,
	.row = { "sample", columns },
	.options = options,
	.cfg_size = sizeof(struct profile_cfg),
	.probes = probes,
	.image = &bpf_profile,
	.maps = maps,
	.sample = { CFG(hz), CFG(period_ns), CFG(idle), CFG(cpu) },
	.drain = { STACKS_DRAIN_MEMBERS, .ip = FIELD(struct stacks_key, ip), .by_function = true,
		   .dwarf = CFG(dwarf) },
};
