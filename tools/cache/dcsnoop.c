/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/tool.h"
#include "tools/cache/dentries.h"
#include "tools/cache/dentry_tables.h"

BPF_IMAGE(dcsnoop);

#define E(member) FIELD(struct dcsnoop_event, member)

static const char *const types[] = { "", "R", "N", "M", NULL }; /* enum dentry_kind */
static const char *const walks[] = { "fast", "slow", NULL };

static const struct column columns[] = {
	{ "time", E(rec.ts_ns), U_CLOCK,
	  .help = "when the filesystem had answered, or it was found" },
	{ "pid", E(pid), U_ID, .width = 7, .help = "process" },
	{ "tid", E(tid), U_ID, .width = 7, .flags = COL_HIDDEN, .help = "thread" },
	{ "user", E(uid), U_USER, .flags = COL_HIDDEN, .help = "user" },
	{ "comm", E(comm), U_TEXT, .width = 16, .help = "command" },
	COLUMN_MNTNS(E(mntns)),
	{ "type", E(kind), U_ENUM, .width = 4, .keep = 8, .names = types,
	  .help = "M: missing, the filesystem was asked; with -a R: found, N: found not to exist" },
	{ "walk", E(slow), U_ENUM, .flags = COL_HIDDEN, .names = walks,
	  .help = "fast: by the first look, without locks as a rule; or slow" },
	{ "lat", E(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY | COL_BLANK,
	  .help = "until the filesystem had answered" },
	{ "path", E(path), U_PATH, .flags = COL_WIDE,
	  .help = "the name, absolute, on one of the mounts that show it" },
	{ "kstack", E(kstack), U_STACK, .help = "kernel stack (--kstack)" },
	{ "ustack", E(ustack), U_STACK, .help = "user stack (--ustack)" },
	{}
};

static const struct option_spec options[] = { { "all", 'a', FIELD(struct dcsnoop_cfg, all),
						.kind = OPT_FLAG,
						.help = "names that were found, too" },
					      {} };

static const struct probe probes[] = {
	DENTRY_PROBES,
	{ "answers of filesystems",
	  { { { "dcsnoop_spliced(inode,dentry)", "dcsnoop_spliced_ops(inode,dentry,*)",
		"dcsnoop_added(dentry,inode)", "dcsnoop_given_up(dentry)" } },
	    { { "dcsnoop_spliced(inode,dentry)", "dcsnoop_added(dentry,inode)",
		"dcsnoop_given_up(dentry)" } },
	    { { "dcsnoop_spliced(inode,dentry)", "dcsnoop_added(dentry,inode)",
		"dcsnoop_given_up_old(dentry)" } } } },
	{ "names of threads that end",
	  { { { "dcsnoop_thread_done" } }, { { "dcsnoop_thread_done_tp" } } } },
	{}
};

const struct tool tool_dcsnoop = {
	.name = "dcsnoop",
	.layer = "cache",
	.summary = "names that are not found among the dentries in memory; -a: all that are looked "
		   "for",
	.text = "One row per component of a path that is not in memory, when the filesystem that\n"
		"was asked for it has answered, whether there is such a file or not.",
	.examples = "  iosonde dcsnoop                      names that filesystems are asked for\n"
		    "  iosonde dcsnoop --where 'lat > 1ms'  those that took long to come by\n"
		    "  iosonde dcsnoop -a -p 1234           each name a process looks for\n",
	.kind = TOOL_EVENTS,
	.row = { "dcache", columns },
	.options = options,
	.cfg_size = sizeof(struct dcsnoop_cfg),
	.probes = probes,
	.image = &bpf_dcsnoop,
};
