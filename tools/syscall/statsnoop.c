/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/statsnoop.h"

#include "bpf/calls/slept.h"
#include "core/tool.h"

BPF_IMAGE(statsnoop);

static const char *const calls[] = { "?stat",	  "?lstat",	"fstat",     "?newfstatat",
				     "statx",	  "statfs",	"fstatfs",   "?oldstat",
				     "?oldlstat", "?oldfstat",	"?stat64",   "?lstat64",
				     "?fstat64",  "?fstatat64", "?statfs64", "?fstatfs64",
				     NULL };

static const char *const call_names[] = { "",	   "stat",   "lstat",	"fstat", "fstatat",
					  "statx", "statfs", "fstatfs", NULL };

static const struct flag_name at_flags[] = {
	{ 0x100, 0x100, "AT_SYMLINK_NOFOLLOW" },  { 0x800, 0x800, "AT_NO_AUTOMOUNT" },
	{ 0x1000, 0x1000, "AT_EMPTY_PATH" },	  { 0x2000, 0x2000, "AT_STATX_FORCE_SYNC" },
	{ 0x4000, 0x4000, "AT_STATX_DONT_SYNC" }, {}
};

#define E(member) FIELD(struct stat_event, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "pid", E(pid), U_ID, .width = 7 },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "comm", E(comm), U_TEXT, .width = 16 },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	COLUMN_MNTNS(E(mntns)),
	{ "call", E(call), U_ENUM, .width = 7, .names = call_names },
	{ "ret", E(ret), U_COUNT, .width = 4, .keep = 1 },
	{ "err", E(ret), U_ERRNO, .width = 12 },
	{ "dfd", E(dfd), U_FD, .flags = COL_HIDDEN,
	  .help = "descriptor that was passed: of the file, or of where its name starts" },
	{ "flags", E(flags), U_FLAGS, .flags = COL_HIDDEN, .flag_names = at_flags,
	  .help = "AT_* flags of fstatat() and statx()" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE,
	  .help = "as it was passed; where only a descriptor was, that file's own" },
	{ "full", E(full), U_PATH, .flags = COL_WIDE | COL_HIDDEN | COL_ASKED,
	  .enable = FIELD(struct stat_cfg, full),
	  .help = "absolute: the name, from where it starts, all mounts crossed (-F)" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

#define CFG(member) FIELD(struct stat_cfg, member)

static const struct option_spec options[] = {
	{ "failed", 'x', CFG(failed_only), .kind = OPT_FLAG, .help = "only calls that failed" },
	{ "full-path", 'F', CFG(show_full), .kind = OPT_FLAG,
	  .help = "absolute paths, with all mounts crossed" },
	{ "timestamp", 't', .kind = OPT_RENAMED,
	  .help = "the time is always shown, -T makes it the time of day; -t TID is a thread" },
	{ "sysname", 's', .kind = OPT_RENAMED,
	  .help = "the call is always shown; -s COLUMN is the order of a table" },
	{}
};

static const struct column_switch switches[] = { { CFG(show_full), "-path,+full" }, {} };

static const struct probe probes[] = { { "system calls",
					 { { { "stat_exit" }, .blind = "io_uring statx" },
					   { { "stat_exit_tp" }, .blind = "io_uring statx" } } },
				       SLEPT_PROBE,
				       {} };

const struct tool tool_statsnoop = {
	.name = "statsnoop",
	.layer = "syscall",
	.summary = "files that programs ask about, and those they don't find",
	.text = "One row per stat(), lstat(), fstat(), fstatat(), statx(), statfs() and "
		"fstatfs(),\n"
		"when it returns. PATH is what the program passed; for fstat(), fstatfs() and\n"
		"AT_EMPTY_PATH, which pass a descriptor, it is the path of that file. A call with\n"
		"neither a name that could be read nor a good descriptor has none.",
	.examples = "  iosonde statsnoop -- make                     all that make looks at\n"
		    "  iosonde statsnoop -x -p 1234                  what 1234 looks for in "
		    "vain\n"
		    "  iosonde statsnoop --where 'call == \"statfs\"'  who asks for free space\n"
		    "  iosonde statsnoop --by comm,path -i 1 -r 10   the ten most asked for\n",
	.kind = TOOL_EVENTS,
	.row = { "stat", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct stat_cfg),
	.probes = probes,
	.image = &bpf_statsnoop,
	.calls = calls,
};
