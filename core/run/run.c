/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/kernel/btf_file.h"
#include "core/kernel/privs.h"
#include "core/run/help.h"
#include "core/run/target.h"

#define USAGE	  2
#define FAILED	  1
#define CANT_HELP 125 /* what `env` and `timeout` say when they fail themselves */

const struct common_opts *run_opts(const struct run *run)
{
	return &run->plan.opts;
}

void *run_cfg(struct run *run)
{
	return run->plan.cfg;
}

void *run_tool_state(struct run *run)
{
	return run->plan.tool_state;
}

struct loaded *run_loaded(struct run *run)
{
	return run->source.loaded;
}

struct many *run_many(struct run *run)
{
	return &run->source.many;
}

struct sink *run_sink(struct run *run)
{
	return run->view.sink;
}

const struct clock_base *run_clock(const struct run *run)
{
	return &run->view.clock;
}

bool run_has_command(const struct run *run)
{
	return run->plan.command != NULL;
}

uint64_t run_elapsed_ns(const struct run *run)
{
	return now_ns() - run->view.clock.start_ns;
}

struct stack_names *run_kernel_names(struct run *run)
{
	if (!run->view.symbols)
		run->view.symbols = stack_names_open();
	if (!run->view.symbols)
		log_error("out of memory");
	return run->view.symbols;
}

void run_summary_add(struct run *run, const char *key, uint64_t value, bool text)
{
	if (run->account.n_extra == MAX_EXTRA)
		return;
	run->account.extra[run->account.n_extra] =
		(struct json_pair){ .key = key, .kind = JP_UINT, .u = value };
	run->account.extra_text[run->account.n_extra++] = text;
}

void run_row(struct run *run, const void *rec, size_t len)
{
	output_row(run, rec, len);
}

void run_count(struct run *run, uint64_t generated, uint64_t shown, uint64_t filtered)
{
	run->account.generated += generated;
	output_shown(run, shown);
	run->account.filtered += filtered;
}

void run_others(struct run *run, uint64_t n)
{
	run->account.others += n;
}

static int failed(const struct run *run)
{
	return run->plan.command ? CANT_HELP : FAILED;
}

/* A checked copy of --btf FILE, for whoever reads it. */
static bool take_btf(struct run *run)
{
	const char *file = run->plan.opts.btf;

	run->plan.opts.btf = file ? btf_file_take(file) : NULL;
	return !file || run->plan.opts.btf;
}

static bool has_own_columns(const struct run *run)
{
	return run->plan.tool->ops && run->plan.tool->ops->columns;
}

/* The targets that the command line names. */
static bool select_targets(struct run *run)
{
	const struct many_spec *spec = &run->plan.tool->many;
	struct many *many = &run->source.many;

	many->timed = spec->end && (spec->end_when.kind == F_NONE ||
				    field_is_set(run->plan.cfg, &spec->end_when));
	many->by_call = spec->arguments;
	return !spec->functions ||
	       many_add_selected(many, run->plan.opts.patterns, run->plan.opts.n_patterns);
}

static bool find_targets(struct run *run)
{
	const struct tool_ops *ops = run->plan.tool->ops;

	return (!ops || !ops->find || ops->find(run)) && select_targets(run);
}

/* Columns that depend on targets. */
static bool take_columns(struct run *run)
{
	const struct tool_ops *ops = run->plan.tool->ops;

	if (!take_btf(run) || !find_targets(run))
		return false;
	run->plan.columns = ops->columns(run);
	return run->plan.columns;
}

/* What can be refused without asking the kernel for anything. Returns 0 or the exit status. */
static int check_usage(struct run *run, int argc, char **argv)
{
	struct option_set sets[MAX_OPTION_SETS];
	struct option_result result;
	size_t n = common_option_sets(run->plan.tool, &run->plan.opts, run->plan.cfg, sets);
	char err[512];

	if (!options_parse(sets, n, argc, argv, &result)) {
		log_error("%s", result.error);
		return USAGE;
	}
	run->plan.command = result.command;
	if (!plan_terms(&run->plan, &result)) {
		log_error("out of memory");
		return USAGE;
	}
	log_init(run->plan.tool->name, run->plan.opts.verbose);
	if (run->plan.opts.help || run->plan.opts.version)
		return 0;
	if (run->plan.command && !run->plan.command[0]) {
		log_error("no command after --");
		return USAGE;
	}
	if (!common_check(run->plan.tool, &run->plan.opts, run->plan.command != NULL, err,
			  sizeof(err))) {
		log_error("%s", err);
		return USAGE;
	}
	if (has_own_columns(run) && !take_columns(run))
		return failed(run);
	if (!plan_open(&run->plan))
		return USAGE;
	if (run->plan.tool->ops && run->plan.tool->ops->prepare &&
	    !run->plan.tool->ops->prepare(run))
		return USAGE;
	/* the line is well-formed; whether what it names exists is another matter */
	if (!target_resolve(&run->plan.opts, run->plan.command != NULL, &run->plan.target, err,
			    sizeof(err))) {
		log_error("%s", err);
		return failed(run);
	}
	return targets_open(run) ? 0 : failed(run);
}

