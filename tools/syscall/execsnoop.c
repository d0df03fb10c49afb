/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/execsnoop.h"

#include "core/tool.h"

BPF_IMAGE(execsnoop);

static const char *const calls[] = { "execve", "execveat", "-kernel", NULL };
static const char *const call_names[] = { "", "execve", "execveat", "kernel", NULL };
static const char *const line_column[] = { "args", NULL };

#define E(member) FIELD(struct exec_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "comm", E(comm), U_TEXT, .width = 16, .classic = "pcomm",
	  .help = "command: the new one; where the call failed, that which made it" },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "thread, after the call" },
	{ "ppid", E(ppid), U_ID, .width = 7 },
	{ "user", E(uid), U_USER, .help = "user, after the call" },
	COLUMN_MNTNS(E(mntns)),
	{ "call", E(call), U_ENUM, .flags = COL_HIDDEN, .names = call_names,
	  .help = "execve, or execveat, which fexecve() uses; kernel: it was started without one" },
	{ "ret", E(ret), U_COUNT, .width = 4, .keep = 1 },
	{ "err", E(ret), U_ERRNO, .width = 8 },
	{ "path", E(file), U_PATH, .flags = COL_HIDDEN,
	  .help = "as passed; /dev/fd/N with a descriptor alone" },
	{ "cwd", E(cwd), U_PATH, .flags = COL_HIDDEN, .enable = FIELD(struct exec_cfg, cwd),
	  .help = "working directory (-e)" },
	{ "exe", E(exe), U_PATH, .flags = COL_HIDDEN, .enable = FIELD(struct exec_cfg, exe),
	  .help = "absolute path of the binary: of a script, its interpreter (-e)" },
	{ "args", E(args), U_ARGS, .flags = COL_WIDE,
	  .help = "arguments as the new program got them; as passed where the call failed" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

#define CFG(member) FIELD(struct exec_cfg, member)

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only calls that failed" },
	{ "max-args", 0, CFG(max_args), U_COUNT, .min = 1, .deflt = "20", .arg = "N",
	  .help = "arguments to show; what is beyond ends in \"...\"" },
	{ "quote", 'q', CFG(quote), .kind = OPT_FLAG,
	  .help = "arguments in quotes: tells empty ones, and those with blanks" },
	{ "line", 'l', .kind = OPT_TERM, .names = line_column, .arg = "TEXT",
	  .help = "only command lines that contain this" },
	{ "ppid", 'P', CFG(ppid), U_ID, .min = 1, .arg = "PID",
	  .help = "only children of this process" },
	{ "extended", 'e', CFG(show_extended), .kind = OPT_FLAG,
	  .help = "show working directory and binary" },
	{ "print-uid", 'U', CFG(show_uid), .kind = OPT_FLAG,
	  .help = "accepted: the user is always shown" },
	{ "fails", 0, .kind = OPT_RENAMED,
	  .help = "failed calls are always shown; --failed shows only them" },
	{ "time", 0, .kind = OPT_RENAMED, .help = "the time of day is -T" },
	{ "timestamp", 't', .kind = OPT_RENAMED,
	  .help = "the time is always shown, -T makes it the time of day; -t TID is a thread" },
	{}
};

static const struct column_switch switches[] = { { CFG(show_extended), "+cwd,+exe" }, {} };

static const struct probe probes[] = { { "system calls",
					 { { { "exec_enter", "exec_exit" } },
					   { { "exec_enter_tp", "exec_exit_tp" } } } },
				       { "programs that the kernel starts",
					 { { { "exec_by_kernel" } }, { { "exec_by_kernel_tp" } } },
					 .without = "programs that the kernel itself starts are "
						    "not seen" },
				       {} };

const struct tool tool_execsnoop = {
	.name = "execsnoop",
	.layer = "syscall",
	.summary = "programs as they are started, and those that can't be",
	.text = "One row per execve() and execveat(), when it returns. ARGS is what the new "
		"program\n"
		"got: for a script, its interpreter comes first. Where the call failed it is what\n"
		"was passed, with ? for what wasn't in memory. Up to 16 KiB of arguments are "
		"kept.\n"
		"Programs that the kernel itself starts (core_pattern, modprobe) are CALL kernel.\n"
		"Targets are those of the new program: -n is its name. With -- COMMAND, its own\n"
		"start is the first row.",
	.examples = "  iosonde execsnoop -- make           every program that a build starts\n"
		    "  iosonde execsnoop -x                what can't be started, and why\n"
		    "  iosonde execsnoop -l /etc/cron      command lines with /etc/cron in them\n"
		    "  iosonde execsnoop -e -P 1234  with directory and binary, children of "
		    "1234\n",
	.kind = TOOL_EVENTS,
	.row = { "exec", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct exec_cfg),
	.probes = probes,
	.image = &bpf_execsnoop,
	.calls = calls,
};
