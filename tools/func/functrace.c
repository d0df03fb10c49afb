/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/functrace.h"

#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "core/base/log.h"
#include "core/tool.h"
#include "tools/func/functrace_args.h"

BPF_IMAGE(functrace);

#define R(member)   FIELD(struct functrace_row, member)
#define CFG(member) FIELD(struct functrace_cfg, member)

/* Those of arguments follow: functrace_find(). */
static const struct column columns[] = {
	{ "time", R(rec.ts_ns), U_CLOCK, .help = "of the call, with -R of its return" },
	{ "comm", R(comm), U_TEXT, .width = 16 },
	{ "pid", R(pid), U_ID, .width = 7 },
	{ "tid", R(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	{ "cpu_id", R(rec.cpu), U_ID, .flags = COL_HIDDEN, .classic = "cpu",
	  .help = "where it was" },
	{ "function", R(function), U_TEXT, .width = 16,
	  .help = "function, system call or tracepoint" },
	{ "ret", R(ret), U_COUNT, .width = 6, .help = "what the call returned, with -R" },
	{ "err", R(err), U_ERRNO, .flags = COL_HIDDEN, .help = "the same as an error, with -R" },
	{ "lat", R(lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY,
	  .help = "from entry to return, with -R" },
	{ "args", R(args), U_ARGS, .flags = COL_WIDE,
	  .help = "what it was passed; each argument is a column, too" },
	{ "kstack", R(kstack), U_STACK },
	{ "ustack", R(ustack), U_STACK },
	{}
};

static const char *const kernel_stack[] = { "--kstack", NULL };
static const char *const user_stack[] = { "--ustack", NULL };

static const struct column_switch switches[] = { { CFG(cpu), "+cpu_id" }, {} };

static const struct option_spec options[] = {
	{ "return", 'R', CFG(timed), .kind = OPT_FLAG,
	  .help = "a row when the call returns, with ret, err and lat" },
	{ "print-cpu", 'C', CFG(cpu), .kind = OPT_FLAG, .help = "show the CPU" },
	{ "kernel-stack", 'K', .kind = OPT_EXPAND, .names = kernel_stack, .help = "--kstack" },
	{ "user-stack", 'U', .kind = OPT_EXPAND, .names = user_stack, .help = "--ustack" },
	{ "pending", 0, CFG(pending), U_COUNT, .min = 1, .max = 1 << 20, .deflt = "1024",
	  .arg = "N", .help = "with -R: so many calls may be under way" },
	{ "include-self", 'S', .kind = OPT_RENAMED,
	  .help = "iosonde itself is included by --self" },
	{ "max-events", 'M', .kind = OPT_RENAMED, .help = "-d DURATION ends the run; | head -n 5" },
	{ "aggregate", 'A', .kind = OPT_RENAMED, .help = "--by function counts" },
	{ "include", 'I', .kind = OPT_RENAMED,
	  .help = "types are known to the kernel itself; conditions are --where 'count > 20000'" },
	{ "cgroup-path", 'c', .kind = OPT_RENAMED, .help = "a cgroup is --cgroup PATH" },
	{ "msg-filter", 'f', .kind = OPT_RENAMED,
	  .help = "rows are chosen by --where 'filename ~ \"*temp*\"'" },
	{ "address", 'a', .kind = OPT_RENAMED,
	  .help = "stacks have symbols with offsets; a return's row is -R NAME" },
	{ "thread", 'L', .kind = OPT_RENAMED, .help = "a thread is -t TID" },
	{ "sym_file_list", 's', .kind = OPT_RENAMED,
	  .help = "symbols of programs are found without" },
	{}
};

static const struct map_spec maps[] = {
	{ .prefix = "pending_calls", .when = CFG(timed), .entries = CFG(pending) },
	{ .prefix = "args_walks", .entries = CFG(targets) },
	{}
};

static const struct probe probes[] = {
	{ "functions", { { { "functrace_enter", "functrace_leave" } } } }, {}
};

/* Does one of the column's words stand in @text, by itself? */
static bool names_return(const char *text)
{
	static const char *const words[] = { "ret", "err", "lat", "lat_ns" };

	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		for (const char *s = text; (s = strstr(s, words[i])); s++) {
			char next = s[strlen(words[i])];

			if ((s == text ||
			     !(isalnum((unsigned char)s[-1]) || strchr("_>.", s[-1]))) &&
			    !isalnum((unsigned char)next) && next != '_')
				return true;
		}
	return false;
}

/* Who asks for a column of -R's means -R; a tracepoint may have an argument of that name. */
static bool imply_return(struct run *run)
{
	const struct common_opts *opts = run_opts(run);
	struct functrace_cfg *cfg = run_cfg(run);
	bool calls = false;

	for (size_t i = 0; i < opts->n_patterns; i++)
		calls |= !opts->patterns[i].tracepoint && !opts->patterns[i].event;
	if (calls && (names_return(opts->columns) || names_return(opts->where) ||
		      names_return(opts->by) || names_return(opts->sort)))
		cfg->timed = 1;
	return true;
}

#define TARGETS_MAX 2000

static const struct column *find_columns(struct run *run)
{
	struct functrace_state *s = run_tool_state(run);
	struct functrace_cfg *cfg = run_cfg(run);

	cfg->targets = (__u32)run_many(run)->n;
	if (cfg->targets > TARGETS_MAX) {
		log_error("%u functions, of which each call would be a row: a narrower pattern "
			  "helps, or funccount, which counts them",
			  cfg->targets);
		return NULL;
	}
	return functrace_find(run, columns) ? s->columns : NULL;
}

/* The programs learn where their arguments are. */
static bool hooked(struct run *run)
{
	const struct functrace_state *s = run_tool_state(run);
	const struct many *m = run_many(run);
	int fd = loaded_map(run_loaded(run), "args_walks");

	for (__u32 i = 0; i < s->n_targets; i++) {
		const struct many_target *t = &m->target[i];
		struct arg_walks walks;

		functrace_walks(s, i, t->how, t->end_how, &walks);
		if (bpf_map_update_elem(fd, &i, &walks, BPF_ANY)) {
			log_error("cannot tell the programs of arguments: %s", strerror(errno));
			return false;
		}
	}
	return true;
}

/* --- rows --- */

/* A row while it is put together: what the programs sent lies behind it, then the text of args. */
struct making {
	struct functrace_row *row;
	size_t shift, len;
};

static void put_value(const struct making *m, const struct functrace_arg *a,
		      const struct arg_slot *slot, union functrace_value *to)
{
	memset(to, 0, sizeof(*to));
	if (!slot->kind)
		return;
	if (a->arg.field == F_VSTR) {
		to->str = slot->str;
		to->str.off += (uint32_t)m->shift;
	} else if (a->arg.field == F_VPATH) {
		to->path = slot->path;
		to->path.off += (uint32_t)m->shift;
	} else {
		to->number = arg_number(&a->arg, slot->number);
	}
}

static char *put_quoted(char *to, const char *s, size_t len)
{
	*to++ = '"';
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"' || s[i] == '\\')
			*to++ = '\\';
		*to++ = s[i] ? s[i] : ' ';
	}
	*to++ = '"';
	return to;
}

/* "count=4096", ended by a NUL, at the row's end. */
static void add_text(struct run *run, struct making *m, const struct column *col)
{
	static char scratch[VALUE_SCRATCH];
	char *begin = (char *)m->row + m->len, *to = begin;
	const struct clock_base *clock = run_clock(run);
	size_t name = strlen(col->name);
	struct value v;

	column_value(clock->names, col, m->row, m->len, scratch, &v);
	/* all of them are no longer than the room for one */
	if (m->len - m->shift + name + 2 * (v.kind == V_BYTES ? v.bytes.len : 0) + 64 >
	    2 * VALUE_SCRATCH - sizeof(struct functrace_event)) {
		m->row->args.flags |= VARGS_MORE;
		return;
	}
	to = mempcpy(to, col->name, name);
	*to++ = '=';
	if (v.kind == V_NONE)
		*to++ = '-';
	else if (v.kind == V_BYTES && (col->unit == U_TEXT || col->unit == U_PATH))
		to = put_quoted(to, v.bytes.p, v.bytes.len);
	else if (v.kind == V_BYTES)
		to = mempcpy(to, v.bytes.p, v.bytes.len);
	else
		to += unit_format(col, &v, clock, to, 64);
	*to++ = '\0';
	m->len += (size_t)(to - begin);
}

static void add_args(struct run *run, struct making *m, const struct functrace_target *t,
		     const struct functrace_event *e)
{
	size_t begin;

	for (size_t i = 0; i < t->n && i < e->n; i++)
		put_value(m, &t->args[i], &e->args[i], &m->row->arg[i]);
	for (size_t i = 0; i < t->n && i < e->n; i++)
		if (t->args[i].shared >= 0)
			m->row->value[t->args[i].shared] = m->row->arg[i];
	begin = m->len;
	for (size_t i = 0; i < t->n && i < e->n; i++)
		add_text(run, m, &t->args[i].col);
	m->row->args.off = (uint32_t)begin;
	m->row->args.len = m->len > begin ? (uint32_t)(m->len - begin - 1) : 0;
	if (m->len == begin)
		m->row->args.off = 0;
}

static void add_return(struct functrace_row *row, const struct functrace_target *t,
		       const struct functrace_event *e)
{
	int64_t ret;

	row->lat_ns = (struct kept){ .number = e->lat_ns, .kind = V_UINT };
	if (!e->has_ret)
		return;
	row->ret = arg_number(&t->ret, (uint64_t)e->ret);
	ret = (int64_t)row->ret.number;
	if ((t->ret.is_signed || t->ret.unit == U_HEX) && ret < 0 && ret >= -4095)
		row->err = (struct kept){ .number = row->ret.number, .kind = V_INT };
}

static struct vstack moved(struct vstack stack, size_t shift)
{
	stack.off += (uint32_t)shift;
	return stack;
}

static void record(struct run *run, const struct rec *rec, size_t len)
{
	const struct functrace_state *s = run_tool_state(run);
	const struct functrace_cfg *cfg = run_cfg(run);
	const struct functrace_event *e = (const struct functrace_event *)rec;
	struct functrace_row *row = (struct functrace_row *)s->row;
	struct making m = { .row = row, .shift = sizeof(*row) - sizeof(*e) };
	size_t n = s->n_columns - s->n_fixed;

	if (len < sizeof(*e) || len > VALUE_SCRATCH || e->target >= s->n_targets)
		return;
	memset(row, 0, offsetof(struct functrace_row, value) + n * sizeof(row->value[0]));
	memcpy(row + 1, e + 1, len - sizeof(*e));
	m.len = sizeof(*row) + len - sizeof(*e);
	row->rec = *rec;
	row->rec.type = REC_ROW;
	row->pid = e->pid;
	row->tid = e->tid;
	row->function = run_many(run)->target[e->target].shown;
	memcpy(row->comm, e->comm, sizeof(row->comm));
	row->kstack = moved(e->kstack, m.shift);
	row->ustack = moved(e->ustack, m.shift);
	if (cfg->timed)
		add_return(row, &s->target[e->target], e);
	add_args(run, &m, &s->target[e->target], e);
	run_row(run, row, m.len);
}

static void close_state(struct run *run)
{
	functrace_forget(run_tool_state(run));
}

static const struct tool_ops ops = {
	.state_size = sizeof(struct functrace_state),
	.find = imply_return,
	.columns = find_columns,
	.hooked = hooked,
	.record = record,
	.close = close_state,
};

static const struct tool_alias aliases[] = {
	{ "trace", "what kernel functions are passed: functrace", NULL }, {}
};

const struct tool tool_functrace = {
	.name = "functrace",
	.layer = "func",
	.summary = "calls of kernel functions, with what they are passed and return",
	.text = "One row per call of the functions that PATTERN selects, with all arguments, or\n"
		"those in parentheses behind it: by name, and what they point to, as C has it.\n"
		"-R shows calls as they return. sys_NAME is a system call, 't:CATEGORY:NAME' a\n"
		"tracepoint: neither needs a hook on a function. Each argument is a column of its\n"
		"own for --where, --by and --columns, by its text. What can't be read is absent.",
	.examples = "  iosonde functrace 'vfs_read(file->f_path.dentry->d_name.name, count)' \\\n"
		    "                    --where 'count > 4096'\n"
		    "  iosonde functrace -R vfs_fsync_range -- make       and how long it took\n"
		    "  iosonde functrace sys_openat --by comm,filename    a system call\n"
		    "  iosonde functrace 't:sched:sched_switch(prev->comm, next->comm)'\n",
	.kind = TOOL_EVENTS,
	.aliases = aliases,
	.row = { "call", columns },
	.switches = switches,
	.options = options,
	.cfg_size = sizeof(struct functrace_cfg),
	.probes = probes,
	.image = &bpf_functrace,
	.maps = maps,
	.ops = &ops,
	.many = { .prog = "functrace_enter",
		  .end = "functrace_leave",
		  .end_when = CFG(timed),
		  .functions = true,
		  .arguments = true },
};
