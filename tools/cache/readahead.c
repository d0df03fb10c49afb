/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/cache/readahead.h"

#include "core/tool.h"
#include "tools/cache/cache_tables.h"

BPF_IMAGE(readahead);

struct ages_row {
	struct ages_key key;
	struct hist_row slot;
	__u64 ts_ns;
};

struct ages_total {
	struct ages_key key;
	struct hist_stats stats;
	__u64 ts_ns;
};

#define R(member)   FIELD(struct ages_row, member)
#define T(member)   FIELD(struct ages_total, member)
#define P(member)   FIELD(struct ahead_row, member)
#define CFG(member) FIELD(struct readahead_cfg, member)

/* clang-format off */
#define PATH_COLUMN(F, flags_)                                                                     \
	{ "path", F(key.file), U_PATH, .flags = COL_KEY | COL_BLANK | COL_HIDDEN | (flags_),       \
	  .help = "a name of the file (-F)" }
/* clang-format on */

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	PATH_COLUMN(R, 0),
	SLOT_COLUMNS(R, U_NSEC, "age", "pages that were used at that age"),
	{}
};

static const struct column totals[] = {
	{ "time", T(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", T(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	PATH_COLUMN(T, COL_WIDE),
	{ "count", T(stats.count), U_COUNT, .help = "pages that were used" },
	STATS_COLUMNS(T, U_NSEC),
	{}
};

static void unused(const void *rec, size_t len, char *scratch, struct value *out)
{
	const struct ahead_row *row = rec;

	(void)len, (void)scratch;
	out->kind = V_UINT;
	/* two CPUs may have counted on both sides of an interval's end */
	out->u = row->value.brought > row->value.left ? row->value.brought - row->value.left : 0;
}

static const struct column pages[] = {
	{ "time", P(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "brought", P(value.brought), U_COUNT, .help = "pages that came ahead of their use" },
	{ "used", P(value.used), U_COUNT, .help = "pages whose first use was now" },
	{ "unused", P(value.brought), U_COUNT, .render = unused,
	  .help = "of those brought now: in memory, and not used yet" },
	{ "dropped", P(value.dropped), U_COUNT,
	  .help = "pages that left memory and were never used" },
	PATH_COLUMN(P, COL_WIDE),
	{}
};

static const struct drain pages_drain = {
	.map = "ahead_rows",
	.others = "others_pages",
	.key_size = sizeof(struct ahead_key),
	.value_size = sizeof(struct ahead_value),
};

static const struct tool_table tables[] = { { "pages",
					      { "ahead", pages },
					      "Pages that were read ahead",
					      .again = true,
					      .kind = TOOL_TABLE,
					      .drain = &pages_drain },
					    {} };

static const struct column_switch switches[] = { { CFG(by_file), "+path" }, {} };

static const struct option_spec options[] = {
	{ "files", 'F', CFG(by_file), .kind = OPT_FLAG, .help = "per file" },
	{ "extension", 'e', CFG(totals), .kind = OPT_FLAG,
	  .help = "average, least and largest age and percentiles below" },
	{ "milliseconds", 'm', CFG(scale), .kind = OPT_FLAG, .value = HIST_MSECS,
	  .help = "slots of milliseconds instead of microseconds" },
	{ "fine", 0, CFG(fine), .kind = OPT_FLAG, .help = "eight slots per doubling" },
	{}
};

#define WINDOWS "pages that filesystems bring ahead by ways of their own"

static const struct probe probes[] = {
	{ "windows",
	  { { { "ahead_window_enter", "ahead_window_leave", "ahead_window_order_enter",
		"ahead_window_order_leave" },
	      .blind = WINDOWS },
	    { { "ahead_window_told(inode,*,*,*)",
		"ahead_window_order_told(inode,*,file_ra_state)" },
	      .blind = WINDOWS },
	    { { "ahead_window_enter", "ahead_window_leave" }, .blind = WINDOWS } } },
	CACHE_PROBES,
	{}
};

static const struct hist_style style = {
	.scale_of = CFG(scale),
	.fine = CFG(fine),
	.totals = { "age_total", totals },
	.show_totals = CFG(totals),
};

static const char *const counters[] = { "+ahead_full", NULL };

const struct tool tool_readahead = {
	.name = "readahead",
	.layer = "cache",
	.summary = "pages of files that are read ahead, and how long until they are used",
	.text = "Counts pages that reading ahead brings into memory, those that are used, those\n"
		"that aren't, and those thrown away unused; and shows as a histogram how old a\n"
		"page was at its first use.",
	.examples = "  iosonde readahead -d 30         thirty seconds of the whole system\n"
		    "  iosonde readahead -F -p 1234    a process, file by file\n"
		    "  iosonde readahead -e -- make    a program's own, with figures\n",
	.kind = TOOL_HISTOGRAM,
	.row = { "age", columns },
	.tables = tables,
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct readahead_cfg),
	.probes = probes,
	.image = &bpf_readahead,
	.calls = cache_no_calls,
	.counters = counters,
	.no_by = "--by: a histogram has no rows of pages; -F makes one per file",
	.drain = { .map = "ages",
		   .reserve = "ages_reserve",
		   .key_size = sizeof(struct ages_key),
		   .value_size = sizeof(struct hist_value),
		   .cpu = FIELD(struct ages_key, cpu),
		   .hist = &style },
};
