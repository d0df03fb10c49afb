/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/calltree.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/glob.h"
#include "core/base/log.h"
#include "core/names/stack.h"
#include "core/run/run.h"
#include "core/run/target.h"
#include "tools/func/call_trees.h"

#define MS 1000000ULL
/* Records of the latest so many ns may not be there yet, on a CPU that is writing them. */
#define SETTLE_NS 1000000ULL
#define POLL_NS	  10000000ULL

struct calltree_row {
	struct rec rec;
	__u32 pid;
	__u32 tid;
	__u32 level;
	__u32 reserved;
	__u64 lat_ns;  /* or NOT_RETURNED */
	__u64 self_ns; /* likewise */
	__u64 func;
	const char *root;
	const char *function;
	char comm[COMM_LEN];
};

struct calltree_state {
	struct graph_trace trace;
	struct call_trees trees;
	uint64_t shown;	  /* trees */
	uint32_t command; /* its process; 0: there is none */
	bool opened, ended, gap;
	struct graph_roots roots;
	char root[STACK_NAME_MAX], function[STACK_NAME_MAX];
};

#define R(member)   FIELD(struct calltree_row, member)
#define CFG(member) FIELD(struct calltree_cfg, member)

/* Two spaces per level, as long as somebody can still see it. */
static void render_tree(const void *rec, size_t len, char *scratch, struct value *out)
{
	const struct calltree_row *row = rec;
	int n = snprintf(scratch, 512, "%*s%s", 2 * (row->level < 64 ? (int)row->level : 64), "",
			 row->function);

	(void)len;
	out->kind = V_BYTES;
	out->bytes.p = scratch;
	out->bytes.len = n < 512 ? (size_t)n : 511;
}

static const struct column columns[] = {
	{ "time", R(rec.ts_ns), U_CLOCK, .help = "when the function was entered" },
	{ "pid", R(pid), U_ID, .help = "process" },
	{ "tid", R(tid), U_ID, .flags = COL_HIDDEN, .help = "thread" },
	{ "comm", R(comm), U_TEXT, .help = "command" },
	{ "level", R(level), U_COUNT, .flags = COL_HIDDEN,
	  .help = "how deep it was called: 0 is the outermost" },
	{ "root", R(root), U_TEXT, .flags = COL_HIDDEN, .help = "the outermost function" },
	{ "function", R(function), U_TEXT, .flags = COL_HIDDEN, .help = "function" },
	{ "address", R(func), U_HEX, .flags = COL_HIDDEN | COL_OPTIONAL,
	  .help = "of the function" },
	{ "lat", R(lat_ns), U_NSEC, .flags = COL_LATENCY | COL_OPTIONAL,
	  .help = "from entry to return; none: it had not returned" },
	{ "self", R(self_ns), U_NSEC, .flags = COL_OPTIONAL,
	  .help = "of that, not in functions that are shown below it" },
	{ "tree", R(function), U_TEXT, .flags = COL_PEOPLE | COL_WIDE, .keep = KEEP,
	  .render = render_tree, .help = "function, below the one that called it" },
	{}
};

/* What ftrace takes: a name, or a glob. */
static bool parse_function(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
			   size_t err_size)
{
	struct calltree_cfg *cfg = cfg_;
	bool only = !spec->positional;
	__u32 *n = only ? &cfg->n_only : &cfg->n;
	const char *p = arg;

	while (isalnum((unsigned char)*p) || (*p && strchr("_.*?[]", *p)))
		p++;
	if (!*arg || *p) {
		snprintf(err, err_size,
			 "\"%.100s\" is neither the name of a function nor a glob such as 'vfs_*'",
			 arg);
		return false;
	}
	if (*n == CALLTREE_FUNCTIONS) {
		snprintf(err, err_size, "more than %d functions; a glob covers several",
			 CALLTREE_FUNCTIONS);
		return false;
	}
	(only ? cfg->only : cfg->functions)[(*n)++] = arg;
	return true;
}

