/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/fs/fsslower.h"

#include "core/tool.h"
#include "tools/fs/fs_options.h"

BPF_IMAGE(fsslower);

static const char *const routes[] = { FILEIO_OPS_ROUTE_NAMES, NULL };
static const struct flag_name flags[] = { FILEIO_FLAG_NAMES, {} };

#define E(member)   FIELD(struct fileio_row, member)
#define CFG(member) FIELD(struct fsslower_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the operation was over" },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	COLUMN_MNTNS(E(mntns)),
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .flags = COL_HIDDEN },
	{ "op", E(op), U_ENUM, .width = 7, .names = fs_ops,
	  .help = "read, write, open, fsync, getattr" },
	{ "bytes", E(bytes), U_BYTES, .width = 6,
	  .help = "bytes that were transferred; 0 where a whole file is synced" },
	{ "offset", E(offset), U_FD, .width = 9,
	  .help = "in the file, in bytes; none where there is no place in it" },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY, .help = "entry to return" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .enable = CFG(path),
	  .help = "the file: absolute, all mounts crossed" },
	{ "fs", E(fs), U_TEXT, .flags = COL_HIDDEN },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "fd", E(fd), U_FD, .flags = COL_HIDDEN, .help = "descriptor; of an open, the new one" },
	{ "route", E(route), U_ENUM, .flags = COL_HIDDEN, .names = routes,
	  .help = "system call, or io_uring operation" },
	{ "asked", E(asked), U_BYTES, .flags = COL_HIDDEN },
	{ "ret", E(ret), U_COUNT, .flags = COL_HIDDEN },
	{ "err", E(ret), U_ERRNO, .flags = COL_HIDDEN },
	{ "how", E(flags), U_FLAGS, .flags = COL_HIDDEN, .flag_names = flags,
	  .help = "direct, append, nowait, dsync, fixed-file, worker, fd-changed ..." },
	{ "dev", E(dev), U_DISK, .flags = COL_HIDDEN },
	{ "ino", E(ino), U_ID, .flags = COL_HIDDEN, .help = "the file's number there" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

static const char *const csv_words[] = { "-o", "csv", NULL };

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .deflt = "10ms", .arg = "DURATION",
	  .positional = true, .help = "only operations that take at least this long; in ms" },
	FS_OPTIONS(CFG(fs.n_types)),
	{ "csv", 'j', .kind = OPT_EXPAND, .names = csv_words, .help = "the same as -o csv" },
	{}
};

static const struct tool_alias aliases[] = {
	{ "ext4slower", "fsslower --fs ext4", fs_ext4_words },
	{ "xfsslower", "fsslower --fs xfs", fs_xfs_words },
	{ "btrfsslower", "fsslower --fs btrfs", fs_btrfs_words },
	{ "nfsslower", "fsslower --fs nfs,nfs4 with getattr", fs_nfs_words },
	{ "f2fsslower", "fsslower --fs f2fs", fs_f2fs_words },
	{ "fuseslower", "fsslower --fs fuse,fuseblk", fs_fuse_words },
	{ "overlayslower", "fsslower --fs overlay", fs_overlay_words },
	{ "zfsslower", "fsslower --fs zfs", fs_zfs_words },
	{}
};

static const struct probe probes[] = { FILEIO_OPS_PROBES, {} };

const struct tool tool_fsslower = {
	.name = "fsslower",
	.layer = "fs",
	.summary = "operations on files that take long, by type of filesystem",
	.text = "One row per read, write, open and fsync of a file that took at least 10 ms, on\n"
		"every filesystem or on those of --fs. The time is that of the call, from entry\n"
		"to return, and of io_uring requests from submission to completion.",
	.examples = "  iosonde fsslower                     10 ms and more, on any filesystem\n"
		    "  iosonde fsslower --fs xfs,ext4 1     1 ms and more, on those two\n"
		    "  iosonde fsslower 0 --ops fsync -p 12 every fsync of process 12\n"
		    "  iosonde ext4slower                   the same as fsslower --fs ext4\n",
	.aliases = aliases,
	.kind = TOOL_EVENTS,
	.row = { "slow", columns },
	.options = options,
	.cfg_size = sizeof(struct fsslower_cfg),
	.probes = probes,
	.image = &bpf_fsslower,
	.calls = fs_calls,
};
