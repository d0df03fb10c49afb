/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/mem/memtop.h"

#include "bpf/mem/reclaim.h"
#include "core/tool.h"

BPF_IMAGE(memtop);

struct memtop_row {
	struct memtop_key key;
	struct memtop_value value;
	__u64 ts_ns;
	__u64 span_ns;
};

#define R(member)   FIELD(struct memtop_row, member)
#define CFG(member) FIELD(struct memtop_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "pid", R(key.pid), U_ID, .width = 7, .flags = COL_KEY | COL_BLANK },
	{ "user", R(value.uid), U_USER, .width = 8, .flags = COL_KEY | COL_HIDDEN,
	  .help = "its user" },
	{ "comm", R(value.comm), U_TEXT, .width = 16, .flags = COL_KEY | COL_BLANK,
	  .help = "its command" },
	{ "faults", R(value.faults), U_COUNT, .width = 7 },
	{ "major", R(value.major), U_COUNT, .width = 5 },
	{ "reclaims", R(value.reclaims), U_COUNT, .width = 8, .keep = 2 },
	{ "reclaim", R(value.reclaim_ns), U_NSEC, .width = 7 },
	{ "pages", R(value.pages), U_COUNT, .width = 6, .keep = 3, .help = "that these freed" },
	{ "swap_in", R(value.swap_in), U_COUNT, .width = 7, .flags = COL_BLANK },
	{ "swap_out", R(value.swap_out), U_COUNT, .width = 8, .flags = COL_BLANK },
	{ "refaults", R(value.refaults), U_COUNT, .width = 8, .flags = COL_BLANK },
	{ "count", R(value.count), U_COUNT, .flags = COL_HIDDEN,
	  .help = "faults, reclaims, and pages of the other columns" },
	{ "cgroup", R(key.group), U_CGROUP, .flags = COL_KEY | COL_HIDDEN | COL_ASKED | COL_WIDE,
	  .help = "who pays (-G): whose limit was met, whose pages they are" },
	{}
};

static const struct option_spec options[] = { { "cgroups", 'G', CFG(by_cgroup), .kind = OPT_FLAG,
						.help = "a row per cgroup" },
					      { "noclear", 'C', CFG(no_clear), .kind = OPT_FLAG,
						.help = "on a terminal, leave the tables before" },
					      OPTION_CHECK(struct memtop_cfg),
					      {} };

static const struct column_switch switches[] = { { CFG(by_cgroup), "-pid,-comm,+cgroup" }, {} };

#define GUP "faults of what system calls touch by get_user_pages(): direct I/O, mlock, exec"

/*
 * What is skipped at the last two comes in an interrupt that finds the program at work, and there
 * nothing swaps and no page comes back: those are other changes of the same accounts.
 */
/* clang-format off */
static const struct probe probes[] = {
	{ "faults", { { { "fault_major", "fault_minor" }, .blind = GUP } } },
	RECLAIM_PROBE(false),
	RECLAIM_LIMIT_PROBE,
	{ "swap",
	  { { { "swap_told(mem_cgroup,int,*)" } },
	    { { "swap_told_in", "swap_told_out" } },
	    { { "swap_told_in_page", "swap_told_out" } } },
	  .without = "pages that go to swap and come from there",
	  .aside = true },
	{ "refaults",
	  { { { "refault_told(mem_cgroup,int,*)" } }, { { "refault_told_page" } } },
	  .without = "refaults",
	  .aside = true },
	{}
};
/* clang-format on */

#define THEIRS "pages of this cgroup that others bring, and of others that its processes bring"

static const struct book books[] = {
	RECLAIM_BOOK_ROWS(1),
	[BOOK_SWAP_IN] = { "vmstat pswpin", BOOK_AT_LEAST,
			   "pages that need no disk (all zeros, or kept packed) are ours, too",
			   .probe = 3 },
	[BOOK_SWAP_OUT] = { "vmstat pswpout", .probe = 3 },
	[BOOK_FAULTS] = { "memory.stat pgfault", BOOK_NEAR,
			  "a fault that is tried again counts again; those of get_user_pages(), "
			  "too; the kernel adds up its CPUs' counts late" },
	[BOOK_REFAULTS] = { "memory.stat workingset_refault*", BOOK_NEAR, THEIRS, .probe = 4 },
	{}
};

const struct tool tool_memtop = {
	.name = "memtop",
	.layer = "mem",
	.summary = "who wants memory, and what it has to do for it; -G: by cgroup",
	.text = "One row per process, every second: its page faults, the time it spent on freeing\n"
		"memory, pages that it brought from swap and wrote there, and refaults: pages\n"
		"that it read again because they had been thrown away. With -G a row per cgroup:\n"
		"the one that pays, whoever did it.",
	.examples = "  iosonde memtop                every second\n"
		    "  iosonde memtop -G 5           by cgroup, every five seconds\n"
		    "  iosonde memtop -s reclaim     who waits longest for memory first\n",
	.kind = TOOL_TABLE,
	.row = { "memtop", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct memtop_cfg),
	.probes = probes,
	.image = &bpf_memtop,
	.books = books,
	.check = CFG(check.on),
	.drain = { .map = "memtop_rows",
		   .key_size = sizeof(struct memtop_key),
		   .value_size = sizeof(struct memtop_value),
		   .no_clear = CFG(no_clear) },
};
