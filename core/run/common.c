/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/glob.h"
#include "core/run/drain.h"
#include "core/run/tables.h"
#include "out/sink.h"

#define SECOND 1000000000ULL

static bool parse_ids(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		      size_t err_size)
{
	struct id_list *list = (struct id_list *)((char *)cfg + spec->field.off);

	for (const char *p = arg;; p++) {
		char *end;
		unsigned long id = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;

		if (!id || id > INT32_MAX || (*end && *end != ',')) {
			snprintf(err, err_size,
				 "\"%s\" is not a %s; give numbers such as 1234 or 1234,5678", arg,
				 spec->letter == 't' ? "thread id" : "process id");
			return false;
		}
		if (list->n == MAX_IDS) {
			snprintf(err, err_size, "more than %d ids; use --cgroup or -n for many",
				 MAX_IDS);
			return false;
		}
		list->id[list->n++] = (uint32_t)id;
		p = end;
		if (!*p)
			return true;
	}
}

static bool parse_comm(const struct option_spec *spec, const char *arg, void *cfg, char *err,
		       size_t err_size)
{
	struct common_opts *opts = cfg;
	size_t len = strlen(arg);

	(void)spec;
	if (opts->n_comms == MAX_COMM_GLOBS) {
		snprintf(err, err_size,
			 "at most %d names; a glob such as 'postgres*' covers several",
			 MAX_COMM_GLOBS);
		return false;
	}
	if (!len || glob_shortest(arg, len) >= COMM_LEN) {
		snprintf(err, err_size,
			 "a command name has 1 to %d characters (the kernel cuts longer ones); "
			 "try '%.13s*'",
			 COMM_LEN - 1, arg);
		return false;
	}
	opts->comms[opts->n_comms++] = arg;
	return true;
}

static bool parse_buffer(const struct option_spec *spec, const char *arg, void *cfg, char *err,
			 size_t err_size)
{
	uint64_t *bytes = (uint64_t *)((char *)cfg + spec->field.off), value, size = 4096;
	const char *why;

	if (!unit_parse(U_BYTES, arg, strlen(arg), 0, &value, &why)) {
		snprintf(err, err_size, "\"%s\" is %s; try 64K, 4M or 1G", arg, why);
		return false;
	}
	if (!value || value > 1ULL << 30) {
		snprintf(err, err_size, "\"%s\" is outside 4K to 1G", arg);
		return false;
	}
	while (size < value) /* the kernel wants a power of two of whole pages */
		size *= 2;
	*bytes = size;
	return true;
}

static bool parse_pattern(const struct option_spec *spec, const char *arg, void *cfg, char *err,
			  size_t err_size)
{
	struct common_opts *opts = cfg;
	const char *why;

	(void)spec;
	if (*arg >= '0' && *arg <= '9') { /* no function's name begins so */
		if (unit_parse(U_NSEC, arg, strlen(arg), SECOND, &opts->duration_ns, &why) &&
		    opts->duration_ns)
			return true;
		snprintf(err, err_size, "\"%s\" is neither a function nor a duration", arg);
		return false;
	}
	if (opts->n_patterns == MAX_PATTERNS) {
		snprintf(err, err_size,
			 "more than %d patterns; a regular expression such as "
			 "'/^(vfs|ext4)_/' covers several",
			 MAX_PATTERNS);
		return false;
	}
	if (!pattern_take(&opts->patterns[opts->n_patterns], arg, err, err_size))
		return false;
	opts->n_patterns++;
	return true;
}

void common_free(struct common_opts *opts)
{
	while (opts->n_patterns)
		pattern_free(&opts->patterns[--opts->n_patterns]);
}

static const char *const formats[] = { "text", "json", "csv", NULL };

#define COMMON(member)	  .field = FIELD(struct common_opts, member)
#define COMMON_AT(member) .field = { .off = offsetof(struct common_opts, member) }

