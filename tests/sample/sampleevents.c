/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tests/sample/sampleevents.h"

#include "core/tool.h"

BPF_IMAGE(sampleevents);

static const char *const calls[] = { "getppid", "umask", NULL };
/* enum sample_call begins at 1 */
static const char *const call_names[] = { "", "getppid", "umask", NULL };
static const char *const only_names[] = { "both", "getppid", "umask", NULL };

#define E(member) FIELD(struct sampleevents_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "pid", E(pid), U_ID, .help = "process" },
	{ "tid", E(tid), U_ID, .flags = COL_HIDDEN, .help = "thread" },
	{ "comm", E(comm), U_TEXT, .help = "command" },
	{ "call", E(call), U_ENUM, .names = call_names, .help = "system call" },
	{ "ret", E(ret), U_COUNT, .help = "what the call returned" },
	{}
};

static const struct option_spec options[] = {
	{ "call", 'c', FIELD(struct sampleevents_cfg, only), .kind = OPT_CHOICE,
	  .names = only_names, .arg = "CALL", .deflt = "both", .help = "getppid, umask or both" },
	{}
};

static const struct probe probes[] = {
	{ "system calls", { { { "sample_exit" } }, { { "sample_exit_tp" } } } }, {}
};

const struct tool tool_sampleevents = {
	.name = "sampleevents",
	.layer = "syscall",
	.summary = "getppid() and umask() calls",
	.text = "One row per getppid() or umask() call, when it returns.",
	.kind = TOOL_EVENTS,
	.row = { "sample", columns },
	.options = options,
	.cfg_size = sizeof(struct sampleevents_cfg),
	.probes = probes,
	.image = &bpf_sampleevents,
	.calls = calls,
};
