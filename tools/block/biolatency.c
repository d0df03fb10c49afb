/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biolatency.h"

#include "core/run/run.h"
#include "tools/block/block.h"

BPF_IMAGE(biolatency);

struct biolatency_row {
	struct biolatency_key key;
	struct hist_row slot;
	__u64 ts_ns;
};

struct biolatency_total {
	struct biolatency_key key;
	struct hist_stats stats;
	__u64 ts_ns;
};

#define R(member)   FIELD(struct biolatency_row, member)
#define T(member)   FIELD(struct biolatency_total, member)
#define CFG(member) FIELD(struct biolatency_cfg, member)

/* clang-format off */
#define OWNER_COLUMNS(F)                                                                           \
	{ "pid", F(key.pid), U_ID, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                      \
	  .help = "process that wanted it (-P); none where a kernel thread submitted it" },        \
	{ "comm", F(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                  \
	  .help = "its command (-P)" },                                                            \
	{ "cgroup", F(key.cgroup), U_CGROUP, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,            \
	  .help = "cgroup that it is charged to (-G)" }
/* clang-format on */

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "disk", R(key.dev), U_DISK, .flags = COL_KEY | COL_HIDDEN, .help = "disk (-D)" },
	{ "kind", R(key.kind), U_FLAGS, .flags = COL_KEY | COL_HIDDEN, .flag_names = blk_kinds,
	  .help = "what the requests were for (-F)" },
	OWNER_COLUMNS(R),
	SLOT_COLUMNS(R, U_NSEC, "latency", "requests"),
	{}
};

static const struct column totals[] = {
	{ "time", T(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", T(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "disk", T(key.dev), U_DISK, .flags = COL_KEY, .help = "disk (-D)" },
	{ "kind", T(key.kind), U_FLAGS, .flags = COL_KEY, .flag_names = blk_kinds,
	  .help = "what the requests were for (-F)" },
	OWNER_COLUMNS(T),
	{ "count", T(stats.count), U_COUNT, .help = "requests" },
	{ "total", T(stats.sum), U_NSEC, .keep = 3, .help = "sum of their latencies" },
	STATS_COLUMNS(T, U_NSEC),
	{}
};

static const struct column_switch switches[] = { { CFG(by_disk), "+disk" },
						 { CFG(by_kind), "+kind" },
						 { CFG(by_process), "+pid,+comm" },
						 { CFG(by_cgroup), "+cgroup" },
						 {} };

static const char *const json_words[] = { "-o", "json", NULL };

static const struct option_spec options[] = {
	{ "json", 'j', .kind = OPT_EXPAND, .names = json_words, .help = "the same as -o json" },
	{ "duration", 'd', .unit = U_DISK, .kind = OPT_RENAMED,
	  .help = "a duration is -d 10; one disk is --disk DISK" },
	{ "queued", 'Q', CFG(queued), .kind = OPT_FLAG,
	  .help = "from insertion into the queue instead of from issue to the device" },
	{ "disks", 'D', CFG(by_disk), .kind = OPT_FLAG, .help = "a histogram per disk" },
	{ "flags", 'F', CFG(by_kind), .kind = OPT_FLAG,
	  .help = "a histogram per kind of request: read, write|sync, flush ..." },
	{ "processes", 'P', CFG(by_process), .kind = OPT_FLAG,
	  .help = "a histogram per process; a request made for several counts for each" },
	{ "cgroups", 'G', CFG(by_cgroup), .kind = OPT_FLAG,
	  .help = "a histogram per cgroup; a request made for several counts for each" },
	{ "extension", 'e', CFG(totals), .kind = OPT_FLAG,
	  .help = "count, total, average, least, largest and percentiles below" },
	{ "milliseconds", 'm', CFG(scale), .kind = OPT_FLAG, .value = HIST_MSECS,
	  .help = "slots of milliseconds instead of microseconds" },
	{ "fine", 0, CFG(fine), .kind = OPT_FLAG, .help = "eight slots per doubling" },
	{ "linear", 0, CFG(linear_ns), U_NSEC, .bare = 1000, .min = 1, .arg = "WIDTH",
	  .help = "slots of this width; the 496th counts everything above" },
	{ "disk", 0, CFG(blk.disk), U_DISK, .arg = "DISK", .help = "requests of this disk only" },
	{}
};

static const struct probe probes[] = { BLK_PROBES, { BLK_INSERT_PROBE, .when = CFG(queued) }, {} };

static bool prepare(struct run *run)
{
	struct biolatency_cfg *cfg = run_cfg(run);

	cfg->bios = cfg->queued || cfg->by_process || cfg->by_cgroup;
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

const struct tool tool_biolatency = {
	.name = "biolatency",
	.layer = "block",
	.summary = "how long disks take, as a histogram",
	.text = "Counts block requests by the time from issue to the device to completion.\n"
		"Devices without requests of their own (dm, md, brd, zram) count by bio. Time in a "
		"stack of\n"
		"devices counts once, at the outermost one; -D shows each by itself.",
	.examples =
		"  iosonde biolatency -d 10           ten seconds of all disks\n"
		"  iosonde biolatency -D -e 1         per disk with percentiles, every second\n"
		"  iosonde biolatency -G -e -d 10     per cgroup, as containers are\n"
		"  iosonde biolatency -mQ -- make     a program's own, with the time in queues\n",
	.kind = TOOL_HISTOGRAM,
	.row = { "latency", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct biolatency_cfg),
	.probes = probes,
	.image = &bpf_biolatency,
	.counters = blk_counters,
	.ops = &ops,
	.no_by = "--by: a histogram has no rows of requests; -D, -F, -P and -G make one per disk, "
		 "kind, process or cgroup, and biosnoop --by groups single requests",
	.lingers = true,
	.drain = { .map = "latencies",
		   .reserve = "latencies_reserve",
		   .key_size = sizeof(struct biolatency_key),
		   .value_size = sizeof(struct hist_value),
		   .cpu = FIELD(struct biolatency_key, cpu),
		   .hist = &style },
};
