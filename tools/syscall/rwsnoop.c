/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/rwsnoop.h"

#include <string.h>

#include "core/base/log.h"
#include "core/run/run.h"
#include "core/tool.h"

BPF_IMAGE(rwsnoop);

static const char *const calls[] = { FILEIO_CALLS, NULL };
static const char *const routes[] = { FILEIO_ROUTE_NAMES, NULL };
static const struct flag_name flags[] = { FILEIO_FLAG_NAMES, {} };
static const char *const directions[] = { "read", "write", NULL };

#define E(member) FIELD(struct fileio_row, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "pid", E(pid), U_ID, .width = 7, .flags = COL_FOLDS },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_FOLDS | COL_HIDDEN },
	{ "comm", E(comm), U_TEXT, .width = 16, .flags = COL_FOLDS },
	COLUMN_MNTNS(E(mntns)),
	{ "prio", E(prio), U_ID, .width = 4, .flags = COL_FOLDS, .keep = 1 },
	{ "user", E(uid), U_USER, .width = 8, .flags = COL_FOLDS, .help = "user" },
	{ "fd", E(fd), U_FD, .width = 4, .flags = COL_FOLDS },
	{ "fs", E(fs), U_TEXT, .width = 9, .flags = COL_FOLDS, .keep = 2,
	  .help = "type of the file's filesystem" },
	{ "route", E(route), U_ENUM, .width = 9, .names = routes, .flags = COL_FOLDS,
	  .help = "system call, or io_uring operation" },
	{ "rw", E(op), U_ENUM, .flags = COL_FOLDS | COL_HIDDEN, .names = directions,
	  .help = "was this file read or written" },
	{ "asked", E(asked), U_BYTES, .width = 6, .keep = 4 },
	{ "ret", E(ret), U_COUNT, .width = 6, .flags = COL_FOLDS },
	{ "bytes", E(bytes), U_BYTES, .flags = COL_FOLDS | COL_HIDDEN },
	{ "err", E(ret), U_ERRNO, .width = 6, .flags = COL_FOLDS },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY, .help = "entry to return" },
	{ "offset", E(offset), U_FD, .flags = COL_HIDDEN,
	  .help = "in the file, where that is known" },
	{ "how", E(flags), U_FLAGS, .flags = COL_HIDDEN, .flag_names = flags,
	  .help = "direct, append, nowait, dsync, fixed-file, worker, fd-changed, answered ..." },
	{ "ino", E(ino), U_ID, .flags = COL_HIDDEN, .help = "the file's number" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .enable = FIELD(struct rwsnoop_cfg, path),
	  .help = "the file: absolute, all mounts crossed" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

/* Equal calls of a second, counted. */
static const char *const top_words[] = { "--by",      "pid,comm,prio,user,fd,fs,ret",
					 "--columns", "pid,comm,prio,user,fd,fs,ret,count,rank",
					 "--top",     "10",
					 "-i",	      "1",
					 NULL };
static const char *const reads_only[] = { "--reads", NULL };
static const char *const writes_only[] = { "--writes", NULL };
static const struct tool_alias aliases[] = { { "readsnoop", "rwsnoop --reads", reads_only },
					     { "writesnoop", "rwsnoop --writes", writes_only },
					     { "write", "rwsnoop --writes", writes_only },
					     {} };

#define CFG(member) FIELD(struct rwsnoop_cfg, member)

static const struct option_spec options[] = {
	{ "reads", 0, CFG(reads), .kind = OPT_FLAG, .help = "only what is read" },
	{ "writes", 0, CFG(writes), .kind = OPT_FLAG, .help = "only what is written" },
	{ "count-rows", 'c', .kind = OPT_EXPAND, .names = top_words,
	  .help = "every second the ten most frequent rows, without time and file: "
		  "--by pid,comm,prio,user,fd,fs,ret --top 10 -i 1, without latencies" },
	{ "timestr", 'v', .kind = OPT_RENAMED, .help = "the time of day is -T" },
	{}
};

static const struct probe probes[] = {
	{ "file I/O", { FILEIO_CALL_RUNGS }, .unless = CFG(fold) },
	{ "file I/O", { FILEIO_FUNCTION_RUNG(""), FILEIO_RETURN_RUNGS }, .when = CFG(fold) },
	FILEIO_URING,
	FILEIO_AIO,
	{}
};

static const struct map_spec maps[] = { { "folded", .when = CFG(fold) },
					{ "memo", .when = CFG(fold) },
					{} };

static bool prepare(struct run *run)
{
	const struct rwsnoop_cfg *cfg = run_cfg(run);

	if (cfg->reads && cfg->writes)
		log_error("--reads and --writes exclude each other; both are shown by default");
	return !cfg->reads || !cfg->writes;
}

static void unfold(const void *value_, void *row)
{
	const struct rwsnoop_value *value = value_;
	const struct rwsnoop_group *group = &value->group;
	struct fileio_row *r = row;

	r->pid = group->ids >> 32;
	r->tid = (__u32)group->ids;
	r->uid = group->uid;
	r->prio = group->prio;
	r->fd = group->fd;
	r->route = group->route >> 1;
	r->op = group->route & 1;
	r->ret = group->ret;
	r->bytes = group->ret > 0 ? (__u64)group->ret : 0;
	memcpy(r->comm, group->comm, sizeof(r->comm));
	memcpy(r->fs, value->fs, sizeof(r->fs));
}

static const struct tool_ops ops = { .prepare = prepare };

const struct tool tool_rwsnoop = {
	.name = "rwsnoop",
	.layer = "syscall",
	.summary = "reads and writes, each with its file, size and result",
	.text = "One row per read and write of a file, pipe, socket or device, by whatever\n"
		"route: read, pread, readv, preadv2 ..., io_uring, sendfile, splice and\n"
		"copy_file_range. The last three make two rows, for they read one file and\n"
		"write another.",
	.examples = "  iosonde rwsnoop -- make              everything that make reads and writes\n"
		    "  iosonde rwsnoop --writes -p 1234     what process 1234 writes\n"
		    "  iosonde rwsnoop --where 'ret < 0'    only calls that fail\n",
	.kind = TOOL_EVENTS,
	.row = { "rw", columns },
	.options = options,
	.cfg_size = sizeof(struct rwsnoop_cfg),
	.probes = probes,
	.image = &bpf_rwsnoop,
	.calls = calls,
	.maps = maps,
	.fold = { .map = "folded",
		  .key_size = sizeof(struct rwsnoop_key),
		  .value_size = sizeof(struct rwsnoop_value),
		  .sums = 1,
		  .when = CFG(fold),
		  .row_size = sizeof(struct fileio_row),
		  .unfold = unfold },
	.aliases = aliases,
	.ops = &ops,
};
