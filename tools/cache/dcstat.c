/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/tool.h"
#include "tools/cache/dentries.h"
#include "tools/cache/dentry_tables.h"

BPF_IMAGE(dcstat);

#define ROW(member) FIELD(struct dcstat_row, member)

static const struct column columns[] = {
	{ "time", ROW(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "refs", ROW(value.refs), U_COUNT, .help = "components of paths that were looked for" },
	{ "slow", ROW(value.slow), U_COUNT,
	  .help = "those that the first look, without locks as a rule, didn't find" },
	{ "misses", ROW(value.misses), U_COUNT, .classic = "miss",
	  .help = "those that were not in memory: the filesystem was asked" },
	{ "negative", ROW(value.negative), U_COUNT, .help = "those that were known not to exist" },
	{ "hits", ROW(value.hits), U_COUNT, .flags = COL_HIDDEN,
	  .help = "what was in memory, negative or not" },
	{ "hit", ROW(value.hits), U_PERCENT, .of = ROW(value.refs),
	  .help = "what was in memory, negative or not, in refs" },
	{}
};

static const struct probe probes[] = { DENTRY_PROBES, {} };

static const char *const no_calls[] = { NULL };

const struct tool tool_dcstat = {
	.name = "dcstat",
	.layer = "cache",
	.summary = "names that are found among the dentries in memory, and those that aren't",
	.text = "One row per interval. Each component of a path that is looked for is one\n"
		"reference: found, found to be known not to exist (negative), or missed, so\n"
		"that the filesystem is asked. Takes functions: the kernel has no tracepoint\n"
		"here.",
	.examples = "  iosonde dcstat              every second\n"
		    "  iosonde dcstat -p 1234 5 3  one process, three times five seconds\n"
		    "  iosonde dcstat -- make      what a build looks for\n",
	.kind = TOOL_TABLE,
	.row = { "dcache", columns },
	.probes = probes,
	.image = &bpf_dcstat,
	.calls = no_calls,
	.drain = { .map = "dcstat_rows",
		   .key_size = sizeof(struct dcstat_key),
		   .value_size = sizeof(struct dcstat_value),
		   .sums = sizeof(struct dcstat_value) / sizeof(__u64) },
};
