/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/funccount.h"

#include "core/tool.h"

BPF_IMAGE(funccount);

struct funccount_row {
	struct many_key key;
	struct funccount_value value;
	__u64 ts_ns;
	struct many_row target;
};

#define R(member) FIELD(struct funccount_row, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "index", R(key.index), U_ID, .flags = COL_KEY | COL_HIDDEN,
	  .help = "number of the function among those that were asked for" },
	{ "address", R(target.address), U_HEX, .width = 18, .flags = COL_OPTIONAL,
	  .help = "of the function, as in /proc/kallsyms" },
	{ "function", R(target.name), U_TEXT, .width = 26, .help = "function, or tracepoint" },
	{ "module", R(target.module), U_TEXT, .flags = COL_HIDDEN,
	  .help = "module that the function belongs to" },
	{ "hook", R(target.how), U_TEXT, .flags = COL_HIDDEN, .help = "how it was hooked" },
	{ "count", R(value.count), U_COUNT, .help = "calls" },
	{}
};

static const struct probe probes[] = { { "functions", { { { "funccount_hit" } } } }, {} };

static const char *const vfs[] = { "^vfs_", NULL };

static const struct tool_alias aliases[] = {
	{ "vfscount", "calls of the VFS's functions: funccount '^vfs_'", vfs }, {}
};

const struct tool tool_funccount = {
	.name = "funccount",
	.layer = "func",
	.summary = "calls of kernel functions, by function",
	.text = "Counts the calls of every kernel function that PATTERN selects, and shows those\n"
		"that were called, least first: at the end, or every -i. 'vfs_*' is a glob,\n"
		"'/^vfs_(read|write)$/' a regular expression, and so is what begins with ^;\n"
		"'t:block:*' are tracepoints. A number is a duration: vfscount 5. Functions that\n"
		"can't be hooked are listed on stderr.",
	.examples = "  iosonde funccount 'vfs_*'                       until interrupted\n"
		    "  iosonde funccount -i 1 -d 5 vfs_read            five reports\n"
		    "  iosonde funccount 'ext4_*' '/^jbd2_/' -- sync   what one command calls\n"
		    "  iosonde funccount -p 185 t:block:*              tracepoints\n"
		    "  iosonde vfscount 10                             vfs_* for ten seconds\n",
	.kind = TOOL_TABLE,
	.one_report = true,
	.aliases = aliases,
	.row = { "function", columns },
	.probes = probes,
	.image = &bpf_funccount,
	.no_by = "--by: there is one count per function, of all callers; -p, -n, --cgroup or -- "
		 "COMMAND choose whose calls are counted",
	.drain = { .map = "calls",
		   .key_size = sizeof(struct many_key),
		   .value_size = sizeof(struct funccount_value),
		   .order = DRAIN_SMALLEST },
	.many = { .prog = "funccount_hit", .functions = true },
};