/* Do user stacks come as copies? */
static bool unwinds(const struct run *run)
{
	return run->plan.tool->drain.dwarf.kind != F_NONE &&
	       field_is_set(run->plan.cfg, &run->plan.tool->drain.dwarf);
}

static bool check_privileges(const struct run *run)
{
	char missing[64];

	if (run->plan.tool->feed) /* says itself what it needs */
		return true;
	if (!privs_can_trace(missing, sizeof(missing))) {
		log_error("missing %s: tracing needs CAP_BPF and CAP_PERFMON; run it as root, or "
			  "with "
			  "sudo, or give the binary the two: setcap cap_bpf,cap_perfmon+ep",
			  missing);
		return false;
	}
	if ((run->plan.opts.ustack || unwinds(run)) && !privs_can_ptrace()) {
		log_error("missing CAP_SYS_PTRACE: --ustack reads the memory maps of the traced "
			  "processes; run it as root, or leave --ustack out");
		return false;
	}
	return true;
}

static bool open_programs(struct run *run)
{
	struct load_opts opts = {
		.tool = run->plan.tool,
		.cfg = run->plan.cfg,
		.target = &run->plan.target,
		.engine = { .kstack = run->plan.opts.kstack, .ustack = run->plan.opts.ustack },
		.buffer = common_buffer(run->plan.tool, &run->plan.opts, unwinds(run)),
		.many = run->plan.tool->many.prog ? &run->source.many : NULL,
	};

	if (run->plan.tool->feed)
		return feed_open(run);
	if (!has_own_columns(run) && !take_btf(run))
		return false;
	opts.btf = run->plan.opts.btf;
	if (!has_own_columns(run) && !find_targets(run))
		return false;

	books_prepare(run);
	if (run->plan.opts.stats)
		run->source.stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (run->plan.opts.stats && run->source.stats_fd < 0)
		log_warn("--stats: the kernel doesn't time programs (%s): needs CAP_SYS_ADMIN",
			 strerror(errno));
	run->source.loaded = loaded_open(&opts);
	return run->source.loaded != NULL;
}

/* From here on a mistake in us can't be used against the host. */
static bool drop_privileges(const struct run *run)
{
	bool maps = !run->plan.tool->feed && (run->plan.tool->kind != TOOL_EVENTS ||
					      run->plan.opts.stats || fold_chosen(&run->plan));
	bool keep_bpf =
		maps && !privs_maps_readable_without(loaded_map(run->source.loaded, "counters"));

	if (!privs_drop(keep_bpf, run->plan.opts.ustack)) {
		log_error("cannot give up privileges: %s", strerror(errno));
		return false;
	}
	log_verbose("capabilities that stay: %s%s%s",
		    keep_bpf ? "CAP_BPF (map look-ups need it on this kernel)" : "",
		    run->plan.opts.ustack
			    ? "CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE and "
			      "CAP_DAC_READ_SEARCH, as far as they were there (--ustack)"
			    : "",
		    keep_bpf || run->plan.opts.ustack ? "" : "none");
	return true;
}

/* All that there is, once: a quarter of a second here and there. */
static bool read_kernel_names(struct run *run)
{
	if (!run_kernel_names(run))
		return false;
	stack_kernel_name(run->view.symbols, 0, true);
	return true;
}

/* The clock of the rows begins, and the output is there. */
bool begin_output(struct run *run)
{
	/* what every report needs is read before time begins, not while it is waited for */
	if (run->plan.tool->kind == TOOL_STACKS && !read_kernel_names(run))
		return false;
	if (unwinds(run))
		run->source.unwound = unwound_open();
	if (unwinds(run) && !run->source.unwound) {
		log_error("out of memory");
		return false;
	}
	run->view.clock.start_ns = now_ns();
	wall_offset_changed(&run->view.clock.realtime_off_ns);
	run->view.clock.wall = run->plan.opts.wall;
	return output_names(run);
}

static bool start_many(struct run *run)
{
	const struct tool_ops *ops = run->plan.tool->ops;

	if (!loaded_attach_many(run->source.loaded, run->plan.opts.verbose) ||
	    (ops && ops->hooked && !ops->hooked(run)) || !begin_output(run))
		return false;
	loaded_begin_many(run->source.loaded);
	return true;
}

static bool attach(struct run *run)
{
	if (!run->plan.tool->feed)
		return loaded_attach(run->source.loaded, targets_mark, run) && targets_adopt(run);
	return feed_attach(run);
}

