/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/exitsnoop.h"

#include <stdio.h>
#include <string.h>

#include "core/tool.h"

BPF_IMAGE(exitsnoop);

/* By number, as on x86 and arm64; beyond them are the real-time signals. */
static const char *const signals[] = { "",	  "SIGHUP",    "SIGINT",  "SIGQUIT",  "SIGILL",
				       "SIGTRAP", "SIGABRT",   "SIGBUS",  "SIGFPE",   "SIGKILL",
				       "SIGUSR1", "SIGSEGV",   "SIGUSR2", "SIGPIPE",  "SIGALRM",
				       "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",  "SIGSTOP",
				       "SIGTSTP", "SIGTTIN",   "SIGTTOU", "SIGURG",   "SIGXCPU",
				       "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGPOLL",
				       "SIGPWR",  "SIGSYS",    NULL };
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]) - 1)
#define SIG_RTMIN 32 /* the kernel's, and signal(7)'s; glibc keeps two for itself */

/* The signal's name; SIGRTMIN+3 for one that has none of its own. */
static void render_signal(const void *rec, size_t len, char *scratch, struct value *out)
{
	struct exit_event e;

	out->kind = V_NONE;
	if (len < sizeof(e))
		return;
	memcpy(&e, rec, sizeof(e));
	if (!e.sig)
		return;
	if (e.sig < N_SIGNALS)
		snprintf(scratch, VALUE_SCRATCH, "%s", signals[e.sig]);
	else
		snprintf(scratch, VALUE_SCRATCH, "SIGRTMIN+%u", e.sig - SIG_RTMIN);
	out->kind = V_BYTES;
	out->bytes.p = scratch;
	out->bytes.len = strlen(scratch);
}

#define E(member)   FIELD(struct exit_event, member)
#define CFG(member) FIELD(struct exit_cfg, member)

static const char *const yes[] = { "", "core", NULL };

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it ended" },
	{ "comm", E(comm), U_TEXT, .width = 16, .classic = "pcomm" },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "ppid", E(ppid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .help = "thread: the last one of its process" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "age", E(age_ns), U_NSEC, .width = 7, .flags = COL_LATENCY,
	  .help = "since the process, or the thread, was created" },
	{ "code", E(code), U_COUNT, .width = 4, .flags = COL_OPTIONAL,
	  .help = "exit status; none where a signal ended it" },
	{ "signal", E(sig), U_TEXT, .width = 9, .render = render_signal,
	  .help = "the signal that ended it" },
	{ "core", E(core), U_ENUM, .flags = COL_BLANK, .names = yes,
	  .help = "it left a core dump" },
	{}
};

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG,
	  .help = "only what ended by a signal or with a status other than 0" },
	{ "per-thread", 0, CFG(threads), .kind = OPT_FLAG,
	  .help = "every thread's end, not only that of a process's last one" },
	{ "timestamp", 't', .kind = OPT_RENAMED,
	  .help = "the time is always shown, -T makes it the time of day; -t TID is a thread" },
	{ "utc", 0, .kind = OPT_RENAMED, .help = "the time of day, with its zone, is -T" },
	{ "label", 0, .kind = OPT_RENAMED,
	  .help = "lines have no label; in JSON each has a type: -o json" },
	{}
};

static const struct probe probes[] = { { "exits", { { { "exit_done" } }, { { "exit_done_tp" } } } },
				       {} };

const struct tool tool_exitsnoop = {
	.name = "exitsnoop",
	.layer = "sched",
	.summary = "programs as they end, and what ended them",
	.text = "One row per process, when its last thread ends, with what wait() tells its\n"
		"parent: a status, or a signal. AGE is the time since it was forked. With\n"
		"-- COMMAND its own end is the last row of it.",
	.examples = "  iosonde exitsnoop -x                 what fails or crashes, everywhere\n"
		    "  iosonde exitsnoop -- make            every program of a build as it ends\n"
		    "  iosonde exitsnoop --where 'age < 10ms' --by comm   short-lived programs\n",
	.kind = TOOL_EVENTS,
	.row = { "exit", columns },
	.options = options,
	.cfg_size = sizeof(struct exit_cfg),
	.probes = probes,
	.image = &bpf_exitsnoop,
};
