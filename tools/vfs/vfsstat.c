/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/vfs/vfsstat.h"

#include "bpf/calls/uring.h"
#include "core/tool.h"

BPF_IMAGE(vfsstat);

/* enum vfs_call */
static const char *const calls[] = {
	"read",	    "pread64", "readv",	   "preadv",	"preadv2",   "write",
	"pwrite64", "writev",  "pwritev",  "pwritev2",	"fsync",     "fdatasync",
	"msync",    "open",    "creat",	   "openat",	"openat2",   "open_by_handle_at",
	"mknod",    "mknodat", "unlink",   "unlinkat",	"mkdir",     "mkdirat",
	"rmdir",    "rename",  "renameat", "renameat2", "io_submit", NULL
};

#define R(member) FIELD(struct vfsstat_row, member)

/* Each kind twice: as a rate, and for machines as the number itself. */
#define KIND(member, number, help_)                                                                \
	{ #member, R(value.member), U_RATE, .help = help_ },                                       \
	{                                                                                          \
		number, R(value.member), U_COUNT, .flags = COL_HIDDEN,                             \
						  .help = "in the whole interval"                  \
	}

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "calls", R(value.calls), U_COUNT, .flags = COL_HIDDEN,
	  .help = "all of them; an open that made a file is one" },
	KIND(read, "reads", "read, pread, readv, preadv and their like, per second"),
	KIND(write, "writes", "write, pwrite, writev, pwritev and their like"),
	KIND(fsync, "fsyncs", "fsync, fdatasync, msync with MS_SYNC"),
	KIND(open, "opens", "open, openat, openat2, creat, open_by_handle_at"),
	KIND(create, "creates", "files made by an open, which counts as such, or by mknod"),
	KIND(unlink, "unlinks", "unlink, unlinkat"),
	KIND(mkdir, "mkdirs", "mkdir, mkdirat"),
	KIND(rmdir, "rmdirs", "rmdir, unlinkat with AT_REMOVEDIR"),
	KIND(rename, "renames", "rename, renameat, renameat2"),
	{}
};

#define BLIND "what the kernel does without being called: nfsd, loop devices"

static const struct probe probes[] = {
	{ "system calls",
	  { { { "vfs_exit" }, .blind = BLIND }, { { "vfs_exit_tp" }, .blind = BLIND } } },
	{ "io_uring", URING_RUNGS, .without = "what io_uring does is not counted" },
	{}
};

const struct tool tool_vfsstat = {
	.name = "vfsstat",
	.layer = "vfs",
	.summary = "file operations per second",
	.text = "One row per interval: how often files were read, written, synced, opened, made, "
		"removed\n"
		"and renamed, by system calls, io_uring and libaio. Calls that failed count, too, "
		"but\n"
		"create counts files that came into being.",
	.examples = "  iosonde vfsstat              every second\n"
		    "  iosonde vfsstat -p 1234 10 6 one process, a minute in steps of ten seconds\n"
		    "  iosonde vfsstat -- make      what a build asks of the VFS\n",
	.kind = TOOL_TABLE,
	.row = { "vfs", columns },
	.probes = probes,
	.image = &bpf_vfsstat,
	.calls = calls,
	.drain = { .map = "operations",
		   .key_size = sizeof(struct vfsstat_key),
		   .value_size = sizeof(struct vfsstat_value) },
};
