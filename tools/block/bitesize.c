/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/bitesize.h"

#include "tools/block/block.h"

BPF_IMAGE(bitesize);

struct bitesize_row {
	struct bitesize_key key;
	struct hist_row slot;
	__u64 ts_ns;
};

struct bitesize_total {
	struct bitesize_key key;
	struct hist_stats stats;
	__u64 ts_ns;
};

#define R(member)   FIELD(struct bitesize_row, member)
#define T(member)   FIELD(struct bitesize_total, member)
#define CFG(member) FIELD(struct bitesize_cfg, member)
#define PROCESS	    "process that wanted it; none where a kernel thread submitted it"

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", R(key.pid), U_ID, .flags = COL_KEY | COL_BLANK, .help = PROCESS },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK, .help = "its command" },
	{ "disk", R(key.dev), U_DISK, .flags = COL_KEY | COL_HIDDEN, .help = "disk (-D)" },
	SLOT_COLUMNS(R, U_BYTES, "size", "requests"),
	{}
};

static const struct column totals[] = {
	{ "time", T(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", T(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "pid", T(key.pid), U_ID, .flags = COL_KEY | COL_BLANK, .help = PROCESS },
	{ "comm", T(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK, .help = "its command" },
	{ "disk", T(key.dev), U_DISK, .flags = COL_KEY, .help = "disk (-D)" },
	{ "count", T(stats.count), U_COUNT, .help = "requests" },
	{ "total", T(stats.sum), U_BYTES, .keep = 3, .help = "sum of their sizes" },
	STATS_COLUMNS(T, U_BYTES),
	{}
};

static const struct column_switch switches[] = { { CFG(by_disk), "+disk" }, {} };

static const struct option_spec options[] = {
	{ "disks", 'D', CFG(by_disk), .kind = OPT_FLAG,
	  .help = "a histogram per process and disk" },
	{ "extension", 'e', CFG(totals), .kind = OPT_FLAG,
	  .help = "count, total, average, least, largest and percentiles below" },
	{ "fine", 0, CFG(fine), .kind = OPT_FLAG, .help = "eight slots per doubling" },
	{ "linear", 0, CFG(linear_bytes), U_BYTES, .bare = 1024, .min = 1, .arg = "WIDTH",
	  .help = "slots of this width; the 496th counts everything above" },
	{ "disk", 0, CFG(blk.disk), U_DISK, .arg = "DISK", .help = "requests of this disk only" },
	{}
};

static const struct probe probes[] = { BLK_PROBES, {} };

static const struct hist_style style = {
	.scale = HIST_KBYTES,
	.linear = CFG(linear_bytes),
	.fine = CFG(fine),
	.totals = { "size_total", totals },
	.show_totals = CFG(totals),
};

const struct tool tool_bitesize = {
	.name = "bitesize",
	.layer = "block",
	.summary = "sizes of block requests per process, as a histogram",
	.text = "Counts the reads and writes that devices were given by their size: after bios "
		"were "
		"split\n"
		"(how many is said at the end) and merged. Of a request made for several processes "
		"each has\n"
		"its own bytes.",
	.examples = "  iosonde bitesize -d 10             ten seconds of everybody\n"
		    "  iosonde bitesize -- dd if=a of=b   a program's own\n",
	.kind = TOOL_HISTOGRAM,
	.row = { "size", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct bitesize_cfg),
	.probes = probes,
	.image = &bpf_bitesize,
	.counters = blk_counters,
	.no_by = "--by: these are histograms per process, and -D adds the disk; biosnoop --by "
		 "groups single requests, as in biosnoop --by comm,disk,kind",
	.lingers = true,
	.drain = { .map = "sizes",
		   .reserve = "sizes_reserve",
		   .key_size = sizeof(struct bitesize_key),
		   .value_size = sizeof(struct hist_value),
		   .cpu = FIELD(struct bitesize_key, cpu),
		   .hist = &style },
};
