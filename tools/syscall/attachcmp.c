/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/syscall/attachcmp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/btf.h>

#include "core/base/log.h"
#include "core/kernel/btf_query.h"
#include "core/kernel/ladder.h"
#include "core/rows/syscalls.h"
#include "core/run/run.h"
#include "tools/syscall/attachcmp_loop.h"

BPF_IMAGE(attachcmp);

struct attachcmp_row {
	struct many_key key;
	struct attachcmp_value value;
	__u64 ts_ns;
	struct many_row target;
};

#define R(member) FIELD(struct attachcmp_row, member)
#define C(member) FIELD(struct attachcmp_cfg, member)

static const struct column columns[] = {
	{ "time", R(ts_ns), U_CLOCK, .help = "end of the interval" },
	{ "index", R(key.index), U_ID, .flags = COL_KEY | COL_HIDDEN, .help = "number of the row" },
	{ "function", R(target.name), U_TEXT, .classic = "target",
	  .help = "system call or kernel function" },
	{ "hook", R(target.how), U_TEXT, .width = 12 },
	{ "count", R(value.count), U_COUNT, .flags = COL_OPTIONAL,
	  .help = "times that it was hit" },
	{ "added", R(target.added_ns), U_NSEC, .flags = COL_OPTIONAL,
	  .help = "what the hook adds to one call, measured by a loop before the start" },
	{ "run", R(target.run_ns), U_NSEC, .flags = COL_OPTIONAL,
	  .help = "of that the program itself, as the kernel times it, clock included" },
	{ "note", R(target.note), U_TEXT, .flags = COL_WIDE,
	  .help = "why there is no such hook, or what it is bad at" },
	{}
};

static bool parse_target(const struct option_spec *spec, const char *arg, void *cfg_, char *err,
			 size_t size)
{
	struct attachcmp_cfg *cfg = cfg_;

	(void)spec;
	if (cfg->n == COMPARED_MAX) {
		snprintf(err, size, "more than %d targets", COMPARED_MAX);
		return false;
	}
	if (!*arg || strlen(arg) >= COMPARED_NAME_MAX || strpbrk(arg, "*?[]/^: ")) {
		snprintf(err, size, "\"%s\" is no system call's or kernel function's name", arg);
		return false;
	}
	snprintf(cfg->names[cfg->n++], COMPARED_NAME_MAX, "%s", arg);
	return true;
}

static const struct option_spec options[] = {
	{ "target", 0, .kind = OPT_CUSTOM, .parse = parse_target, .arg = "TARGET",
	  .positional = true,
	  .help = "a system call or kernel function; several may be given (default: write "
		  "vfs_write)" },
	{ "no-cost", 0, C(no_cost), .kind = OPT_FLAG,
	  .help = "don't measure what each hook costs, which takes a moment" },
	{}
};