static const struct option_spec target_options[] = {
	{ "pid", 'p', COMMON_AT(pids), .kind = OPT_CUSTOM, .parse = parse_ids, .arg = "PID[,PID]",
	  .help = "only these processes, with all their threads" },
	{ "children", 0, COMMON(children), .kind = OPT_FLAG,
	  .help = "and all that these have started and will start" },
	{ "tid", 't', COMMON_AT(tids), .kind = OPT_CUSTOM, .parse = parse_ids, .arg = "TID[,TID]",
	  .help = "only these threads" },
	{ "user", 'u', COMMON(user), .kind = OPT_STRING, .arg = "USER",
	  .help = "only this user (name or uid)" },
	{ "name", 'n', COMMON_AT(comms), .kind = OPT_CUSTOM, .parse = parse_comm, .arg = "COMM",
	  .help = "only commands with this name; a glob, may be repeated" },
	{ "cgroup", 0, COMMON(cgroup), .kind = OPT_STRING, .arg = "PATH",
	  .help = "only this cgroup (v2) and those below it" },
	{ "mntns", 0, COMMON(mntns), .kind = OPT_STRING, .arg = "INODE|PID",
	  .help = "only this mount namespace, by inode, or that of a process" },
	{ "uid", 0, .kind = OPT_SAME, .arg = "user" },
	{ "cgroupmap", 0, .kind = OPT_RENAMED, .help = "a cgroup is --cgroup PATH" },
	{ "mntnsmap", 0, .kind = OPT_RENAMED,
	  .help = "a mount namespace is --mntns INODE, or --mntns PID for a process's" },
	{ "self", 0, COMMON(self), .kind = OPT_FLAG, .help = "include iosonde itself" },
	{}
};

static const struct option_spec function_options[] = {
	{ "function", 0, COMMON_AT(patterns), .kind = OPT_CUSTOM, .parse = parse_pattern,
	  .arg = "PATTERN", .positional = true,
	  .help = "kernel functions: a name, a glob, or /regex/; several may be given; "
		  "t:CATEGORY:NAME are tracepoints, e:NAME software events" },
	{ "regexp", 'r', .kind = OPT_RENAMED,
	  .help = "a regular expression stands between slashes: '/^vfs_(read|write)$/'" },
	{ "debug", 'D', .kind = OPT_RENAMED, .help = "--ebpf lists the programs" },
	{}
};

#define DURATION_OPTION(...)                                                                       \
	{                                                                                          \
		"duration", 'd', COMMON(duration_ns), U_NSEC,                                      \
			.bare = SECOND, .min = 1, .arg = "DURATION",                               \
			.help = "stop after this long", ##__VA_ARGS__                              \
	}
#define INTERVAL_OPTION(...)                                                                       \
	{                                                                                          \
		"interval", 'i', COMMON(interval_ns), U_NSEC,                                      \
			.bare = SECOND, .min = 1000000, .arg = "DURATION",                         \
			.help = "time between two reports", ##__VA_ARGS__                          \
	}
#define COUNT_OPTION(...)                                                                          \
	{                                                                                          \
		"count", 0, COMMON(count), U_COUNT, .min = 1, .arg = "N",                          \
						    .help = "stop after this many intervals",      \
						    ##__VA_ARGS__                                  \
	}

/* Rows as they happen have no interval, but for --by. */
static const struct option_spec event_options[] = { DURATION_OPTION(), {} };

/* Where bare words mean something else. */
static const struct option_spec report_options[] = {
	DURATION_OPTION(), INTERVAL_OPTION(), COUNT_OPTION(), {}
};

/* A histogram is one of the whole run unless an interval is given, a table one of each second. */
static const struct option_spec histogram_options[] = {
	DURATION_OPTION(), INTERVAL_OPTION(.positional = true), COUNT_OPTION(.positional = true), {}
};

/* Stacks are those of the whole run, which a bare number ends. */
static const struct option_spec stacks_run_options[] = {
	DURATION_OPTION(.positional = true), INTERVAL_OPTION(), COUNT_OPTION(), {}
};

static const struct option_spec table_options[] = { DURATION_OPTION(),
						    INTERVAL_OPTION(.deflt = "1s",
								    .positional = true),
						    COUNT_OPTION(.positional = true),
						    {} };

static const struct option_spec linger_options[] = {
	{ "linger", 0, COMMON(linger_ns), U_NSEC, .bare = SECOND, .min = 1, .arg = "DURATION",
	  .help = "go on for so long after the command's end: what it left behind is still "
		  "under way" },
	{}
};

static const struct option_spec output_options[] = {
	{ "wall", 'T', COMMON(wall), .kind = OPT_FLAG,
	  .help = "time of day instead of seconds since the start" },
	{ "output", 'o', COMMON(format), .kind = OPT_CHOICE, .names = formats, .arg = "FORMAT",
	  .deflt = "text", .help = "text, json (one object per line) or csv" },
	{ "output-file", 'O', COMMON(file), .kind = OPT_STRING, .arg = "FILE",
	  .help = "rows go there; the traced command keeps stdout and stderr" },
	{}
};

