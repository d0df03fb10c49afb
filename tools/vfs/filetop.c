/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/filetop.h"

#include "core/base/log.h"
#include "core/run/dirs.h"
#include "core/run/run.h"
#include "core/tool.h"

BPF_IMAGE(filetop);

static const char *const calls[] = { FILEIO_CALLS, FILEIO_NAMES_CALLS, NULL };
static const char *const kinds[] = { FILE_KIND_NAMES, NULL };

#define R(member)   FIELD(struct filetop_row, member)
#define CFG(member) FIELD(struct filetop_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "tid", R(key.tid), U_ID, .width = 7, .flags = COL_KEY | COL_BLANK },
	{ "comm", R(value.comm), U_TEXT, .width = 16, .flags = COL_KEY },
	{ "count", R(value.sums.io.count), U_COUNT, .flags = COL_HIDDEN,
	  .help = "reads and writes" },
	{ "reads", R(value.sums.io.reads), U_COUNT, .width = 6 },
	{ "writes", R(value.sums.io.writes), U_COUNT, .width = 6 },
	{ "errors", R(value.sums.io.errors), U_COUNT, .width = 6, .keep = 4,
	  .help = "those of both that failed" },
	{ "read_bytes", R(value.sums.io.read_bytes), U_BYTES },
	{ "write_bytes", R(value.sums.io.write_bytes), U_BYTES },
	{ "read_asked", R(value.sums.read_asked), U_BYTES, .flags = COL_HIDDEN,
	  .enable = CFG(asked), .help = "bytes that reads asked for (-e)" },
	{ "write_asked", R(value.sums.write_asked), U_BYTES, .flags = COL_HIDDEN,
	  .enable = CFG(asked), .help = "bytes that writes asked for (-e)" },
	{ "pid", R(value.pid), U_ID, .width = 7, .flags = COL_KEY | COL_HIDDEN | COL_BLANK },
	COLUMN_MNTNS(R(value.mntns)),
	{ "type", R(value.kind), U_ENUM, .width = 5, .flags = COL_KEY, .keep = 3, .names = kinds,
	  .help = "reg, dir, fifo, sock, chr, blk or other" },
	{ "dev", R(value.file.dev), U_DISK, .flags = COL_KEY | COL_HIDDEN,
	  .help = "device of the file's filesystem" },
	{ "ino", R(value.file.ino), U_ID, .flags = COL_KEY | COL_HIDDEN | COL_BLANK,
	  .help = "the file's number there" },
	{ "path", R(value.file.id), U_PATH, .flags = COL_KEY | COL_WIDE,
	  .help = "the file: absolute, all mounts crossed" },
	{}
};

static const struct option_spec options[] = {
	{ "all-files", 'a', CFG(all), .kind = OPT_FLAG,
	  .help = "all kinds of files: sockets, pipes, devices ..., not only regular ones" },
	{ "read-only", 0, CFG(reads), .kind = OPT_FLAG, .help = "only what is read" },
	{ "write-only", 0, CFG(writes), .kind = OPT_FLAG, .help = "only what is written" },
	{ "directory",
	  'D',
	  { .off = offsetof(struct filetop_cfg, dirs) },
	  .kind = OPT_CUSTOM,
	  .parse = dirs_parse,
	  .arg = "DIR[,DIR]",
	  .help = "only files below these directories; globs" },
	{ "asked", 'e', CFG(asked), .kind = OPT_FLAG,
	  .help = "show the bytes that were asked for, too" },
	{ "directory", 'd', .kind = OPT_RENAMED, .help = "a directory is -D DIR" },
	{ "maxrows", 0, .kind = OPT_RENAMED, .help = "the number of rows is -r N" },
	{ "noclear", 'C', CFG(no_clear), .kind = OPT_FLAG,
	  .help = "on a terminal, leave the tables before" },
	{}
};

static const struct column_switch switches[] = { { CFG(asked), "+read_asked,+write_asked" }, {} };

static const struct probe probes[] = { FILEIO_SUMS_PROBES,
				       DIRS_PROBE(struct filetop_cfg, dirs),
				       {} };

static bool prepare(struct run *run)
{
	struct filetop_cfg *cfg = run_cfg(run);

	cfg->some = cfg->reads || cfg->writes || cfg->dirs.given;
	if (cfg->reads && cfg->writes)
		log_error("--read-only and --write-only exclude each other; both are shown by "
			  "default");
	return !cfg->reads || !cfg->writes;
}

static const struct tool_ops ops = { .prepare = prepare, .start = dirs_start };

const struct tool tool_filetop = {
	.name = "filetop",
	.layer = "vfs",
	.summary = "the files that are read and written most, by thread",
	.text = "One row per thread and file, every second: reads and writes by whatever\n"
		"route, the bytes they returned, and how many failed. A file is what it is,\n"
		"not what it is called: a hard link, a bind mount or a new name makes no\n"
		"second row.",
	.examples = "  iosonde filetop                      every second, regular files\n"
		    "  iosonde filetop -C 5 3               three tables, five seconds each\n"
		    "  iosonde filetop -s write_bytes -r 20 -D /var/lib   the most written there\n",
	.kind = TOOL_TABLE,
	.row = { "file", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct filetop_cfg),
	.probes = probes,
	.image = &bpf_filetop,
	.calls = calls,
	.drain = { .map = "filetop_files",
		   .key_size = sizeof(struct filetop_key),
		   .value_size = sizeof(struct filetop_value),
		   .sums = sizeof(struct filetop_sums) / sizeof(__u64),
		   .no_clear = CFG(no_clear) },
	.ops = &ops,
};
