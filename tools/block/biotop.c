/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biotop.h"

#include "core/run/run.h"
#include "tools/block/attribution.h"
#include "tools/block/block.h"

BPF_IMAGE(biotop);

struct biotop_row {
	struct biotop_key key;
	struct biotop_sums sums;
	struct hist_stats lat;
	__u64 ts_ns;
	__u64 span_ns;
};

#define R(member)   FIELD(struct biotop_row, member)
#define CFG(member) FIELD(struct biotop_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.owner.pid), U_ID, .width = 7, .flags = COL_KEY | COL_BLANK,
	  .help = "process that wanted it; none where a kernel thread submitted it (-F: whose "
		  "bytes "
		  "they are; none where it is not known)" },
	{ "comm", R(key.owner.comm), U_TEXT, .flags = COL_KEY | COL_BLANK, .help = "its command" },
	{ "op", R(key.op), U_ENUM, .flags = COL_KEY, .names = blk_ops, .help = "operation" },
	{ "disk", R(key.dev), U_DISK, .flags = COL_KEY, .help = "device that served it" },
	{ "ios", R(sums.ios), U_COUNT },
	{ "bytes", R(sums.bytes), U_BYTES, .help = "of them, this process's" },
	{ "errors", R(sums.errors), U_COUNT, .flags = COL_HIDDEN },
	{ "avg", R(lat.avg), U_NSEC, .keep = 4,
	  .help = "mean latency at the device (-Q: and in the queue)" },
	{ "min", R(lat.min), U_NSEC, .flags = COL_HIDDEN },
	{ "p50", R(lat.p50), U_NSEC, .flags = COL_HIDDEN, .help = "median, within 1/8" },
	{ "p99", R(lat.p99), U_NSEC, .help = "99th percentile, within 1/8" },
	{ "max", R(lat.max), U_NSEC },
	{ "total", R(lat.sum), U_NSEC, .flags = COL_HIDDEN },
	ATTR_COLUMNS(struct biotop_row, key.owner, CFG(attr.on)),
	{}
};

/* PID and COMM would say the same as BEHALF. */
static const struct column_switch switches[] = {
	{ CFG(attr.on), "-pid,-comm" },
	ATTR_SWITCH(CFG(attr.on)),
	{},
};

static const struct option_spec options[] = {
	{ "files", 'F', CFG(attr.on), .kind = OPT_FLAG,
	  .help = "by file: whose bytes they are, and how that was found out" },
	ATTR_OPTION(CFG(attr.chunks)),
	{ "queued", 'Q', CFG(queued), .kind = OPT_FLAG,
	  .help = "latency from the queue instead of from issue to the device" },
	{ "disk", 'D', CFG(blk.disk), U_DISK, .arg = "DISK", .help = "requests of this disk only" },
	{}
};

static const struct probe probes[] = { BLK_PROBES,
				       { BLK_INSERT_PROBE, .when = CFG(queued) },
				       ATTR_PROBES(CFG(attr.on), CFG(attr.calls)),
				       {} };

static const struct map_spec maps[] = { ATTR_MAPS(CFG(attr.on), CFG(attr.chunks)),
					{ "owners_reserve", .entries = CFG(reserve) },
					{} };

static const char *const calls[] = { ATTR_CALLS, NULL };

static bool prepare(struct run *run)
{
	struct biotop_cfg *cfg = run_cfg(run);

	attribution_prepare(&cfg->attr, run_opts(run)->btf);
	if (cfg->attr.on) /* many small files come to the disk at once */
		cfg->reserve = 1024;
	return true;
}

static const struct tool_ops ops = { .prepare = prepare };

static const struct hist_style style = { .scale = HIST_USECS };

const struct tool tool_biotop = {
	.name = "biotop",
	.layer = "block",
	.summary = "block requests by process: number, bytes, latency",
	.text = "A row per process, disk and direction for every interval. The process is the one "
		"that wanted\n"
		"the I/O when it was submitted; a request merged for several counts for each, with "
		"its bytes.\n"
		"Stacked devices (dm on a disk) have rows of their own each. With -F a row is for "
		"a file,\n"
		"too, and the process is the one whose bytes they are, whoever submitted them.",
	.examples =
		"  iosonde biotop                     every second\n"
		"  iosonde biotop -s bytes -r 10 5    the ten with most bytes, every 5 s\n"
		"  iosonde biotop -D vda -- cp a b    what cp did there\n"
		"  iosonde biotop -F -s bytes 5       the files behind it, and who writes them\n",
	.kind = TOOL_TABLE,
	.row = { "process", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct biotop_cfg),
	.probes = probes,
	.image = &bpf_biotop,
	.calls = calls,
	.counters = blk_counters,
	.maps = maps,
	.ops = &ops,
	.lingers = true,
	.drain = { .map = "owners",
		   .reserve = "owners_reserve",
		   .key_size = sizeof(struct biotop_key),
		   .value_size = sizeof(struct biotop_value),
		   .cpu = FIELD(struct biotop_key, cpu),
		   .hist_off = sizeof(struct biotop_sums),
		   .hist = &style },
};
