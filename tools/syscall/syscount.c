/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/syscount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows/syscalls.h"
#include "core/run/run.h"

BPF_IMAGE(syscount);

#define R(member) FIELD(struct syscount_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval, or of the run" },
	{ "pid", R(key.pid), U_ID, .width = 7, .flags = COL_KEY | COL_HIDDEN | COL_BLANK,
	  .help = "process (-P)" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY | COL_HIDDEN | COL_BLANK,
	  .help = "command (-P)" },
	{ "call", R(key.call), U_SYSCALL, .width = 22, .flags = COL_KEY,
	  .help = "system call; its number, where that is newer than this program" },
	{ "count", R(value.count), U_COUNT, .help = "calls" },
	{ "errors", R(value.errors), U_COUNT },
	{ "total", R(value.total_ns), U_NSEC, .help = "time in them, entry to return" },
	{ "avg", R(value.total_ns), U_NSEC, .of = R(value.count), .help = "its mean" },
	{ "max", R(value.max_ns), U_NSEC, .flags = COL_MAX, .help = "longest of them" },
	{}
};

/* --syscall read,write or --syscall 334: by name in either ABI, by number in the native one */
static bool parse_calls(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
			size_t size)
{
	struct syscount_cfg *cfg = cfg_;

	(void)spec;
	for (const char *p = arg; *p; p += strcspn(p, ","), p += *p != '\0') {
		size_t len = strcspn(p, ",");
		char name[64], *end;
		long number;
		int nr[2];

		snprintf(name, sizeof(name), "%.*s", (int)len, p);
		for (int abi = 0; abi < 2; abi++)
			nr[abi] = syscall_number(name, abi);
		number = strtol(name, &end, 10);
		if (*name >= '0' && *name <= '9' && !*end && number < SYSCALL_MAX)
			nr[0] = (int)number;
		if (nr[0] < 0 && nr[1] < 0) {
			snprintf(err, size, "\"%s\" is no system call; -l lists them", name);
			return false;
		}
		for (int abi = 0; abi < 2; abi++)
			if (nr[abi] >= 0)
				cfg->only[abi][nr[abi]] = 1;
	}
	cfg->selected = 1;
	return true;
}

static bool list_calls(struct run *run)
{
	const struct syscount_cfg *cfg = run_cfg(run);

	for (int nr = 0; cfg->list && nr < SYSCALL_MAX; nr++)
		if (syscall_name(nr, false))
			printf("%3d %s\n", nr, syscall_name(nr, false));
	return cfg->list;
}

#define CFG(member) FIELD(struct syscount_cfg, member)

static const char *const by_total[] = { "--sort", "total", NULL };

static const struct option_spec options[] = {
	{ "process", 'P', CFG(by_process), .kind = OPT_FLAG, .help = "count by process" },
	{ "failures", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only calls that failed" },
	{ "errno", 'e', CFG(err), U_ERRNO, .min = 1, .max = 4095, .arg = "ERR",
	  .help = "only calls that failed with this error: EPERM" },
	{ "latency", 'L', .kind = OPT_EXPAND, .names = by_total,
	  .help = "in the order of the time they took" },
	{ "syscall", 0, .kind = OPT_CUSTOM, .parse = parse_calls, .arg = "CALL[,CALL]",
	  .help = "only these system calls" },
	{ "ppid", 'c', CFG(ppid), U_ID, .min = 1, .arg = "PID",
	  .help = "only children of this process" },
	{ "list", 'l', CFG(list), .kind = OPT_FLAG, .help = "list the system calls, and exit" },
	{ "milliseconds", 'm', CFG(milliseconds), .kind = OPT_FLAG,
	  .help = "accepted: each duration has its unit" },
	{ "top-classic", 'T', .kind = OPT_RENAMED, .arg = "N",
	  .help = "-T is the time of day; so many rows are -r N" },
	{}
};

static const struct column_switch switches[] = { { CFG(by_process), "-call,+pid,+comm" }, {} };

/* Calls that return twice. */
static const char *const calls[] = { "fork", "vfork", "clone", "clone3", NULL };

static const struct probe probes[] = {
	{ "system calls",
	  { { { "count_enter", "count_exit", "count_gone" } },
	    { { "count_enter_tp", "count_exit_tp", "count_gone_tp" } } } },
	{}
};

static const struct tool_ops ops = { .answer = list_calls };

const struct tool tool_syscount = {
	.name = "syscount",
	.layer = "syscall",
	.summary = "system calls, how many, how long and how many in vain",
	.text = "All system calls that end while it runs, or that a thread dies in, by call or by\n"
		"process: at the end, or every -i. Calls of 32-bit programs stand apart. One that\n"
		"a signal interrupts and that goes on afterwards is one call.",
	.examples = "  iosonde syscount -- make            which calls a build makes\n"
		    "  iosonde syscount -L -p 1234         where a process spends its time\n"
		    "  iosonde syscount -P -e EAGAIN 1     who runs into EAGAIN, every second\n",
	.kind = TOOL_TABLE,
	.one_report = true,
	.row = { "syscall", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct syscount_cfg),
	.probes = probes,
	.image = &bpf_syscount,
	.calls = calls,
	.drain = { .map = "syscounts",
		   .key_size = sizeof(struct syscount_key),
		   .value_size = sizeof(struct syscount_value) },
	.ops = &ops,
};