static bool start(struct run *run)
{
	const struct tool_ops *ops = run->plan.tool->ops;
	bool many = run->plan.tool->many.prog != NULL;

	if ((!many && !run->plan.tool->feed && !begin_output(run)) || !attach(run))
		return false;
	if (ops && ops->begin && !ops->begin(run))
		return false;
	loaded_begin(run->source.loaded);
	if (!books_begin(run) || (ops && ops->start && !ops->start(run)))
		return false;
	/* many targets take their time; nothing counts before the last of them */
	if (many && !start_many(run))
		return false;
	loaded_explain(run->source.loaded);
	loaded_blind(run->source.loaded, run->source.blind, sizeof(run->source.blind));
	if (*run->source.blind && run->plan.opts.format == FORMAT_TEXT)
		log_warn("blind to: %s", run->source.blind);
	run->source.epoch_began_ns = now_ns();
	if (!loop_open(run) || !drop_privileges(run))
		return false;
	if (run->plan.opts.duration_ns)
		run->loop.end_ns = now_ns() + run->plan.opts.duration_ns;
	if (run->plan.opts.interval_ns)
		run->loop.next_report_ns = now_ns() + run->plan.opts.interval_ns;
	return true;
}

/* Returns whether every event is accounted for, and what was asked for written. */
static bool finish(struct run *run)
{
	const struct tool_ops *ops = run->plan.tool->ops;
	bool adds_up;

	books_end(run);
	loaded_end(run->source.loaded);
	if (run->plan.tool->feed)
		run->plan.tool->feed->end(run);
	if (ops && ops->end)
		ops->end(run);
	loaded_detach(run->source.loaded);
	if (run->output.error)
		run->loop.abort_now = true;
	loop_drain(run);
	/* what can't be written is still counted; who is in a hurry waits for nothing */
	if (run->loop.interrupts < 2 && run->output.error != EPIPE)
		output_report(run, true);
	file_wait(run, true);
	adds_up = books_tell(run);
	adds_up &= output_summary(run);
	file_wait(run, true);
	if (run->loop.interrupts < 2) /* else there is no last report to draw */
		adds_up &= graph_write(run);
	if (ops && ops->finish)
		ops->finish(run);
	return adds_up;
}

/* Signals that came while everything was loaded mean a command that hasn't begun, too. */
static bool release(struct run *run)
{
	loop_signals(run);
	if (run->loop.stop)
		return false;
	child_release(&run->watch.child);
	return true;
}

static int trace(struct run *run)
{
	if (!start(run))
		return failed(run);
	if (!run->watch.forked || release(run))
		loop_run(run);
	if (run->watch.forked && run->watch.child.error) {
		log_error("cannot run %s: %s", run->plan.command[0],
			  strerror(run->watch.child.error));
		child_reap(&run->watch.child, true);
		return child_status(&run->watch.child);
	}
	if (!finish(run) || (run->output.error && run->output.error != EPIPE))
		return failed(run);
	if (run->loop.interrupts > 1)
		return 128 + SIGINT;
	return run->watch.forked ? command_wait(run) : 0;
}

static int run_all(struct run *run, int argc, char **argv)
{
	int status = check_usage(run, argc, argv);

	if (status)
		return status;
	if (run->plan.opts.help)
		return help_tool(run->plan.tool);
	if (run->plan.opts.version)
		return help_version();
	if (run->plan.tool->ops && run->plan.tool->ops->answer && run->plan.tool->ops->answer(run))
		return stdout_written() ? 0 : failed(run);
	signals_block();
	if (!check_privileges(run))
		return failed(run);
	if (run->plan.command && !run->plan.opts.ebpf) {
		run->watch.forked = child_fork(&run->watch.child, run->plan.command);
		if (!run->watch.forked) {
			log_error("cannot start a process: %s", strerror(errno));
			return CANT_HELP;
		}
	}
	if (!open_programs(run))
		return failed(run);
	if (run->plan.opts.ebpf) {
		loaded_print_programs(run->source.loaded);
		return stdout_written() ? 0 : failed(run);
	}
	return trace(run);
}

int run_tool(const struct tool *tool, int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	int status;

	log_init(tool->name, false);
	if (run) {
		run->plan.cfg = calloc(1, tool->cfg_size + 8);
		run->plan.tool_state = calloc(1, (tool->ops ? tool->ops->state_size : 0) + 8);
	}
	if (!run || !run->plan.cfg || !run->plan.tool_state) {
		log_error("out of memory");
		return FAILED;
	}
	run->plan.tool = tool;
	run->view.clock.names = &run->view.names;
	run->output.fd = run->source.stats_fd = -1;
	many_init(&run->source.many);
	status = run_all(run, argc, argv);
	command_give_up(run);
	if (tool->feed)
		tool->feed->close(run);
	output_close(run);
	if (!status && run->output.error && run->output.error != EPIPE)
		status = failed(run);
	loop_close(run);
	unwound_close(run->source.unwound);
	targets_close(run);
	books_close(run);
	many_free(&run->source.many);
	loaded_free(run->source.loaded);
	if (tool->ops && tool->ops->close)
		tool->ops->close(run);
	common_free(&run->plan.opts);
	free(run->plan.tool_state);
	free(run->plan.cfg);
	free(run);
	return status;
}
