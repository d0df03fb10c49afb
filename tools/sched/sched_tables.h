/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Columns and options of runqlat and cpudist. */
#ifndef IOSONDE_SCHED_TABLES_H
#define IOSONDE_SCHED_TABLES_H

#include "core/tool.h"

extern const struct column sched_hist_columns[];
extern const struct hist_style sched_hist_style;
extern const struct column_switch sched_hist_switches[];
extern const struct map_spec sched_hist_maps[];
extern const struct tool_ops sched_hist_ops;

/* Initializes tool.drain. */
#define SCHED_HIST_DRAIN                                                                           \
	{                                                                                          \
		.map = "stretches", .key_size = sizeof(struct sched_hist_key),                     \
		.value_size = sizeof(struct hist_value), .cpu = FIELD(struct sched_hist_key, cpu), \
		.hist = &sched_hist_style                                                          \
	}

#define SCHED_CFG(member) FIELD(struct sched_hist_cfg, member)

/* clang-format off */
#define SCHED_HIST_OPTIONS                                                                         \
	{ "pids", 'P', SCHED_CFG(by_process), .kind = OPT_FLAG, .help = "a histogram per process" }, \
	{ "tids", 'L', SCHED_CFG(by_thread), .kind = OPT_FLAG, .help = "a histogram per thread" }, \
	{ "cgroups", 'G', SCHED_CFG(by_cgroup), .kind = OPT_FLAG, .help = "a histogram per cgroup" }, \
	{ "pidnss", 0, SCHED_CFG(by_pidns), .kind = OPT_FLAG,                                      \
	  .help = "a histogram per pid namespace" },                                               \
	{ "milliseconds", 'm', SCHED_CFG(scale), .kind = OPT_FLAG, .value = HIST_MSECS,            \
	  .help = "slots of milliseconds instead of microseconds" },                               \
	{ "fine", 0, SCHED_CFG(fine), .kind = OPT_FLAG, .help = "eight slots per doubling" },      \
	{ "linear", 0, SCHED_CFG(linear_ns), U_NSEC, .bare = 1000, .min = 1, .arg = "WIDTH",       \
	  .help = "slots of this width; the 496th counts everything above" }
/* clang-format on */

#endif
