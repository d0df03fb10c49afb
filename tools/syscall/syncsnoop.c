/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/syncsnoop.h"

#include "bpf/calls/uring.h"
#include "core/tool.h"

BPF_IMAGE(syncsnoop);

/* io_uring's operations aren't system calls of their own: '-' keeps their place in the enum. */
static const char *const calls[] = { "sync",
				     "fsync",
				     "fdatasync",
				     "msync",
				     "?sync_file_range",
				     "syncfs",
				     "write",
				     "pwrite64",
				     "writev",
				     "pwritev",
				     "pwritev2",
				     "sendfile",
				     "?sendfile64",
				     "splice",
				     "copy_file_range",
				     "-io_uring fsync",
				     "-io_uring fdatasync",
				     "-io_uring sync_file_range",
				     "-io_uring write",
				     NULL };

static const char *const call_names[] = { "",
					  "sync",
					  "fsync",
					  "fdatasync",
					  "msync",
					  "sync_file_range",
					  "syncfs",
					  "write",
					  "pwrite",
					  "writev",
					  "pwritev",
					  "pwritev2",
					  "sendfile",
					  "sendfile",
					  "splice",
					  "copy_file_range",
					  "io_uring fsync",
					  "io_uring fdatasync",
					  "io_uring sync_file_range",
					  "io_uring write",
					  NULL };

#define BIT(value, name)                                                                           \
	{                                                                                          \
		value, value, name                                                                 \
	}

static const struct flag_name how_names[] = { BIT(HOW_O_SYNC, "O_SYNC"),
					      BIT(HOW_O_DSYNC, "O_DSYNC"),
					      BIT(HOW_RWF_SYNC, "RWF_SYNC"),
					      BIT(HOW_RWF_DSYNC, "RWF_DSYNC"),
					      BIT(HOW_MOUNT, "sync mount"),
					      BIT(HOW_INODE, "sync inode"),
					      BIT(1 << HOW_MSYNC, "MS_ASYNC"),
					      BIT(2 << HOW_MSYNC, "MS_INVALIDATE"),
					      BIT(4 << HOW_MSYNC, "MS_SYNC"),
					      BIT(1 << HOW_RANGE, "WAIT_BEFORE"),
					      BIT(2 << HOW_RANGE, "WRITE"),
					      BIT(4 << HOW_RANGE, "WAIT_AFTER"),
					      {} };

#define E(member) FIELD(struct sync_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	COLUMN_MNTNS(E(mntns)),
	{ "call", E(call), U_ENUM, .width = 15, .names = call_names,
	  .help = "system call, or io_uring operation" },
	{ "how", E(how), U_FLAGS, .width = 9, .flag_names = how_names,
	  .help = "what makes a write synchronous, or the flags of the call" },
	{ "ret", E(ret), U_COUNT, .width = 6 },
	{ "err", E(ret), U_ERRNO, .flags = COL_HIDDEN },
	{ "lat", E(lat_ns), U_NSEC, .flags = COL_LATENCY, .help = "entry to return" },
	{ "bytes", E(bytes), U_BYTES, .flags = COL_OPTIONAL,
	  .help = "written, or of the range; none where the call is about a whole file" },
	{ "fd", E(fd), U_FD, .flags = COL_HIDDEN, .help = "descriptor that was passed" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .help = "absolute, all mounts crossed" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

static const struct option_spec options[] = { { "failed", 'x', FIELD(struct sync_cfg, failed_only),
						.kind = OPT_FLAG,
						.help = "only calls that failed" },
					      {} };

#define UNMAPPED "which file an msync() is about"

static const struct probe probes[] = {
	{ "system calls",
	  { { { "sync_enter_mapped", "sync_exit" } },
	    { { "sync_enter_mapped_tp", "sync_exit_tp" } },
	    { { "sync_enter", "sync_exit" }, .blind = UNMAPPED },
	    { { "sync_enter_tp", "sync_exit_tp" }, .blind = UNMAPPED } } },
	{ "io_uring", URING_RUNGS, .without = "what io_uring syncs is not seen" },
	{}
};

const struct tool tool_syncsnoop = {
	.name = "syncsnoop",
	.layer = "syscall",
	.summary = "who waits for data to reach the disk",
	.text = "One row per sync(), fsync(), fdatasync(), msync(), sync_file_range() and "
		"syncfs(),\n"
		"when it returns, and per write that has to reach the disk before it returns: by\n"
		"O_SYNC, O_DSYNC, RWF_SYNC or RWF_DSYNC, on a file system mounted with -o sync or "
		"a\n"
		"file with chattr +S. The same through io_uring, but for requests that it turns "
		"down\n"
		"before they are submitted.",
	.examples = "  iosonde syncsnoop -p 1234              what a database makes sure of\n"
		    "  iosonde syncsnoop --where 'lat > 10ms'  only those that took long\n"
		    "  iosonde syncsnoop --by comm,path -i 1   how often, and how long, per file\n",
	.kind = TOOL_EVENTS,
	.row = { "sync", columns },
	.options = options,
	.cfg_size = sizeof(struct sync_cfg),
	.probes = probes,
	.image = &bpf_syncsnoop,
	.calls = calls,
};
