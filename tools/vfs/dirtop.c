/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/dirtop.h"

#include "core/run/dirs.h"
#include "core/run/run.h"
#include "core/tool.h"

BPF_IMAGE(dirtop);

static const char *const calls[] = { FILEIO_CALLS, FILEIO_NAMES_CALLS, NULL };

#define R(member) FIELD(struct dirtop_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "count", R(value.sums.count), U_COUNT, .flags = COL_HIDDEN, .help = "reads and writes" },
	{ "reads", R(value.sums.reads), U_COUNT, .width = 8 },
	{ "writes", R(value.sums.writes), U_COUNT, .width = 8 },
	{ "errors", R(value.sums.errors), U_COUNT, .flags = COL_HIDDEN,
	  .help = "those of both that failed" },
	{ "read_bytes", R(value.sums.read_bytes), U_BYTES },
	{ "write_bytes", R(value.sums.write_bytes), U_BYTES },
	{ "dev", R(value.dir.dev), U_DISK, .flags = COL_KEY | COL_HIDDEN,
	  .help = "device of the directory's filesystem" },
	{ "ino", R(value.dir.ino), U_ID, .flags = COL_KEY | COL_HIDDEN | COL_BLANK,
	  .help = "the directory's number there" },
	{ "dir", R(key.dir), U_PATH, .flags = COL_KEY | COL_WIDE },
	{}
};

#define CFG(member) FIELD(struct dirtop_cfg, member)

static const struct option_spec options[] = {
	{ "directory",
	  'D',
	  { .off = offsetof(struct dirtop_cfg, dirs) },
	  .kind = OPT_CUSTOM,
	  .parse = dirs_parse,
	  .arg = "DIR[,DIR]",
	  .help = "only these directories, each with all that is below it; globs" },
	{ "all-files", 'a', CFG(all), .kind = OPT_FLAG,
	  .help = "all kinds of files: devices, fifos ..., not only regular ones" },
	{ "directory", 'd', .kind = OPT_RENAMED, .help = "a directory is -D DIR" },
	{ "root-directories", 0, .kind = OPT_RENAMED, .help = "directories are -D DIR[,DIR]" },
	{ "maxrows", 0, .kind = OPT_RENAMED, .help = "the number of rows is -r N" },
	{ "noclear", 'C', CFG(no_clear), .kind = OPT_FLAG,
	  .help = "on a terminal, leave the tables before" },
	{}
};

static const struct probe probes[] = { FILEIO_SUMS_PROBES,
				       DIRS_PROBE(struct dirtop_cfg, dirs),
				       {} };

static const struct tool_ops ops = { .start = dirs_start };

const struct tool tool_dirtop = {
	.name = "dirtop",
	.layer = "vfs",
	.summary = "the directories whose files are read and written most",
	.text = "One row per directory, every second. With -D those directories, each with\n"
		"everything below it, in other mounts and in files made later, too; of two\n"
		"in the list of which one holds the other, the outer one counts. Without -D\n"
		"the directory that each file is in.",
	.examples = "  iosonde dirtop -D '/var/lib/*'       which of them\n"
		    "  iosonde dirtop -D /home,/srv 5       every five seconds\n",
	.kind = TOOL_TABLE,
	.row = { "dir", columns },
	.options = options,
	.cfg_size = sizeof(struct dirtop_cfg),
	.probes = probes,
	.image = &bpf_dirtop,
	.calls = calls,
	.drain = { .map = "dirtop_dirs",
		   .key_size = sizeof(struct dirtop_key),
		   .value_size = sizeof(struct dirtop_value),
		   .sums = sizeof(struct fileio_sums) / sizeof(__u64),
		   .no_clear = CFG(no_clear) },
	.ops = &ops,
};