static const struct option_spec row_options[] = {
	{ "columns", 0, COMMON(columns), .kind = OPT_STRING, .arg = "A,B",
	  .help = "these columns; +NAME adds to the usual ones" },
	{ "where", 0, COMMON(where), .kind = OPT_STRING, .arg = "EXPR",
	  .help = "only rows for which EXPR is true: 'lat > 10ms && comm ~ \"pg*\"'" },
	{}
};

#define ORDER_OPTIONS                                                                              \
	{ "sort",                                                                                  \
	  's',                                                                                     \
	  COMMON(sort),                                                                            \
	  .kind = OPT_STRING,                                                                      \
	  .arg = "COLUMN",                                                                         \
	  .help = "order of a table; -COLUMN: largest first, +COLUMN: smallest first" },           \
	{                                                                                          \
		"top", 'r', COMMON(top), U_COUNT, .min = 1, .arg = "N",                            \
						  .help = "at most N rows of a table"              \
	}

static const struct option_spec order_options[] = { ORDER_OPTIONS, {} };

/* Of a command with several tables. */
static const struct option_spec tables_options[] = {
	{ "columns", 0, COMMON(columns), .kind = OPT_STRING, .arg = "[TABLE:]A,B",
	  .help = "these columns of a table; +NAME adds to the usual ones; ';' begins "
		  "another table's" },
	{ "where", 0, COMMON(where), .kind = OPT_STRING, .arg = "[TABLE:]EXPR",
	  .help = "only rows for which EXPR is true: 'TABLE: lat > 10ms'; ';' begins another "
		  "table's" },
	{ "sort", 's', COMMON(sort), .kind = OPT_STRING, .arg = "[TABLE:]COLUMN",
	  .help = "order of the tables that have it, or of one; -COLUMN: largest first, "
		  "+COLUMN: smallest first" },
	{ "top", 'r', COMMON(tops), .kind = OPT_STRING, .arg = "[TABLE:]N",
	  .help = "at most N rows of each table that is cut, or of one" },
	{}
};

static const struct option_spec stack_options[] = {
	{ "kstack", 0, COMMON(kstack), .kind = OPT_FLAG, .help = "kernel stack of each event" },
	{ "ustack", 0, COMMON(ustack), .kind = OPT_FLAG, .help = "user stack of each event" },
	{}
};

static const struct option_spec stacks_options[] = {
	{ "folded", 'f', COMMON(folded), .kind = OPT_FLAG,
	  .help = "a line per stack, outermost frame first, for flame graphs" },
	{ "tree", 0, COMMON(tree), .kind = OPT_FLAG, .help = "a tree of calls with their shares" },
	{ "root", 0, COMMON(root), .kind = OPT_STRING, .arg = "FUNCTION",
	  .help = "only what runs under FUNCTION, as a tree" },
	{ "svg", 0, COMMON(svg), .kind = OPT_STRING, .arg = "FILE",
	  .help = "a flame graph, of the whole run, instead of rows; to be opened by a browser" },
	{ "diff", 0, COMMON(diff), .kind = OPT_STRING, .arg = "FILE",
	  .help = "colour what has more (red) and less (blue) of --svg than in FILE, of -f" },
	{ "speedscope", 0, COMMON(speedscope), .kind = OPT_STRING, .arg = "FILE",
	  .help = "the same stacks for speedscope" },
	{ "pprof", 0, COMMON(pprof), .kind = OPT_STRING, .arg = "FILE",
	  .help = "the same stacks for pprof" },
	{ "annotations", 'a', COMMON(annotations), .kind = OPT_FLAG,
	  .help = "with -f or --tree: _[k] behind the names of the kernel's functions" },
	{}
};

static const struct option_spec by_options[] = {
	{ "by", 0, COMMON(by), .kind = OPT_STRING, .arg = "A,B",
	  .help = "a table of counts per value of these columns, instead of rows" },
	{}
};

static const struct option_spec with_by_options[] = {
	INTERVAL_OPTION(),
	COUNT_OPTION(),
	ORDER_OPTIONS,
	{ "by-memory", 0, COMMON(by_memory), U_BYTES, .min = 1 << 16, .deflt = "256M",
	  .arg = "SIZE", .help = "what the groups may take; rows beyond are added up as (others)" },
	{}
};