static const struct option_spec options[] = {
	{ "function", 0, .field = { .off = 0 }, .kind = OPT_CUSTOM, .parse = parse_function,
	  .arg = "FUNCTION", .positional = true,
	  .help = "trees begin with its calls: a name or a glob; several may be given; sys_NAME is "
		  "a system call" },
	{ "only", 0, .field = { .off = 0 }, .kind = OPT_CUSTOM, .parse = parse_function,
	  .arg = "FUNCTION",
	  .help = "and below these alone, which costs the machine less: a name or "
		  "a glob, may be repeated" },
	{ "depth", 0, CFG(depth), U_COUNT, .min = 1, .max = CALL_DEPTH_MAX, .arg = "N",
	  .help = "so many levels; the others' time is their callers' own" },
	{ "min", 'm', CFG(min_ns), U_NSEC, .bare = MS, .arg = "DURATION",
	  .help = "only trees that take at least so long" },
	{ "trees", 0, CFG(trees), U_COUNT, .min = 1, .arg = "N",
	  .help = "stop after so many trees" },
	{ "irqs", 0, CFG(irqs), .kind = OPT_FLAG,
	  .help = "with functions of interrupts that came meanwhile" },
	{}
};

static bool prepare(struct run *run)
{
	const struct common_opts *opts = run_opts(run);
	const struct calltree_cfg *cfg = run_cfg(run);
	const char *what = NULL;

	if (!cfg->n)
		what = "which function? Give a name such as ksys_write, or a glob";
	else if (opts->kstack || opts->ustack)
		what = "a tree shows what a function calls; for who calls it there is stackcount";
	if (what)
		log_error("%s", what);
	return !what;
}

/* Of nobody in particular. */
static bool everybody(const struct run *run)
{
	const struct common_opts *opts = run_opts(run);

	return !opts->pids.n && !opts->tids.n && !run_has_command(run);
}

#define FIRST_PIDNS 0xEFFFFFFCU /* include/linux/proc_ns.h */

/* The idle tasks share a number. */
#define IDLE 0x80000000U

static struct counters *count(struct run *run)
{
	return run_loaded(run)->counters;
}

static void put_call(struct run *run, struct calltree_state *s, const struct call_thread *t,
		     const struct call *c)
{
	struct stack_names *names = run_kernel_names(run);
	struct calltree_row row = { .pid = t->pid,
				    .tid = t->tid & IDLE ? 0 : t->tid,
				    .level = c->level,
				    .lat_ns = c->lat_ns,
				    .self_ns = NOT_RETURNED,
				    .func = c->func,
				    .root = s->root,
				    .function = s->function };

	row.rec.ts_ns = c->begin_ns;
	row.rec.cpu = c->cpu;
	if (c->lat_ns != NOT_RETURNED)
		row.self_ns = c->lat_ns > c->under_ns ? c->lat_ns - c->under_ns : 0;
	memcpy(row.comm, t->comm, sizeof(row.comm));
	snprintf(s->function, sizeof(s->function), "%s",
		 names ? stack_kernel_name(names, c->func, true) : "");
	if (c == t->calls)
		memcpy(s->root, s->function, sizeof(s->root));
	run_row(run, &row, sizeof(row));
}

/* -n: by the name at the end of the tree. */
static bool is_named(const struct run *run, const char *comm)
{
	const struct common_opts *opts = run_opts(run);

	for (uint32_t i = 0; i < opts->n_comms; i++)
		if (glob_match(opts->comms[i], strlen(opts->comms[i]), comm, strlen(comm)))
			return true;
	return !opts->n_comms;
}

static void on_tree(void *run_, const struct call_thread *t)
{
	struct run *run = run_;
	struct calltree_state *s = run_tool_state(run);
	const struct calltree_cfg *cfg = run_cfg(run);
	uint64_t lat_ns = t->calls[0].lat_ns;

	if (!is_named(run, t->comm))
		return;
	if (lat_ns == NOT_RETURNED) /* so far */
		lat_ns = now_ns() - t->calls[0].begin_ns;
	count(run)->generated += t->n;
	if (lat_ns < cfg->min_ns || (cfg->trees && s->shown >= cfg->trees)) {
		count(run)->filtered += t->n;
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		put_call(run, s, t, &t->calls[i]);
	if (++s->shown == cfg->trees)
		run_stop(run);
}

static void read_comm(uint32_t tid, char *comm)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", tid);
	f = fopen(path, "re");
	if (!f)
		return;
	n = fread(comm, 1, COMM_LEN, f); /* with a line's end, in the place of a NUL */
	comm[n ? n - 1 : 0] = '\0';
	fclose(f);
}

