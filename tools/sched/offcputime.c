/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/offcputime.h"

#include <stdio.h>
#include <string.h>

#include "core/tool.h"

BPF_IMAGE(offcputime);

/* What the engine makes of every stack. */
struct offcputime_row {
	struct stacks_key key;
	struct stack_row stack;
	__u64 ts_ns;
};

static const char *const causes[] = { "", "blocked", "preempted", NULL };

#define R(member)   FIELD(struct offcputime_row, member)
#define CFG(member) FIELD(struct offcputime_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY },
	{ "cause", R(key.cause), U_ENUM, .names = causes, .flags = COL_KEY,
	  .help = "it waited for something (blocked), or for a CPU again (preempted)" },
	{ "total", R(stack.sum), U_NSEC, .help = "time off the CPU there" },
	{ "count", R(stack.count), U_COUNT, .help = "how many times" },
	{ "kstack", R(stack.kstack), U_STACK },
	{ "ustack", R(stack.ustack), U_STACK },
	{ "waker", R(key.other), U_TEXT, .flags = COL_KEY | COL_BLANK | COL_ASKED | COL_HIDDEN,
	  .help = "command that ended the wait, or was interrupted by what did (--wakers)" },
	{ "wstack", R(stack.wstack), U_STACK, .flags = COL_ASKED | COL_HIDDEN,
	  .help = "its kernel stack (--wakers)" },
	{}
};

/* A number of a task's state, as the kernel has it. */
static bool parse_state(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
			size_t err_size)
{
	struct offcputime_cfg *cfg = cfg_;
	uint64_t states;
	const char *why;

	(void)spec;
	if (unit_parse(U_COUNT, arg, strlen(arg), 1, &states, &why) && states < 1U << 16) {
		cfg->with_state = 1;
		cfg->states = states;
		return true;
	}
	snprintf(err, err_size,
		 "\"%s\" is no state of a thread: 0 is runnable, 1 interruptible, 2 "
		 "uninterruptible sleep; bits add up",
		 arg);
	return false;
}

static const struct option_spec options[] = {
	{ "min-block-time", 'm', CFG(min_ns), U_NSEC, .bare = 1000, .deflt = "1us",
	  .arg = "DURATION", .help = "only times of at least this; a bare number is in us" },
	{ "max-block-time", 'M', CFG(max_ns), U_NSEC, .bare = 1000, .arg = "DURATION",
	  .help = "and of at most this" },
	{ "state", 0, CFG(states), .kind = OPT_CUSTOM, .parse = parse_state, .arg = "BITS",
	  .help = "only in these states: 0 runnable, 1 interruptible, 2 uninterruptible" },
	{ "user-stacks-only", 'U', CFG(user_only), .kind = OPT_FLAG, .help = "no kernel stacks" },
	USTACK_OPTION(CFG(dwarf)),
	{ "kernel-stacks-only", 'K', CFG(kernel_only), .kind = OPT_FLAG, .help = "no user stacks" },
	{ "wakers", 0, CFG(wakers), .kind = OPT_FLAG,
	  .help = "who ended each wait, too, with the kernel stack: above a --, upside down" },
	{}
};

static const struct column_switch switches[] = { { CFG(wakers), "+waker,+wstack" }, {} };

static const struct map_spec maps[] = { USTACK_MAPS(CFG(dwarf)), {} };

static const struct probe probes[] = {
	{ "the scheduler", { { { "offcputime_switch" } } } },
	{ "wake-ups", { { { "offcputime_waking" } } }, .when = CFG(wakers) },
	{}
};

static const char *const wakers_words[] = { "--wakers", NULL };

static const struct tool_alias aliases[] = {
	{ "offwaketime", "waits, and who ended them: offcputime --wakers", wakers_words },
	{ "wakeuptime", "the same", wakers_words },
	{}
};

const struct tool tool_offcputime = {
	.name = "offcputime",
	.layer = "sched",
	.summary = "time off the CPU by stack: blocked, or preempted",
	.text = "Adds up how long threads were off their CPU, by the stack with which they left\n"
		"it. A time is counted when it ends: a thread that never runs again isn't there.\n"
		"User frames of programs built without frame pointers, as most are, end early\n"
		"without --ustack=dwarf, which copies up to 28 KiB of stack at each switch.",
	.examples =
		"  iosonde offcputime -d 10               ten seconds of everybody\n"
		"  iosonde offcputime --tree -- make      a program's waits as a tree of calls\n"
		"  iosonde offcputime -f -d 30 > out.txt  for a flame graph, in microseconds\n"
		"  iosonde offcputime --wakers -p 1234    and who ended each wait\n",
	.kind = TOOL_STACKS,
	.row = { "offcpu", columns },
	.options = options,
	.switches = switches,
	.aliases = aliases,
	.cfg_size = sizeof(struct offcputime_cfg),
	.probes = probes,
	.image = &bpf_offcputime,
	.maps = maps,
	.drain = { STACKS_DRAIN_MEMBERS, .wstack_id = FIELD(struct stacks_key, wstack),
		   .dwarf = CFG(dwarf) },
};