static const struct option_spec by_of_table_options[] = {
	{ "by", 0, COMMON(by), .kind = OPT_STRING, .arg = "A,B",
	  .help = "add up rows that differ in other columns than these" },
	{}
};

static const struct option_spec engine_options[] = {
	{ "buffer", 0, COMMON(buffer), .kind = OPT_CUSTOM, .parse = parse_buffer, .arg = "SIZE",
	  .help = "ring buffer: " DEFAULT_BUFFER ", or " DEFAULT_BUFFER_COUNTS
		  " where the kernel counts" },
	{ "btf", 0, COMMON(btf), .kind = OPT_STRING, .arg = "FILE",
	  .help = "the kernel's type information, where /sys/kernel/btf/vmlinux is missing" },
	{ "verbose", 0, COMMON(verbose), .kind = OPT_FLAG,
	  .help = "say which hooks were chosen, and why" },
	{ "stats", 0, COMMON(stats), .kind = OPT_FLAG, .help = "say what iosonde itself cost" },
	{ "ebpf", 0, COMMON(ebpf), .kind = OPT_FLAG,
	  .help = "list programs, hooks and instruction counts, and exit" },
	{ "help", 'h', COMMON(help), .kind = OPT_FLAG, .help = "this text" },
	{ "version", 0, COMMON(version), .kind = OPT_FLAG, .help = "the version" },
	{}
};

static const struct option_spec *run_specs(const struct tool *tool)
{
	if (tool->kind == TOOL_EVENTS)
		return event_options;
	if (tool->kind == TOOL_TABLE && !tool->one_report)
		return table_options;
	if (tool->kind == TOOL_STACKS && !tool->many.functions)
		return stacks_run_options;
	if (tool->many.functions || tool->kind == TOOL_LEDGER) /* bare words are functions */
		return report_options;
	return histogram_options;
}

static void add_set(struct option_set *sets, size_t *n, const struct option_spec *specs, void *cfg,
		    const char *title)
{
	sets[(*n)++] = (struct option_set){ specs, cfg, title, false };
}

static bool can_group(const struct tool *tool)
{
	const struct column *c = tool->row.columns;
	struct tool_table spec[MAX_TABLES];

	if (tool->kind != TOOL_TABLE || tool->many.prog)
		return tool->kind == TOOL_EVENTS;
	tables_of(tool, spec);
	while (c->name && !drain_identifies(spec, c))
		c++;
	return c->name != NULL; /* else there is one row */
}

/* What shapes the rows. What @tool's don't have is known all the same, and refused with a reason.
 */
static void add_row_sets(const struct tool *tool, struct common_opts *opts, struct option_set *sets,
			 size_t *n)
{
	bool events = tool->kind == TOOL_EVENTS;
	struct tool_table spec[MAX_TABLES];

	if (tables_of(tool, spec) > 1) {
		add_set(sets, n, tables_options, opts, "Tables");
	} else {
		add_set(sets, n, row_options, opts, NULL);
		if (tool->kind == TOOL_STACKS)
			add_set(sets, n, stacks_options, opts, "Stacks");
		if (!events)
			add_set(sets, n, order_options, opts, NULL);
	}
	add_set(sets, n, events || !can_group(tool) ? by_options : by_of_table_options, opts, NULL);
	sets[*n - 1].unlisted = !can_group(tool);
	add_set(sets, n, stack_options, opts, NULL);
	sets[*n - 1].unlisted = !events || tool->feed;
	if (events)
		add_set(sets, n, with_by_options, opts, "With --by");
}

size_t common_option_sets(const struct tool *tool, struct common_opts *opts, void *cfg,
			  struct option_set *sets)
{
	size_t n = 0;

	if (tool->options)
		add_set(sets, &n, tool->options, cfg, "Options");
	if (tool->many.functions)
		add_set(sets, &n, function_options, opts, "Functions");
	add_set(sets, &n, target_options, opts, "Targets");
	add_set(sets, &n, run_specs(tool), opts, "Run");
	if (tool->lingers)
		add_set(sets, &n, linger_options, opts, "With -- COMMAND");
	add_set(sets, &n, output_options, opts, "Output");
	add_row_sets(tool, opts, sets, &n);
	add_set(sets, &n, engine_options, opts, "Engine");
	return n;
}

uint64_t common_buffer(const struct tool *tool, const struct common_opts *opts, bool copies)
{
	const char *size = tool->drain.map ? DEFAULT_BUFFER_COUNTS : DEFAULT_BUFFER, *why;
	uint64_t bytes = opts->buffer;

	size = copies ? DEFAULT_BUFFER_COPIES : size;
	if (!bytes)
		unit_parse(U_BYTES, size, strlen(size), 0, &bytes, &why);
	return bytes;
}

