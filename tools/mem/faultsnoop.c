/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/faultsnoop.h"

#include "core/tool.h"

BPF_IMAGE(faultsnoop);

static const char *const accesses[] = { "", "read", "write", "exec", NULL };
static const char *const kinds[] = { "file", "shmem", "anon", "minor", NULL };
static const char *const modes[] = { "user", "kernel", NULL };

#define E(member)   FIELD(struct fault_event, member)
#define CFG(member) FIELD(struct faultsnoop_cfg, member)

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK, .help = "when it was over" },
	{ "comm", E(comm), U_TEXT, .width = 16, .help = "command" },
	COLUMN_MNTNS(E(mntns)),
	{ "pid", E(pid), U_ID, .width = 7, .help = "process" },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "thread" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "address", E(address), U_HEX, .width = 14, .keep = 3,
	  .help = "address that was touched" },
	{ "rw", E(access), U_ENUM, .width = 5, .flags = COL_BLANK, .names = accesses,
	  .help = "read, write, or exec: an instruction was fetched" },
	{ "kind", E(kind), U_ENUM, .width = 5, .names = kinds,
	  .help = "file: of a file on a disk; anon: memory without a file, and shmem: shared "
		  "memory or tmpfs, both from swap; minor: what was in memory (-a)" },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY | COL_BLANK,
	  .help = "how long the thread was kept" },
	{ "bytes", E(bytes), U_BYTES, .width = 6,
	  .help = "that it asked of disks meanwhile; 0: it waited for what others asked" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE, .help = "the file that is mapped" },
	{ "offset", E(offset), U_FD, .flags = COL_HIDDEN, .help = "in the file" },
	{ "state", E(call), U_ENUM, .flags = COL_HIDDEN, .names = modes,
	  .help = "user: the program itself; kernel: a system call that it made" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

static const struct option_spec options[] = {
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = 1000000, .deflt = "0", .arg = "DURATION",
	  .help = "only what took at least this long; in ms" },
	OPTION_CHECK(struct faultsnoop_cfg),
	{ "all", 'a', CFG(all), .kind = OPT_FLAG,
	  .help = "minor faults, too: those that had to wait for no disk" },
	{}
};

#define GUP "what system calls touch by get_user_pages(): direct I/O, mlock, MAP_POPULATE, exec"

static const struct probe probes[] = {
	{ "major faults", { { { "fault_major" }, .blind = GUP } } },
	{ "minor faults", { { { "fault_minor" } } }, .when = CFG(all) },
	{ "where faults begin",
	  { { { "fault_user", "fault_kernel", "fault_thread_exit" } } },
	  .without = "latency, bytes, and whether it was a read or a write",
	  .aside = true },
	{}
};

static const struct book books[] = { [BOOK_MAJOR] = { "process majflt", BOOK_AT_MOST, GUP }, {} };

const struct tool tool_faultsnoop = {
	.name = "faultsnoop",
	.layer = "mem",
	.summary = "threads that wait for a page: page faults that need a disk",
	.text = "One row per major page fault, when it is over: a program touched memory that had\n"
		"to be read first, from a file that it has mapped (its own code, too) or from\n"
		"swap. They are those that the kernel counts as majflt. A page that somebody\n"
		"else, or read-ahead, was reading already is waited for, too: its bytes are 0.",
	.examples = "  iosonde faultsnoop                       everybody\n"
		    "  iosonde faultsnoop --by path             which files, as a live table\n"
		    "  iosonde faultsnoop -m 10 -p 1234         10 ms and more, of a process\n"
		    "  iosonde faultsnoop -a -- ls              minor ones, too\n",
	.kind = TOOL_EVENTS,
	.row = { "fault", columns },
	.options = options,
	.cfg_size = sizeof(struct faultsnoop_cfg),
	.probes = probes,
	.books = books,
	.check = CFG(check.on),
	.image = &bpf_faultsnoop,
};
