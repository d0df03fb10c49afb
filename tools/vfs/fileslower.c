/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/fileslower.h"

#include "core/tool.h"

BPF_IMAGE(fileslower);

static const char *const calls[] = { FILEIO_CALLS, NULL };
static const char *const routes[] = { FILEIO_ROUTE_NAMES, NULL };
static const struct flag_name flags[] = { FILEIO_FLAG_NAMES, {} };
static const char *const directions[] = { "read", "write", NULL };

#define E(member) FIELD(struct fileio_row, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	COLUMN_MNTNS(E(mntns)),
	{ "pid", E(pid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "tid", E(tid), U_ID, .width = 7 },
	{ "rw", E(op), U_ENUM, .width = 5, .names = directions,
	  .help = "was the file read or written" },
	{ "bytes", E(bytes), U_BYTES, .width = 6 },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY, .help = "entry to return" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .enable = FIELD(struct fileslower_cfg, path),
	  .help = "the file: absolute, all mounts crossed" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "fd", E(fd), U_FD, .flags = COL_HIDDEN },
	{ "fs", E(fs), U_TEXT, .flags = COL_HIDDEN, .help = "type of the file's filesystem" },
	{ "route", E(route), U_ENUM, .flags = COL_HIDDEN, .names = routes,
	  .help = "system call, or io_uring operation" },
	{ "asked", E(asked), U_BYTES, .flags = COL_HIDDEN },
	{ "ret", E(ret), U_COUNT, .flags = COL_HIDDEN },
	{ "err", E(ret), U_ERRNO, .flags = COL_HIDDEN },
	{ "offset", E(offset), U_FD, .flags = COL_HIDDEN,
	  .help = "in the file, where that is known" },
	{ "how", E(flags), U_FLAGS, .flags = COL_HIDDEN, .flag_names = flags,
	  .help = "direct, append, nowait, dsync, fixed-file, worker, fd-changed ..." },
	{ "dev", E(dev), U_DISK, .flags = COL_HIDDEN },
	{ "ino", E(ino), U_ID, .flags = COL_HIDDEN, .help = "the file's number there" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

#define CFG(member) FIELD(struct fileslower_cfg, member)

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .deflt = "10ms", .arg = "DURATION",
	  .positional = true, .help = "only operations that take at least this long; in ms" },
	{ "all-files", 'a', CFG(all), .kind = OPT_FLAG,
	  .help = "all kinds of files: sockets, pipes, devices, procfs ..." },
	{}
};

static const struct probe probes[] = { FILEIO_PROBES, {} };

const struct tool tool_fileslower = {
	.name = "fileslower",
	.layer = "vfs",
	.summary = "reads and writes of files that take long",
	.text = "One row per read or write of a regular file that took at least 10 ms, by\n"
		"whatever route. The time is that of the call, from entry to return, and\n"
		"of io_uring requests from submission to completion; whether the data was\n"
		"cached makes no difference.",
	.examples = "  iosonde fileslower                   10 ms and more\n"
		    "  iosonde fileslower 1                 1 ms and more\n"
		    "  iosonde fileslower -m 500us -a       sockets, pipes and devices, too\n",
	.kind = TOOL_EVENTS,
	.row = { "slow", columns },
	.options = options,
	.cfg_size = sizeof(struct fileslower_cfg),
	.probes = probes,
	.image = &bpf_fileslower,
	.calls = calls,
};