/* Columns that groups of @tool's rows would likely be made of: "comm,path". */
static const char *usual_groups(const struct tool *tool, char *buf, size_t size)
{
	const struct column *text = NULL, *wide = NULL;

	for (const struct column *c = tool->row.columns; c->name; c++) {
		if (c->flags & COL_HIDDEN)
			continue;
		if (!text && c->unit == U_TEXT)
			text = c;
		if (!wide && (c->flags & COL_WIDE) && c != text)
			wide = c;
	}
	snprintf(buf, size, "%s%s%s", text ? text->name : "", text && wide ? "," : "",
		 wide ? wide->name : "");
	return buf;
}

/* What else the command's @letter may have been meant for: "; ..." or nothing. */
static const char *classic_letter(const struct tool *tool, char letter, char *buf, size_t size)
{
	buf[0] = '\0';
	for (const struct option_spec *s = tool->options; s && s->name; s++)
		if (s->kind == OPT_RENAMED && s->letter == letter)
			snprintf(buf, size, "; %s", s->help);
	return buf;
}

/* What is asked for shapes a table, and there is none yet. */
static bool needs_by(const struct tool *tool, const struct common_opts *opts, char *err,
		     size_t err_size)
{
	const char *what = NULL;
	char groups[80], classic[160] = "";

	if (tool->kind != TOOL_EVENTS || opts->by)
		return false;
	if (opts->top)
		what = "--top (-r) takes the first rows of a table";
	else if (opts->sort && classic_letter(tool, 's', classic, sizeof(classic)))
		what = "--sort (-s) orders a table";
	else if (opts->interval_ns)
		what = "--interval (-i) is the time between two tables";
	else if (opts->count)
		what = "--count is a number of tables";
	if (what)
		snprintf(err, err_size,
			 "%s, and these are rows as they happen; --by makes a table of them, such "
			 "as --by %s%s",
			 what, usual_groups(tool, groups, sizeof(groups)), classic);
	return what;
}

bool common_check(const struct tool *tool, const struct common_opts *opts, bool command, char *err,
		  size_t err_size)
{
	const char *what = NULL;
	char classic[160] = "";

	if (needs_by(tool, opts, err, err_size))
		return false;
	if (opts->by && !can_group(tool))
		what = tool->no_by ? tool->no_by
				   : "--by: a report is one row, of everybody; -p, -n, "
				     "--cgroup or -- COMMAND choose whom it is about";
	else if (opts->count && !opts->interval_ns)
		what = "--count is a number of intervals; say how long one is with -i";
	else if ((opts->kstack || opts->ustack) && tool->kind != TOOL_EVENTS)
		what = "--kstack and --ustack show the stack of an event, and these rows are sums; "
		       "'iosonde list' has commands that show events";
	else if ((opts->folded || opts->tree || opts->root) && opts->format != FORMAT_TEXT)
		what = "--folded, --tree and --root are ways to print stacks as text; JSON and CSV "
		       "have a row for each stack";
	else if (opts->diff && !opts->svg)
		what = "--diff colours the picture of --svg FILE";
	else if (opts->folded && opts->tree)
		what = "--folded and --tree: a line per stack, or a tree; not both";
	else if (opts->linger_ns && !command)
		what = "--linger is counted from the end of a command after --; else use -d";
	else if (command && (opts->pids.n || opts->tids.n))
		what = "give either -p/-t or a command after --, not both";
	else if (opts->children && !opts->pids.n)
		what = "--children belongs to -p PID; those of a command after -- are followed "
		       "anyway";
	else if (tool->many.functions && !opts->n_patterns)
		what = "which functions? Give a name, a glob such as 'vfs_*', or '/regex/'";
	for (size_t i = 0; !what && i < opts->n_patterns; i++)
		if (opts->patterns[i].args && !tool->many.arguments)
			what = "arguments, in parentheses, mean nothing here; 'iosonde list' has a "
			       "command that shows calls with what they are passed";
	if (what && tool->many.functions && !opts->n_patterns && (opts->sort || opts->user))
		classic_letter(tool, opts->sort ? 's' : 'u', classic, sizeof(classic));
	if (what)
		snprintf(err, err_size, "%s%s", what, classic);
	return !what;
}
