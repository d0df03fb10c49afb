/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/funclatency.h"

#include "core/run/run.h"
#include "core/tool.h"

BPF_IMAGE(funclatency);

struct funclatency_row {
	struct funclatency_key key;
	struct hist_row slot;
	__u64 ts_ns;
	struct many_row target;
};

struct funclatency_total {
	struct funclatency_key key;
	struct hist_stats stats;
	__u64 ts_ns;
	struct many_row target;
};

#define R(member)   FIELD(struct funclatency_row, member)
#define T(member)   FIELD(struct funclatency_total, member)
#define CFG(member) FIELD(struct funclatency_cfg, member)

/* clang-format off */
#define KEY_COLUMNS(F, W)                                                                             \
	{ "index", F(key.target), U_ID, .flags = COL_KEY | COL_HIDDEN,                             \
	  .help = "number of the pattern, or with -F of the function, from 1 on" },                \
	{ "function", F(target.name), U_TEXT, .width = W, .flags = COL_KEY,                       \
	  .help = "pattern, or with -F function" }
/* clang-format on */

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	KEY_COLUMNS(R, 26),
	SLOT_COLUMNS(R, U_NSEC, "latency", "calls"),
	{}
};

static const struct column totals[] = {
	{ "time", T(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", T(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	KEY_COLUMNS(T, 14),
	{ "count", T(stats.count), U_COUNT, .help = "calls" },
	{ "total", T(stats.sum), U_NSEC, .help = "sum of their latencies" },
	STATS_COLUMNS(T, U_NSEC),
	{}
};

static const struct option_spec options[] = {
	{ "function-each", 'F', CFG(apart), .kind = OPT_FLAG,
	  .help = "a histogram per function, instead of one per pattern" },
	{ "extension", 'e', CFG(totals), .kind = OPT_FLAG,
	  .help = "count, total, average, least, largest and percentiles below" },
	{ "microseconds", 0, CFG(unit), .kind = OPT_FLAG, .value = FUNCLATENCY_USECS,
	  .help = "slots of microseconds instead of nanoseconds" },
	{ "milliseconds", 'm', CFG(unit), .kind = OPT_FLAG, .value = FUNCLATENCY_MSECS,
	  .help = "slots of milliseconds" },
	{ "fine", 0, CFG(fine), .kind = OPT_FLAG, .help = "eight slots per doubling" },
	{ "linear", 0, CFG(linear_ns), U_NSEC, .bare = 1, .min = 1, .arg = "WIDTH",
	  .help = "slots of this width; the 496th counts everything above" },
	{ "microseconds-classic", 'u', .kind = OPT_RENAMED,
	  .help = "-u USER is a target; microseconds are --microseconds" },
	{ "level", 'l', .kind = OPT_RENAMED, .help = "nested calls count, however deep they are" },
	{}
};

static const struct probe probes[] = {
	{ "functions", { { { "funclatency_enter", "funclatency_leave" } } } }, {}
};

static bool prepare(struct run *run)
{
	static const enum hist_scale scales[] = { HIST_NSECS, HIST_USECS, HIST_MSECS };
	struct funclatency_cfg *cfg = run_cfg(run);

	cfg->scale = scales[cfg->unit];
	return true;
}

static const struct tool_ops ops = { .prepare = prepare };

static const struct hist_style style = {
	.scale_of = CFG(scale),
	.linear = CFG(linear_ns),
	.fine = CFG(fine),
	.totals = { "latency_total", totals },
	.show_totals = CFG(totals),
};

const struct tool tool_funclatency = {
	.name = "funclatency",
	.layer = "func",
	.summary = "how long kernel functions take, as a histogram",
	.text = "Times every call of the functions that PATTERN selects, from its entry to its\n"
		"return; nested ones each. Calls under way at the begin or the end are left out.\n"
		"sys_NAME is a system call, and 't:irq:softirq_*' are pairs of tracepoints that a\n"
		"thread passes one after the other (_enter, _entry, _begin, _start and their\n"
		"ends): neither needs a hook on a function. Any number may wait at a time.",
	.examples =
		"  iosonde funclatency vfs_read                  until interrupted\n"
		"  iosonde funclatency -F 'vfs_*' -- make        a program's calls, by function\n"
		"  iosonde funclatency -m -d 10 sys_fsync        a system call's, in milliseconds\n"
		"  iosonde funclatency -e t:ext4:ext4_sync_file_enter    a pair of tracepoints\n",
	.kind = TOOL_HISTOGRAM,
	.row = { "latency", columns },
	.options = options,
	.cfg_size = sizeof(struct funclatency_cfg),
	.probes = probes,
	.image = &bpf_funclatency,
	.no_by = "--by: a histogram has no rows of calls; -F makes one per function, and -p, -n, "
		 "--cgroup or -- COMMAND choose whose calls are timed",
	.drain = { .map = "latencies",
		   .key_size = sizeof(struct funclatency_key),
		   .value_size = sizeof(struct hist_value),
		   .cpu = FIELD(struct funclatency_key, cpu),
		   .hist = &style,
		   .target = FIELD(struct funclatency_key, target),
		   .apart = CFG(apart) },
	.ops = &ops,
	.many = { .prog = "funclatency_enter", .end = "funclatency_leave", .functions = true },
};
