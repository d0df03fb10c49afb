/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/log.h"
#include "core/run/run.h"
#include "core/tool.h"
#include "tools/cache/cache_tables.h"

BPF_IMAGE(cachetop);

#define CFG(member) FIELD(struct cache_cfg, member)

static const struct column columns[] = {
	{ "time", CACHE_ROW(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "pid", CACHE_ROW(key.pid), U_ID, .width = 7, .flags = COL_KEY | COL_BLANK,
	  .help = "process" },
	{ "user", CACHE_ROW(value.uid), U_USER, .width = 8, .flags = COL_KEY, .help = "its user" },
	{ "comm", CACHE_ROW(value.comm), U_TEXT, .width = 16, .flags = COL_KEY | COL_BLANK,
	  .help = "its command" },
	CACHE_COLUMNS,
	{ "count", CACHE_ROW(value.sums.pages), U_COUNT, .flags = COL_HIDDEN,
	  .help = "pages: hits, misses and dirtied" },
	{ "cgroup", CACHE_ROW(key.group), U_CGROUP, .flags = COL_KEY | COL_HIDDEN | COL_ASKED,
	  .help = "cgroup (-G)" },
	{ "dev", CACHE_ROW(value.file.dev), U_DISK, .flags = COL_HIDDEN | COL_KEY,
	  .help = "device of the file's filesystem (-F)" },
	{ "ino", CACHE_ROW(value.file.ino), U_ID, .flags = COL_HIDDEN | COL_KEY | COL_BLANK,
	  .help = "the file's number there (-F)" },
	{ "path", CACHE_ROW(value.file.id), U_PATH, .flags = COL_KEY | COL_WIDE | COL_HIDDEN,
	  .help = "a name of the file (-F)" },
	{}
};

static const struct option_spec options[] = {
	{ "files", 'F', CFG(by_file), .kind = OPT_FLAG, .help = "a row per file" },
	{ "cgroups", 'G', CFG(by_cgroup), .kind = OPT_FLAG, .help = "a row per cgroup" },
	{ "noclear", 'C', CFG(no_clear), .kind = OPT_FLAG,
	  .help = "on a terminal, leave the tables before" },
	{}
};

static const struct column_switch switches[] = { { CFG(by_file), "-pid,-user,-comm,+path" },
						 { CFG(by_cgroup), "-pid,-user,-comm,+cgroup" },
						 {} };

static bool prepare(struct run *run)
{
	struct cache_cfg *cfg = run_cfg(run);

	cfg->by_process = !cfg->by_file && !cfg->by_cgroup;
	if (cfg->by_file && cfg->by_cgroup)
		log_error("-F and -G exclude each other");
	return !cfg->by_file || !cfg->by_cgroup;
}

static const struct tool_ops ops = { .prepare = prepare };

const struct tool tool_cachetop = {
	.name = "cachetop",
	.layer = "cache",
	.summary = "who finds pages of files in memory, and who doesn't",
	.text = "One row per process, every second, in pages, as cachestat counts them. The\n"
		"totals of both are the same.",
	.examples = "  iosonde cachetop             by process, every second\n"
		    "  iosonde cachetop -F 5        by file, every five seconds\n"
		    "  iosonde cachetop -G -s misses  by cgroup, most misses first\n",
	.kind = TOOL_TABLE,
	.row = { "cachetop", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct cache_cfg),
	.probes = cache_probes,
	.image = &bpf_cachetop,
	.calls = cache_no_calls,
	.counters = cache_counters,
	.ops = &ops,
	.drain = { CACHE_DRAIN, .no_clear = CFG(no_clear) },
};
