/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/cache/readpath.h"

#include "bpf/fileio/fileio.h"
#include "core/tool.h"

BPF_IMAGE(readpath);

struct readpath_row {
	struct readpath_key key;
	struct readpath_sums sums;
	struct hist_stats lat;
	__u64 ts_ns;
	__u64 length_ns;
};

#define R(member)   FIELD(struct readpath_row, member)
#define CFG(member) FIELD(struct readpath_cfg, member)

/* enum read_way */
static const char *const ways[] = { "",	     "hit",    "own",	"other",   "miss", "direct",
				    "mixed", "mapped", "apart", "nothing", NULL };

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .flags = COL_HIDDEN, .help = "end of the interval" },
	{ "pid", R(key.pid), U_ID, .width = 7, .flags = COL_KEY | COL_HIDDEN | COL_BLANK,
	  .help = "process (-P)" },
	{ "comm", R(key.comm), U_TEXT, .flags = COL_KEY | COL_HIDDEN | COL_BLANK,
	  .help = "its command (-P)" },
	{ "way", R(key.way), U_ENUM, .width = 7, .flags = COL_KEY, .names = ways,
	  .help = "how the reads came to their data: below" },
	{ "count", R(sums.count), U_COUNT, .help = "reads; of mapped files, page faults" },
	{ "bytes", R(sums.bytes), U_BYTES, .help = "what they got; of a fault, its page" },
	{ "total", R(lat.sum), U_NSEC, .help = "time in them" },
	{ "share", R(lat.sum), U_SHARE, .of = R(sums.whole_ns), .help = "of the time of all rows" },
	{ "p50", R(lat.p50), U_NSEC, .help = "median, within 1/8" },
	{ "p99", R(lat.p99), U_NSEC, .help = "99th percentile, within 1/8" },
	{ "max", R(lat.max), U_NSEC, .flags = COL_HIDDEN },
	{ "path", R(key.file.id), U_PATH, .flags = COL_KEY | COL_WIDE | COL_HIDDEN | COL_BLANK,
	  .help = "a name of the file (-F)" },
	{}
};

static const struct option_spec options[] = {
	{ "files", 'F', CFG(by_file), .kind = OPT_FLAG, .help = "per file" },
	{ "processes", 'P', CFG(by_process), .kind = OPT_FLAG, .help = "per process" },
	{}
};

static const struct column_switch switches[] = { { CFG(by_file), "+path" },
						 { CFG(by_process), "+pid,+comm" },
						 {} };

#define BLIND                                                                                      \
	"reads by io_uring and libaio, tee and vmsplice, reads by the kernel itself, mappings "    \
	"that are touched without a fault"

/* clang-format off */
#define FAULTS	   "way_fault(address_space,*)", "way_fault_around(address_space,*,*)"
#define FAULTS_FN  "way_fault_fn(vm_fault)", "way_fault_around_fn(vm_fault,*,*)"
#define FAULT_ENDS "way_fault_enter(vm_area_struct,*,*,pt_regs)", "way_fault_leave", \
	"way_thread_exit"
#define FAULT_ENDS_TOLD "way_fault_user", "way_fault_kernel", "way_fault_major", \
	"way_fault_minor", "way_thread_exit"
/* clang-format on */

static const struct probe probes[] = { { "reads", { FILEIO_CALL_RUNGS_(BLIND) } },
				       { "looks for pages",
					 { { { "way_looked(address_space,*,*)" } },
					   { { "way_looked_fn(kiocb,iov_iter,*)" } },
					   { { "way_looked_old(kiocb,iov_iter,*)" } } },
					 .aside = true },
				       { "pages that come, and waits for them",
					 { { { "way_added", "way_switch" } } },
					 .aside = true },
				       { "mapped files",
					 { { { FAULT_ENDS, FAULTS } },
					   { { FAULT_ENDS, FAULTS_FN } },
					   { { FAULT_ENDS_TOLD, FAULTS } } },
					 .without = "reads of mapped files are not seen" },
				       {} };

static const char *const calls[] = { FILEIO_CALLS, NULL };

static const struct hist_style style = { .scale = HIST_USECS };

const struct tool tool_readpath = {
	.name = "readpath",
	.layer = "cache",
	.summary = "reads of files by the way they took through the page cache",
	.text = "Counts reads of files, with their bytes and times, by how they came to their\n"
		"data:\n"
		"  hit      all of it was in memory\n"
		"  own      waited for a page that its thread had begun to bring before\n"
		"  other    waited for a page that somebody else had begun to bring\n"
		"  miss     brought pages that it asked for, and waited for them\n"
		"  direct   by O_DIRECT, past the page cache\n"
		"  mixed    began directly, and got the rest through the page cache\n"
		"  mapped   page faults of mapped files, a page each\n"
		"  apart    of a filesystem that has its own way to them, such as tmpfs\n"
		"  nothing  got no bytes: at the end of the file, or failed\n"
		"One that took several of the first four is the last of them.",
	.examples = "  iosonde readpath -- make     where a build's reads come from\n"
		    "  iosonde readpath -F -p 1234  a process, file by file\n"
		    "  iosonde readpath -P -i 5     who reads how, every five seconds\n",
	.kind = TOOL_TABLE,
	.one_report = true,
	.row = { "readpath", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct readpath_cfg),
	.probes = probes,
	.image = &bpf_readpath,
	.calls = calls,
	.drain = { .map = "ways",
		   .reserve = "ways_reserve",
		   .key_size = sizeof(struct readpath_key),
		   .value_size = sizeof(struct readpath_value),
		   .cpu = FIELD(struct readpath_key, cpu),
		   .hist_off = sizeof(struct readpath_sums),
		   .whole = R(sums.whole_ns),
		   .hist = &style },
};