/* A thread whose beginning was lost, or was before ours. */
static void on_unknown(void *run_, struct call_thread *t)
{
	struct run *run = run_;
	const struct calltree_state *s = run_tool_state(run);

	if (t->tid & IDLE) {
		snprintf(t->comm, sizeof(t->comm), "swapper/%u", t->tid & ~IDLE);
		t->counts = everybody(run);
		return;
	}
	read_comm(t->tid, t->comm);
	t->pid = target_tgid(t->tid);
	if (!t->pid) /* it has ended: the tracer was told about our targets alone */
		t->pid = t->tid;
	/* of a command's tree all are told of when they are made, and it counts from its exec on */
	if (s->command)
		t->counts = s->gap && t->tid != s->command;
	else if (everybody(run))
		t->counts = run_opts(run)->self || t->pid != (uint32_t)getpid();
	else
		t->counts = run_targets(run, t->pid, t->tid);
	t->alone = t->counts && run_opts(run)->tids.n && !run_opts(run)->pids.n;
}

static bool has_ended(void *run, uint32_t tid)
{
	char path[32];

	(void)run;
	snprintf(path, sizeof(path), "/proc/%u", tid);
	return access(path, F_OK);
}

static void on_record(void *run_, const struct graph_record *r)
{
	struct run *run = run_;
	struct calltree_state *s = run_tool_state(run);
	const struct call_event e = { .ts_ns = r->ts_ns,
				      .tid = r->tid ? r->tid : IDLE | r->cpu,
				      .cpu = r->cpu,
				      .func = r->func,
				      .depth = r->depth,
				      .lat_ns = r->lat_ns,
				      .overrun = r->overrun };

	if (r->gap) {
		call_trees_gap(&s->trees, r->cpu);
		s->gap = true;
	}
	if (r->kind == GRAPH_ENTRY)
		call_entered(&s->trees, &e);
	else if (r->kind == GRAPH_EXIT)
		call_returned(&s->trees, &e);
	else if (r->kind == GRAPH_NEWTASK)
		call_task_made(&s->trees, r->tid, r->other, r->same, r->comm);
	else if (r->kind == GRAPH_RENAME)
		call_task_named(&s->trees, r->other, r->comm);
	else
		call_task_execs(&s->trees, r->tid, r->other, r->tid == s->command);
}

static bool begins(void *run, uint64_t func)
{
	const struct calltree_state *s = run_tool_state(run);

	return graph_roots_have(&s->roots, func);
}

static bool look(char *hook, size_t hook_size, char *why, size_t size)
{
	struct stat ns;

	snprintf(hook, hook_size, "ftrace/function_graph");
	if (geteuid()) {
		snprintf(
			why, size,
			"needs root: the kernel's tracer is used through tracefs, which belongs to "
			"root; CAP_BPF and CAP_PERFMON don't help");
		return false;
	}
	if (!graph_trace_look(why, size))
		return false;
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != FIRST_PIDNS) {
		snprintf(why, size,
			 "the kernel's tracer goes by the process numbers of the first pid "
			 "namespace, and this is another");
		return false;
	}
	return true;
}

static bool open_feed(struct run *run)
{
	struct calltree_state *s = run_tool_state(run);
	char why[512];

	s->opened = true;
	graph_trace_init(&s->trace);
	s->trees.follow = run_has_command(run) || run_opts(run)->children || everybody(run);
	s->trees.tree = on_tree;
	s->trees.ask = on_unknown;
	s->trees.gone = has_ended;
	s->trees.begins = begins;
	s->trees.arg = run;
	s->command = run_child(run);
	if (run_opts(run)->user || run_opts(run)->cgroup || run_opts(run)->mntns) {
		log_error("the kernel's tracer knows threads by their numbers and names alone: "
			  "choose them with -p PID, -t TID, -n COMM or -- COMMAND");
		return false;
	}
	if (!run_kernel_names(run) || !graph_roots_find(&s->roots, run_cfg(run)))
		return false;
	if (graph_trace_open(&s->trace, run_cfg(run), run_buffer(run), why, sizeof(why)))
		return true;
	log_error("%s", why);
	return false;
}

