/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/fs/fsdist.h"

#include "core/tool.h"
#include "tools/fs/fs_options.h"

BPF_IMAGE(fsdist);

struct fsdist_row {
	struct fsdist_key key;
	struct hist_row slot;
	__u64 ts_ns;
};

struct fsdist_total {
	struct fsdist_key key;
	struct hist_stats stats;
	__u64 ts_ns;
};

#define R(member)   FIELD(struct fsdist_row, member)
#define T(member)   FIELD(struct fsdist_total, member)
#define CFG(member) FIELD(struct fsdist_cfg, member)

/* clang-format off */
#define KEY_COLUMNS(F)                                                                             \
	{ "fs", F(key.fs), U_TEXT, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                      \
	  .help = "type of the filesystem (-F)" },                                                 \
	{ "pid", F(key.pid), U_ID, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                      \
	  .help = "process (-P)" },                                                                \
	{ "comm", F(key.comm), U_TEXT, .flags = COL_KEY | COL_BLANK | COL_HIDDEN,                  \
	  .help = "its command (-P)" },                                                            \
	{ "op", F(key.op), U_ENUM, .flags = COL_KEY, .names = fs_ops,                              \
	  .help = "read, write, open, fsync, getattr" }
/* clang-format on */

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "interval", R(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	KEY_COLUMNS(R),
	SLOT_COLUMNS(R, U_NSEC, "latency", "operations"),
	{}
};

static const struct column totals[] = {
	{ "time", T(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "interval", T(key.epoch), U_ID, .flags = COL_HIDDEN, .help = "its number" },
	KEY_COLUMNS(T),
	{ "count", T(stats.count), U_COUNT, .help = "operations" },
	{ "total", T(stats.sum), U_NSEC, .help = "sum of their latencies" },
	STATS_COLUMNS(T, U_NSEC),
	{}
};

static const struct column_switch switches[] = { { CFG(by_fs), "+fs" },
						 { CFG(by_process), "+pid,+comm" },
						 {} };

static const struct option_spec options[] = {
	FS_OPTIONS(CFG(fs.n_types)),
	{ "filesystems", 'F', CFG(by_fs), .kind = OPT_FLAG,
	  .help = "histograms per type of filesystem" },
	{ "processes", 'P', CFG(by_process), .kind = OPT_FLAG, .help = "histograms per process" },
	{ "extension", 'e', CFG(totals), .kind = OPT_FLAG,
	  .help = "count, total, average, least, largest and percentiles below" },
	{ "milliseconds", 'm', CFG(scale), .kind = OPT_FLAG, .value = HIST_MSECS,
	  .help = "slots of milliseconds instead of microseconds" },
	{ "fine", 0, CFG(fine), .kind = OPT_FLAG, .help = "eight slots per doubling" },
	{ "linear", 0, CFG(linear_ns), U_NSEC, .bare = 1000, .min = 1, .arg = "WIDTH",
	  .help = "slots of this width; the 496th counts everything above" },
	{}
};

static const struct tool_alias aliases[] = { { "ext4dist", "fsdist --fs ext4", fs_ext4_words },
					     { "xfsdist", "fsdist --fs xfs", fs_xfs_words },
					     { "btrfsdist", "fsdist --fs btrfs", fs_btrfs_words },
					     { "nfsdist", "fsdist --fs nfs,nfs4 with getattr",
					       fs_nfs_words },
					     { "f2fsdist", "fsdist --fs f2fs", fs_f2fs_words },
					     {} };

static const struct probe probes[] = { FILEIO_OPS_PROBES, {} };

static const struct hist_style style = {
	.scale_of = CFG(scale),
	.linear = CFG(linear_ns),
	.fine = CFG(fine),
	.totals = { "fs_total", totals },
	.show_totals = CFG(totals),
};

const struct tool tool_fsdist = {
	.name = "fsdist",
	.layer = "fs",
	.summary = "how long operations on files take, as a histogram",
	.text = "Counts reads, writes, opens and fsyncs of files by their time, each apart, on\n"
		"every filesystem or on those of --fs: the operations that fsslower shows with a\n"
		"minimum of 0.",
	.examples =
		"  iosonde fsdist -d 10             ten seconds of all filesystems\n"
		"  iosonde fsdist -F -e 1           per filesystem, with figures, every second\n"
		"  iosonde fsdist --fs xfs -- make  a program's own, on xfs\n"
		"  iosonde ext4dist                 the same as fsdist --fs ext4\n",
	.aliases = aliases,
	.kind = TOOL_HISTOGRAM,
	.row = { "fs", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct fsdist_cfg),
	.probes = probes,
	.image = &bpf_fsdist,
	.calls = fs_calls,
	.no_by = "--by: a histogram has no rows of operations; -F and -P make one per filesystem "
		 "or process, and fsslower --by groups single operations",
	.drain = { .map = "fs_latencies",
		   .reserve = "fs_latencies_reserve",
		   .key_size = sizeof(struct fsdist_key),
		   .value_size = sizeof(struct hist_value),
		   .cpu = FIELD(struct fsdist_key, cpu),
		   .hist = &style },
};