/* Kinds of hook in the order of the rows; what IOSONDE_WITHOUT calls them. */
static const struct {
	enum hook_how how;
	const char *ability;
	bool call_only; /* hooks a system call, no function */
	const char *note;
} kinds[] = {
	{ HOW_FENTRY, "fentry", false, NULL },
	{ HOW_FEXIT, "fentry", false, NULL },
	{ HOW_KPROBE, "kprobes", false, NULL },
	{ HOW_KRETPROBE, "kprobes", false, "misses returns where many calls wait at a time" },
	{ HOW_KPROBE_MULTI, "kprobe_multi", false, NULL },
	{ HOW_TRACEPOINT, "tracepoints", true, NULL },
	{ HOW_RAW_TRACEPOINT, "raw_tracepoints", true, "all other system calls pass it, too" },
	{ HOW_TP_BTF, "tp_btf", true, "all other system calls pass it, too" },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/*
 * The functions of a system call, by architecture; some have "new" in their names. "%s" is the
 * function of that name.
 */
static const char *const wrappers[] = { "__x64_sys_new%s", "__x64_sys_%s", "__arm64_sys_new%s",
					"__arm64_sys_%s", "%s" };

#define N_WRAPPERS (sizeof(wrappers) / sizeof(wrappers[0]))

/* The function that is meant by @target, which is a system call's @number or negative. */
static const struct function *find_function(const struct functions *f, const char *target,
					    int number)
{
	for (size_t w = number < 0 ? N_WRAPPERS - 1 : 0; w < N_WRAPPERS; w++) {
		char name[COMPARED_NAME_MAX + 32];

		snprintf(name, sizeof(name), wrappers[w], target);
		for (size_t i = 0; i < f->n; i++)
			if (!strcmp(f->fn[i].name, name))
				return &f->fn[i];
	}
	return NULL;
}

/* Every function that may be meant by a target. */
static bool read_functions(const struct attachcmp_cfg *cfg, struct functions *out)
{
	static char name[COMPARED_MAX * N_WRAPPERS][COMPARED_NAME_MAX + 32];
	struct pattern pattern[COMPARED_MAX * N_WRAPPERS];
	size_t n = 0;

	for (uint32_t i = 0; i < cfg->n; i++) {
		for (size_t w = 0; w < N_WRAPPERS; w++, n++) {
			snprintf(name[n], sizeof(name[n]), wrappers[w], cfg->names[i]);
			pattern[n] = (struct pattern){ .text = name[n] };
		}
	}
	return functions_find(pattern, n, out);
}

static bool add_hook(struct many *m, const char *shown, size_t kind, const struct function *fn,
		     int number)
{
	const char *call = strstr(fn->name, "sys_"); /* tracepoints are named as functions are */
	enum hook_how how = kinds[kind].how;
	struct many_target *t;
	char name[128];

	snprintf(name, sizeof(name), "%s", fn->name);
	if (how == HOW_TRACEPOINT)
		snprintf(name, sizeof(name), "syscalls/sys_enter_%s", call ? call + 4 : shown);
	else if (kinds[kind].call_only)
		snprintf(name, sizeof(name), "sys_enter");
	t = many_add(m, name, shown, how);
	if (!t) {
		log_error("out of memory");
		return false;
	}
	t->note = kinds[kind].note;
	t->address = kinds[kind].call_only ? 0 : fn->address;
	if (kinds[kind].call_only && how != HOW_TRACEPOINT)
		t->call = number;
	if (ladder_without(kinds[kind].ability))
		many_say_why(t, "", "left out by IOSONDE_WITHOUT");
	else if (kinds[kind].call_only && number < 0)
		many_say_why(t, "", "only system calls have one");
	return true;
}

struct attachcmp_state {
	const char *unknown; /* target that is neither a call nor a function */
};

static bool find(struct run *run)
{
	struct attachcmp_state *state = run_tool_state(run);
	struct attachcmp_cfg *cfg = run_cfg(run);
	struct many *m = run_many(run);
	struct functions f;
	bool ok = true;

	m->separate = true;
	if (!cfg->n) {
		strcpy(cfg->names[cfg->n++], "write");
		strcpy(cfg->names[cfg->n++], "vfs_write");
	}
	if (!read_functions(cfg, &f))
		return false;
	for (uint32_t i = 0; ok && i < cfg->n; i++) {
		int number = syscall_number(cfg->names[i], 0);
		const struct function *fn = find_function(&f, cfg->names[i], number);
		const struct function none = { .name = cfg->names[i] };

		if (!fn && number < 0)
			state->unknown = cfg->names[i];
		for (size_t k = 0; ok && k < N_KINDS; k++)
			ok = add_hook(m, cfg->names[i], k, fn ? fn : &none, number);
	}
	functions_free(&f);
	return ok;
}

/* A call that finds the program at work on its CPU, for a preempted thread, goes by unseen. */
static void note_misses(struct many *m, const struct loaded *l)
{
	for (size_t i = 0; i < m->n && !l->exact_tp_btf; i++)
		if (m->target[i].call >= 0)
			m->target[i].note = "all other system calls pass it, too; here it can be "
					    "preempted, and then misses some";
}

/* Everything is loaded, nothing is attached yet: the loop runs undisturbed. */
static bool start(struct run *run)
{
	const struct attachcmp_cfg *cfg = run_cfg(run);
	struct loaded *l = run_loaded(run);
	struct cost_opts opts = {
		.model = bpf_object__find_program_by_name(l->obj, "attachcmp_cost"),
		.hits_fd = loaded_map(l, "cost_hits"),
		.exercises = exercises,
	};
	const struct attachcmp_state *state = run_tool_state(run);
	struct btf *btf;

	if (state->unknown) {
		log_error("no system call or kernel function is called \"%s\" here",
			  state->unknown);
		return false;
	}
	note_misses(run_many(run), l);
	if (cfg->no_cost)
		return true;
	btf = btf_of_kernel(run_opts(run)->btf);
	opts.btf = btf;
	if (btf && exercises_open())
		many_measure(run_many(run), &opts);
	else
		log_warn("cannot measure what hooks cost: %s", strerror(errno));
	exercises_close();
	btf_release(btf);
	btf_forget_kernel();
	return true;
}

static const struct probe probes[] = { { "what is compared", { { { "attachcmp_hit" } } } },
				       { "what hooks cost", { { { "attachcmp_cost" } } } },
				       {} };

static const struct tool_ops ops = { .state_size = sizeof(struct attachcmp_state),
				     .find = find,
				     .start = start };

const struct tool tool_attachcmp = {
	.name = "attachcmp",
	.layer = "syscall",
	.summary = "ways to hook a call, side by side: what each sees and costs",
	.text = "Hooks each TARGET in every way that the kernel has, and counts what each hook\n"
		"sees. A system call (write) counts its own calls; a function (vfs_write) "
		"whatever\n"
		"leads to it: pwrite, too. ADDED is what a hook adds to one call: a loop of calls\n"
		"is timed with and without it, in turn, one hook at a time. RUN is the program\n"
		"alone; the rest is the way there, through break-points and trampolines.",
	.examples = "  iosonde attachcmp -- dd if=/dev/zero of=f count=1000\n"
		    "  iosonde attachcmp read vfs_read -i 5 -p 1234\n"
		    "  iosonde attachcmp openat do_filp_open vfs_open -d 1\n",
	.kind = TOOL_TABLE,
	.row = { "hook", columns },
	.options = options,
	.cfg_size = sizeof(struct attachcmp_cfg),
	.probes = probes,
	.image = &bpf_attachcmp,
	.no_by =
		"--by: each row is one way to hook one call; name the calls to compare, and choose "
		"rows with --where, as in --where 'hook ~ \"f*\"'",
	.drain = { .map = "hits",
		   .key_size = sizeof(struct many_key),
		   .value_size = sizeof(struct attachcmp_value),
		   .order = DRAIN_KEYS,
		   .zeros = true },
	.many = { .prog = "attachcmp_hit" },
	.ops = &ops,
};
