/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/drsnoop.h"

#include "bpf/mem/reclaim.h"
#include "core/tool.h"

BPF_IMAGE(drsnoop);

static const char *const kinds[] = { RECLAIM_KIND_NAMES, NULL };

#define E(member)   FIELD(struct drsnoop_event, member)
#define CFG(member) FIELD(struct drsnoop_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it ended" },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "user", E(uid), U_USER, .width = 8, .flags = COL_HIDDEN, .help = "user (-U)" },
	{ "kind", E(kind), U_ENUM, .width = 6, .names = kinds,
	  .help = "direct: the machine is short of memory; memcg: a memory cgroup is at its "
		  "limit; node: a NUMA node is" },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY,
	  .help = "how long the thread was busy with it" },
	{ "pages", E(pages), U_COUNT, .width = 6, .help = "pages that it freed" },
	{ "order", E(order), U_COUNT, .width = 5, .keep = 2,
	  .help = "2^order pages in a row were wanted" },
	{ "cgroup", E(cgroup), U_CGROUP, .flags = COL_WIDE,
	  .help = "who pays: of memcg the one whose limit was met, else the thread's own" },
	{}
};

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .deflt = "0", .arg = "DURATION",
	  .help = "only what took at least this long; in ms" },
	OPTION_CHECK(struct drsnoop_cfg),
	{ "print-uid", 'U', CFG(user), .kind = OPT_FLAG, .help = "show the user" },
	{ "process", 'P', .kind = OPT_RENAMED, .arg = "PID", .help = "a process is -p PID" },
	{ "programs", 'v', .kind = OPT_RENAMED, .help = "--verbose says which hooks are in use" },
	{ "timestamp", 0, .kind = OPT_RENAMED, .help = "the time of day is -T" },
	{ "extended", 'e', .kind = OPT_RENAMED,
	  .help = "order and cgroup are always shown; free memory is in /proc/vmstat" },
	{}
};

static const struct column_switch switches[] = { { CFG(user), "+user" }, {} };
static const struct probe probes[] = { RECLAIM_PROBE(false), RECLAIM_LIMIT_PROBE, {} };

static const struct book books[] = {
	RECLAIM_BOOK_ROWS(0),
	[BOOK_GROUP_STOLEN] = { "memory.stat pgsteal_direct", BOOK_NEAR,
				"objects of caches are ours alone, what others free of it is not" },
	{}
};

const struct tool tool_drsnoop = {
	.name = "drsnoop",
	.layer = "mem",
	.summary = "threads that must free memory before they get some",
	.text = "One row per reclaim that a thread has to do itself, when it ends: because the\n"
		"machine is short of memory, because a memory cgroup is at its limit, or because\n"
		"a NUMA node is. What kswapd frees meanwhile makes nobody wait and isn't shown.",
	.examples = "  iosonde drsnoop                      everybody\n"
		    "  iosonde drsnoop --by cgroup,kind     who pays how much, as a live table\n"
		    "  iosonde drsnoop -m 10 -p 1234        10 ms and more, of a process\n",
	.kind = TOOL_EVENTS,
	.row = { "reclaim", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct drsnoop_cfg),
	.probes = probes,
	.books = books,
	.check = CFG(check.on),
	.image = &bpf_drsnoop,
};
