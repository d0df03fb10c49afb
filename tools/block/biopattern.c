/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biopattern.h"

#include "tools/block/block.h"

BPF_IMAGE(biopattern);

struct biopattern_row {
	struct biopattern_key key;
	struct biopattern_value value;
	__u64 ts_ns;
	__u64 span_ns;
};

#define R(member)   FIELD(struct biopattern_row, member)
#define CFG(member) FIELD(struct biopattern_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	{ "disk", R(key.dev), U_DISK, .flags = COL_KEY, .help = "disk" },
	{ "random", R(value.random), U_PERCENT, .of = R(value.count), .part = 1,
	  .help = "requests that begin elsewhere than where the disk's last one ended; its first "
		  "one, too" },
	{ "sequential", R(value.sequential), U_PERCENT, .of = R(value.count), .part = 2,
	  .help = "requests that begin there" },
	{ "count", R(value.count), U_COUNT, .help = "reads and writes" },
	{ "bytes", R(value.bytes), U_BYTES, .help = "of them" },
	{}
};

static const struct option_spec options[] = {
	{ "duration", 'd', .unit = U_DISK, .kind = OPT_RENAMED,
	  .help = "a duration is -d 10; the disk is -D DISK" },
	{ "disk", 'D', CFG(blk.disk), U_DISK, .arg = "DISK", .help = "requests of this disk only" },
	{}
};

static const struct probe probes[] = { BLK_PROBES, {} };

const struct tool tool_biopattern = {
	.name = "biopattern",
	.layer = "block",
	.summary = "how much of each disk's I/O is random, how much sequential",
	.text = "A row per disk and interval. Requests are compared in the order in which the disk "
		"got them,\n"
		"across intervals. With a target, its own requests alone are. Flushes and discards "
		"move no\n"
		"data and aren't counted.",
	.examples = "  iosonde biopattern                 every second\n"
		    "  iosonde biopattern -D vda 10 6     ten seconds each, six times\n",
	.kind = TOOL_TABLE,
	.row = { "pattern", columns },
	.options = options,
	.cfg_size = sizeof(struct biopattern_cfg),
	.probes = probes,
	.image = &bpf_biopattern,
	.counters = blk_counters,
	.lingers = true,
	.drain = { .map = "patterns",
		   .key_size = sizeof(struct biopattern_key),
		   .value_size = sizeof(struct biopattern_value) },
};
