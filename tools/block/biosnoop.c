/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/block/biosnoop.h"

#include "core/run/run.h"
#include "tools/block/attribution.h"
#include "tools/block/block.h"

BPF_IMAGE(biosnoop);

#define E(member)   FIELD(struct biosnoop_event, member)
#define CFG(member) FIELD(struct biosnoop_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it was complete" },
	{ "comm", E(comm), U_TEXT, .width = 16, .flags = COL_BLANK,
	  .help = "command that wanted it; none where a kernel thread submitted it" },
	{ "pid", E(pid), U_ID, .width = 7, .flags = COL_BLANK, .keep = 4, .help = "its process" },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_BLANK | COL_HIDDEN, .help = "its thread" },
	{ "cgroup", E(cgroup), U_CGROUP, .flags = COL_BLANK | COL_HIDDEN, .help = "its cgroup" },
	{ "cgroup_id", E(cgroup), U_ID, .flags = COL_BLANK | COL_HIDDEN },
	{ "disk", E(dev), U_DISK, .help = "device that served it" },
	{ "upper", E(upper_dev), U_DISK, .flags = COL_HIDDEN },
	{ "kind", E(kind), U_FLAGS, .width = 12, .keep = 6, .flag_names = blk_kinds,
	  .help = "operation and flags" },
	{ "sector", E(sector), U_ID, .width = 11, .keep = 3,
	  .help = "where it begins, in 512 bytes" },
	{ "bytes", E(bytes), U_BYTES, .keep = 6, .help = "this owner's" },
	{ "req", E(req), U_ID, .flags = COL_HIDDEN,
	  .help = "number of the request: owners of one that was merged have rows in common" },
	{ "request_bytes", E(request_bytes), U_BYTES, .flags = COL_HIDDEN },
	{ "bios", E(bios), U_COUNT, .flags = COL_HIDDEN, .help = "pieces this owner submitted" },
	{ "queue", E(queue_ns), U_NSEC, .help = "waiting to be issued" },
	{ "lat", E(lat_ns), U_NSEC, .flags = COL_LATENCY,
	  .help = "at the device, from issue to completion (-Q: and in the queue)" },
	{ "pattern", E(pattern), U_ENUM, .flags = COL_BLANK, .keep = 1, .names = blk_patterns,
	  .help = "sequential: it begins where the disk's last one ended" },
	{ "err", E(error), U_ERRNO, .width = 9 },
	ATTR_COLUMNS(struct biosnoop_event, owner, CFG(attr.on)),
	{}
};

static const char *const pattern_names[] = { "all", "random", "seq", NULL };

static const struct column_switch switches[] = { ATTR_SWITCH(CFG(attr.on)), {} };

static const struct option_spec options[] = {
	{ "files", 'F', CFG(attr.on), .kind = OPT_FLAG,
	  .help = "whose bytes they are: process, file, and how that was found out" },
	ATTR_OPTION(CFG(attr.chunks)),
	{ "duration", 'd', .unit = U_DISK, .kind = OPT_RENAMED,
	  .help = "a duration is -d 10; the disk is -D DISK" },
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .arg = "DURATION", .positional = true,
	  .help = "only what took at least this long" },
	{ "queued", 'Q', CFG(queued), .kind = OPT_FLAG,
	  .help = "LAT, and the least, from the queue instead of from issue to the device" },
	{ "disk", 'D', CFG(blk.disk), U_DISK, .arg = "DISK", .help = "requests of this disk only" },
	{ "pattern", 0, CFG(pattern), .kind = OPT_CHOICE, .names = pattern_names, .deflt = "all",
	  .arg = "PATTERN", .help = "only seq or random ones" },
	{ "failed", 'x', CFG(failed), .kind = OPT_FLAG, .help = "only what failed" },
	{}
};

static const struct probe probes[] = {
	BLK_PROBES, { BLK_INSERT_PROBE }, ATTR_PROBES(CFG(attr.on), CFG(attr.calls)), {}
};

static const struct map_spec maps[] = { ATTR_MAPS(CFG(attr.on), CFG(attr.chunks)), {} };

static const char *const calls[] = { ATTR_CALLS, NULL };

static bool prepare(struct run *run)
{
	struct biosnoop_cfg *cfg = run_cfg(run);

	attribution_prepare(&cfg->attr, run_opts(run)->btf);
	return true;
}

static const struct tool_ops ops = { .prepare = prepare };

const struct tool tool_biosnoop = {
	.name = "biosnoop",
	.layer = "block",
	.summary = "block requests as they complete, each with who wanted it",
	.text = "One row per request and owner: a request that was merged from several processes' "
		"bios\n"
		"has one row for each, with that one's bytes, and they share REQ. Devices without "
		"requests\n"
		"of their own (dm, md, brd, zram) have one row per bio; what they pass on to "
		"others "
		"has\n"
		"rows there, with UPPER.",
	.examples = "  iosonde biosnoop                   everything\n"
		    "  iosonde biosnoop 10 -D vda         what took 10 ms or more on vda\n"
		    "  iosonde biosnoop --linger 5 -- cp a b\n",
	.kind = TOOL_EVENTS,
	.row = { "request", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct biosnoop_cfg),
	.probes = probes,
	.image = &bpf_biosnoop,
	.calls = calls,
	.counters = blk_counters,
	.maps = maps,
	.ops = &ops,
	.lingers = true,
};
