/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biotop.h"

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
	{ "pid", R(key.pid), U_ID, .width = 7, .flags = COL_KEY | COL_BLANK,
	  .help = "process that wanted it; none where a kernel thread submitted it" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK, .help = "its command" },
	{ "dir", R(key.op), U_ENUM, .flags = COL_KEY, .names = blk_ops, .help = "operation" },
	{ "disk", R(key.dev), U_DISK, .flags = COL_KEY, .help = "device that served it" },
	{ "ios", R(sums.ios), U_COUNT, .help = "requests" },
	{ "bytes", R(sums.bytes), U_BYTES, .help = "of them, this process's" },
	{ "errors", R(sums.errors), U_COUNT, .flags = COL_HIDDEN, .help = "those that failed" },
	{ "avg", R(lat.avg), U_NSEC, .help = "mean latency at the device (-Q: and in the queue)" },
	{ "min", R(lat.min), U_NSEC, .flags = COL_HIDDEN, .help = "least" },
	{ "p50", R(lat.p50), U_NSEC, .flags = COL_HIDDEN, .help = "median, within 1/8" },
	{ "p99", R(lat.p99), U_NSEC, .help = "99th percentile, within 1/8" },
	{ "max", R(lat.max), U_NSEC, .help = "largest" },
	{ "total", R(lat.sum), U_NSEC, .flags = COL_HIDDEN, .help = "sum" },
	{}
};

static const struct option_spec options[] = {
	{ "queued", 'Q', CFG(queued), .kind = OPT_FLAG,
	  .help = "latency from the queue instead of from issue to the device" },
	{ "disk", 'D', CFG(blk.disk), U_DISK, .arg = "DISK", .help = "requests of this disk only" },
	{}
};

static const struct probe probes[] = { BLK_PROBES, { BLK_INSERT_PROBE, .when = CFG(queued) }, {} };

static const struct hist_style style = { .scale = HIST_USECS };

const struct tool tool_biotop = {
	.name = "biotop",
	.layer = "block",
	.summary = "block requests by process: number, bytes, latency",
	.text = "A row per process, disk and direction for every interval. The process is the one "
		"that wanted\n"
		"the I/O when it was submitted; a request merged for several counts for each, with "
		"its bytes.\n"
		"Stacked devices (dm on a disk) have rows of their own each.",
	.examples = "  iosonde biotop                     every second\n"
		    "  iosonde biotop -s bytes -r 10 5    the ten with most bytes, every 5 s\n"
		    "  iosonde biotop -D vda -- cp a b    what cp did there\n",
	.kind = TOOL_TABLE,
	.row = { "process", columns },
	.options = options,
	.cfg_size = sizeof(struct biotop_cfg),
	.probes = probes,
	.image = &bpf_biotop,
	.counters = blk_counters,
	.lingers = true,
	.drain = { .map = "owners",
		   .reserve = "owners_reserve",
		   .key_size = sizeof(struct biotop_key),
		   .value_size = sizeof(struct biotop_value),
		   .cpu = FIELD(struct biotop_key, cpu),
		   .hist_off = sizeof(struct biotop_sums),
		   .hist = &style },
};