static bool follow(struct run *run, uint32_t tid, uint32_t *new_)
{
	struct calltree_state *s = run_tool_state(run);
	uint32_t known = s->trees.n_threads;

	if (!call_thread(&s->trees, tid) || s->trees.n_threads == known)
		return true;
	++*new_;
	if (graph_trace_thread(&s->trace, tid))
		return true;
	log_error("cannot have thread %u traced: set_ftrace_pid: %m", tid);
	return false;
}

static bool attach(struct run *run)
{
	struct calltree_state *s = run_tool_state(run);
	char why[512];

	if (everybody(run) && !graph_trace_without(&s->trace, (uint32_t)getpid())) {
		log_error("cannot leave iosonde itself out: set_ftrace_notrace_pid: %m");
		return false;
	}
	if (graph_trace_attach(&s->trace, why, sizeof(why)))
		return true;
	log_error("%s", why);
	return false;
}

static bool begin(struct run *run)
{
	struct calltree_state *s = run_tool_state(run);

	if (graph_trace_begin(&s->trace))
		return true;
	log_error("cannot start the kernel's tracer: tracing_on: %m");
	return false;
}

static void read_feed(struct run *run)
{
	struct calltree_state *s = run_tool_state(run);
	uint64_t until = s->ended ? UINT64_MAX : now_ns() - SETTLE_NS;

	if (!s->ended)
		graph_buffers_take(&s->trace);
	graph_buffers_give(&s->trace, until, on_record, run);
	if (s->ended)
		call_trees_end(&s->trees);
	count(run)->generated += s->trees.no_room;
	count(run)->lost_state += s->trees.no_room;
	count(run)->null_helper += s->trees.overrun;
	s->trees.no_room = s->trees.overrun = 0;
	*run_loaded(run)->target_children += (uint32_t)s->trees.children_left_out;
	s->trees.children_left_out = 0;
}

static void end_feed(struct run *run)
{
	struct calltree_state *s = run_tool_state(run);
	char why[512];

	if (!s->opened || s->ended)
		return;
	s->ended = true;
	if (!graph_trace_end(&s->trace, why, sizeof(why)))
		log_error("%s", why);
	if (run_loaded(run)) {
		count(run)->generated += s->trace.lost;
		count(run)->lost_ring += s->trace.lost;
	}
}

static void close_feed(struct run *run)
{
	struct calltree_state *s = run_tool_state(run);

	end_feed(run);
	s->trees.tree = NULL;
	call_trees_end(&s->trees);
	if (s->opened)
		graph_buffers_free(&s->trace);
	free(s->roots.address);
}

static const struct feed feed = {
	.what = "calls of functions, nested",
	.poll_ns = POLL_NS,
	.look = look,
	.open = open_feed,
	.follow = follow,
	.attach = attach,
	.begin = begin,
	.read = read_feed,
	.end = end_feed,
	.close = close_feed,
};

static const struct tool_ops ops = {
	.state_size = sizeof(struct calltree_state),
	.prepare = prepare,
};

static const struct probe probes[] = { {} };

const struct tool tool_calltree = {
	.name = "calltree",
	.layer = "func",
	.summary = "the functions that a call goes through, nested, with durations",
	.text = "One row per call of FUNCTION and per call of every kernel function below it, in\n"
		"the order in which they began, when the outermost one has returned. Calls are\n"
		"taken by ftrace's function_graph, for the threads that are asked for, in an\n"
		"instance of its own where the kernel can, and nothing of it stays. All calls on\n"
		"the machine get slower meanwhile, with --only fewer. A record that is lost is an "
		"entry or a\n"
		"return: calls without their return have no lat. Functions that the compiler has\n"
		"put into their callers aren't seen.",
	.examples = "  iosonde calltree ksys_write -- dd of=f if=/dev/zero bs=1 count=1\n"
		    "  iosonde calltree vfs_fsync_range -m 10ms -p 185    slow ones of a process\n"
		    "  iosonde calltree 'ext4_*' --depth 2 -- make\n"
		    "  iosonde calltree sys_read --by function -- cat f   sums instead of trees\n",
	.kind = TOOL_EVENTS,
	.row = { "call", columns },
	.options = options,
	.cfg_size = sizeof(struct calltree_cfg),
	.probes = probes,
	.feed = &feed,
	.ops = &ops,
};
