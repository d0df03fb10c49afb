/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "core/tool.h"
#include "tools/cache/cache_tables.h"

BPF_IMAGE(cachestat);

/* A line of /proc/meminfo, in bytes. No value where it can't be read. */
static void meminfo(const char *name, struct value *out)
{
	FILE *f = fopen("/proc/meminfo", "re");
	size_t len = strlen(name);
	unsigned long long kib;
	char line[128];

	out->kind = V_NONE;
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, len) || sscanf(line + len, ": %llu kB", &kib) != 1)
			continue;
		out->kind = V_UINT;
		out->u = kib << 10;
		break;
	}
	if (f)
		fclose(f);
}

static void buffers(const void *rec, size_t len, char *scratch, struct value *out)
{
	(void)rec, (void)len, (void)scratch;
	meminfo("Buffers", out);
}

static void cached(const void *rec, size_t len, char *scratch, struct value *out)
{
	(void)rec, (void)len, (void)scratch;
	meminfo("Cached", out);
}

static const struct column columns[] = {
	{ "time", CACHE_ROW(ts_ns), U_CLOCK, .help = "end of the interval" },
	CACHE_COLUMNS,
	{ "buffers", CACHE_ROW(ts_ns), U_BYTES, .render = buffers,
	  .help = "pages of block devices that are in memory now, of the whole machine" },
	{ "cached", CACHE_ROW(ts_ns), U_BYTES, .render = cached,
	  .help = "pages of files that are, tmpfs included" },
	{ "count", CACHE_ROW(value.sums.pages), U_COUNT, .flags = COL_HIDDEN,
	  .help = "pages: hits, misses and dirtied" },
	{}
};

const struct tool tool_cachestat = {
	.name = "cachestat",
	.layer = "cache",
	.summary = "pages of files that are found in memory, and those that aren't",
	.text = "One row per interval, in pages: those that reads and faults were given from\n"
		"memory, those that had to be brought first, and those that became dirty. A page\n"
		"that was brought ahead of its read is a miss when it is used for the first time.",
	.examples = "  iosonde cachestat              every second\n"
		    "  iosonde cachestat -p 1234 5 3  one process, three times five seconds\n"
		    "  iosonde cachestat -- make      what a build finds in memory\n",
	.kind = TOOL_TABLE,
	.row = { "cache", columns },
	.cfg_size = sizeof(struct cache_cfg),
	.probes = cache_probes,
	.image = &bpf_cachestat,
	.calls = cache_no_calls,
	.counters = cache_counters,
	.drain = { CACHE_DRAIN },
};
