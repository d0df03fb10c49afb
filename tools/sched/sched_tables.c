/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/sched/sched_tables.h"

#include <unistd.h>

#include "core/run/run.h"
#include "tools/sched/sched_hist.h"

struct sched_hist_row {
	struct sched_hist_key key;
	struct hist_row slot;
	__u64 ts_ns;
};

struct sched_hist_total {
	struct sched_hist_key key;
	struct hist_stats stats;
	__u64 ts_ns;
};

static const char *const causes[] = { "", "woken", "preempted", "blocked", NULL };

#define R(member) FIELD(struct sched_hist_row, member)
#define T(member) FIELD(struct sched_hist_total, member)

/* clang-format off */
#define KEY_COLUMNS(F)                                                                             \
	{ "pid", F(key.pid), U_ID, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                      \
	  .help = "process (-P, -L)" },                                                            \
	{ "tid", F(key.tid), U_ID, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                      \
	  .help = "thread (-L)" },                                                                 \
	{ "comm", F(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                  \
	  .help = "its command (-P, -L)" },                                                        \
	{ "cgroup", F(key.cgroup), U_CGROUP, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,            \
	  .help = "cgroup (-G)" },                                                                 \
	{ "pidns", F(key.pidns), U_ID, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                  \
	  .help = "inode of the pid namespace (--pidnss)" },                                       \
	{ "cause", F(key.cause), U_ENUM, .flags = COL_KEY | COL_BLANK | COL_HIDDEN, .names = causes, \
	  .help = "woken, preempted, blocked (-e)" }
/* clang-format on */

const struct column sched_hist_columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	KEY_COLUMNS(R),
	SLOT_COLUMNS(R, U_NSEC, "time", "how often"),
	{}
};

static const struct column totals[] = {
	{ "time", T(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", T(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	KEY_COLUMNS(T),
	{ "count", T(stats.count), U_COUNT, .help = "how often" },
	{ "total", T(stats.sum), U_NSEC, .help = "sum of the times" },
	STATS_COLUMNS(T, U_NSEC),
	{}
};

const struct column_switch sched_hist_switches[] = {
	{ SCHED_CFG(by_process), "+pid,+comm" }, { SCHED_CFG(by_thread), "+pid,+tid,+comm" },
	{ SCHED_CFG(by_cgroup), "+cgroup" },	 { SCHED_CFG(by_pidns), "+pidns" },
	{ SCHED_CFG(extended), "+cause" },	 {}
};

const struct hist_style sched_hist_style = {
	.scale_of = SCHED_CFG(scale),
	.linear = SCHED_CFG(linear_ns),
	.fine = SCHED_CFG(fine),
	.totals = { "sched_total", totals },
	.show_totals = SCHED_CFG(extended),
};

const struct map_spec sched_hist_maps[] = { { "stretches", .entries = SCHED_CFG(keys) }, {} };

/*
 * Keys of both epochs, on every CPU: a few in all, or as many as there are processes, threads and
 * groups at work at one time. A key takes 4 KiB.
 */
#define GROUPS_FEW  4
#define GROUPS_MANY 4096

static bool prepare(struct run *run)
{
	struct sched_hist_cfg *cfg = run_cfg(run);
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	bool many = cfg->by_process || cfg->by_thread || cfg->by_cgroup || cfg->by_pidns;

	cfg->keys = 2 * GROUPS_FEW * (uint64_t)(cpus > 0 ? cpus : 1);
	if (many)
		cfg->keys += 2 * GROUPS_MANY;
	return true;
}

const struct tool_ops sched_hist_ops = { .prepare = prepare };
