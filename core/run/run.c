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
	return &run->opts;
}

void *run_cfg(struct run *run)
{
	return run->cfg;
}

void *run_tool_state(struct run *run)
{
	return run->tool_state;
}

struct loaded *run_loaded(struct run *run)
{
	return run->loaded;
}

struct many *run_many(struct run *run)
{
	return &run->many;
}

struct sink *run_sink(struct run *run)
{
	return run->sink;
}

bool run_has_command(const struct run *run)
{
	return run->command != NULL;
}

uint64_t run_elapsed_ns(const struct run *run)
{
	return now_ns() - run->clock.start_ns;
}

struct stack_names *run_kernel_names(struct run *run)
{
	if (!run->names)
		run->names = stack_names_open();
	if (!run->names)
		log_error("out of memory");
	return run->names;
}

void run_summary_add(struct run *run, const char *key, uint64_t value, bool text)
{
	if (run->n_extra == MAX_EXTRA)
		return;
	run->extra[run->n_extra] = (struct json_pair){ .key = key, .kind = JP_UINT, .u = value };
	run->extra_text[run->n_extra++] = text;
}

void run_row(struct run *run, const void *rec, size_t len)
{
	output_row(run, rec, len);
}

void run_count(struct run *run, uint64_t generated, uint64_t shown, uint64_t filtered)
{
	run->generated += generated;
	output_shown(run, shown);
	run->filtered += filtered;
}

void run_others(struct run *run, uint64_t n)
{
	run->others += n;
}

static int failed(const struct run *run)
{
	return run->command ? CANT_HELP : FAILED;
}

/* What can be refused without asking the kernel for anything. Returns 0 or the exit status. */
static int check_usage(struct run *run, int argc, char **argv)
{
	struct option_set sets[MAX_OPTION_SETS];
	struct option_result result;
	size_t n = common_option_sets(run->tool, &run->opts, run->cfg, sets);
	char err[512];

	if (!options_parse(sets, n, argc, argv, &result)) {
		log_error("%s", result.error);
		return USAGE;
	}
	run->command = result.command;
	if (!output_terms(run, &result)) {
		log_error("out of memory");
		return USAGE;
	}
	log_init(run->tool->name, run->opts.verbose);
	if (run->opts.help || run->opts.version)
		return 0;
	if (run->command && !run->command[0]) {
		log_error("no command after --");
		return USAGE;
	}
	if (!common_check(run->tool, &run->opts, run->command != NULL, err, sizeof(err))) {
		log_error("%s", err);
		return USAGE;
	}
	if (!output_open(run))
		return USAGE;
	if (run->tool->ops && run->tool->ops->prepare && !run->tool->ops->prepare(run))
		return USAGE;
	/* the line is well-formed; whether what it names exists is another matter */
	if (!target_resolve(&run->opts, run->command != NULL, &run->target, err, sizeof(err))) {
		log_error("%s", err);
		return failed(run);
	}
	return targets_open(run) ? 0 : failed(run);
}

static bool check_privileges(const struct run *run)
{
	char missing[64];

	if (!privs_can_trace(missing, sizeof(missing))) {
		log_error("missing %s: tracing needs CAP_BPF and CAP_PERFMON; run it as root, or "
			  "with "
			  "sudo, or give the binary the two: setcap cap_bpf,cap_perfmon+ep",
			  missing);
		return false;
	}
	if (run->opts.ustack && !privs_can_ptrace()) {
		log_error("missing CAP_SYS_PTRACE: --ustack reads the memory maps of the traced "
			  "processes; run it as root, or leave --ustack out");
		return false;
	}
	return true;
}

static bool open_programs(struct run *run)
{
	const char *btf = run->opts.btf ? btf_file_take(run->opts.btf) : NULL;
	struct load_opts opts = {
		.tool = run->tool,
		.cfg = run->cfg,
		.target = &run->target,
		.engine = { .kstack = run->opts.kstack, .ustack = run->opts.ustack },
		.buffer = common_buffer(run->tool, &run->opts),
		.btf = btf,
		.many = run->tool->many.prog ? &run->many : NULL,
	};

	if (run->opts.btf && !btf)
		return false;
	run->opts.btf = btf; /* whoever else reads it */
	if (run->tool->ops && run->tool->ops->find && !run->tool->ops->find(run))
		return false;
	if (run->tool->many.functions &&
	    !many_add_selected(&run->many, run->opts.patterns, run->opts.n_patterns))
		return false;

	if (run->opts.stats)
		run->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (run->opts.stats && run->stats_fd < 0)
		log_warn("--stats: the kernel doesn't time programs (%s): needs CAP_SYS_ADMIN",
			 strerror(errno));
	run->loaded = loaded_open(&opts);
	return run->loaded != NULL;
}

/* From here on a mistake in us can't be used against the host. */
static bool drop_privileges(const struct run *run)
{
	bool maps = run->tool->kind != TOOL_EVENTS || run->opts.stats || fold_chosen(run);
	bool keep_bpf = maps && !privs_maps_readable_without(loaded_map(run->loaded, "counters"));

	if (!privs_drop(keep_bpf, run->opts.ustack)) {
		log_error("cannot give up privileges: %s", strerror(errno));
		return false;
	}
	log_verbose("capabilities that stay: %s%s%s",
		    keep_bpf ? "CAP_BPF (map look-ups need it on this kernel)" : "",
		    run->opts.ustack ? "CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE and "
				       "CAP_DAC_READ_SEARCH, as far as they were there (--ustack)"
				     : "",
		    keep_bpf || run->opts.ustack ? "" : "none");
	return true;
}

/* The clock of the rows begins, and the output is there. */
/* All that there is, once: a quarter of a second here and there. */
static bool read_kernel_names(struct run *run)
{
	if (!run_kernel_names(run))
		return false;
	stack_kernel_name(run->names, 0, true);
	return true;
}

static bool begin_output(struct run *run)
{
	/* what every report needs is read before time begins, not while it is waited for */
	if (run->tool->kind == TOOL_STACKS && !read_kernel_names(run))
		return false;
	run->clock.start_ns = now_ns();
	wall_offset_changed(&run->clock.realtime_off_ns);
	run->clock.wall = run->opts.wall;
	return output_names(run);
}

static bool start(struct run *run)
{
	const struct tool_ops *ops = run->tool->ops;
	bool many = run->tool->many.prog != NULL;

	if ((!many && !begin_output(run)) || !loaded_attach(run->loaded, targets_mark, run) ||
	    !targets_adopt(run))
		return false;
	if (ops && ops->start && !ops->start(run))
		return false;
	/* many targets take their time; nothing counts before the last of them */
	if (many && (!loaded_attach_many(run->loaded, run->opts.verbose) || !begin_output(run)))
		return false;
	loaded_explain(run->loaded);
	loaded_blind(run->loaded, run->blind, sizeof(run->blind));
	if (*run->blind && run->opts.format == FORMAT_TEXT)
		log_warn("blind to: %s", run->blind);
	run->epoch_began_ns = now_ns();
	if (!loop_open(run) || !drop_privileges(run))
		return false;
	if (run->opts.duration_ns)
		run->end_ns = now_ns() + run->opts.duration_ns;
	if (run->opts.interval_ns)
		run->next_report_ns = now_ns() + run->opts.interval_ns;
	return true;
}

/* Returns whether every event is accounted for. */
static bool finish(struct run *run)
{
	const struct tool_ops *ops = run->tool->ops;
	bool adds_up;

	loaded_detach(run->loaded);
	if (run->out_error)
		run->abort_now = true;
	loop_drain(run);
	/* what can't be written is still counted; who is in a hurry waits for nothing */
	if (run->interrupts < 2 && run->out_error != EPIPE)
		output_report(run, true);
	file_wait(run, true);
	adds_up = output_summary(run);
	file_wait(run, true);
	if (ops && ops->finish)
		ops->finish(run);
	return adds_up;
}

/* Signals that came while everything was loaded mean a command that hasn't begun, too. */
static bool release(struct run *run)
{
	loop_signals(run);
	if (run->stop)
		return false;
	child_release(&run->child);
	return true;
}

static int trace(struct run *run)
{
	if (!start(run))
		return failed(run);
	if (!run->forked || release(run))
		loop_run(run);
	if (run->forked && run->child.error) {
		log_error("cannot run %s: %s", run->command[0], strerror(run->child.error));
		child_reap(&run->child, true);
		return child_status(&run->child);
	}
	if (!finish(run) || (run->out_error && run->out_error != EPIPE))
		return failed(run);
	if (run->interrupts > 1)
		return 128 + SIGINT;
	return run->forked ? command_wait(run) : 0;
}

static int run_all(struct run *run, int argc, char **argv)
{
	int status = check_usage(run, argc, argv);

	if (status)
		return status;
	if (run->opts.help)
		return help_tool(run->tool);
	if (run->opts.version)
		return help_version();
	if (run->tool->ops && run->tool->ops->answer && run->tool->ops->answer(run))
		return stdout_written() ? 0 : failed(run);
	signals_block();
	if (!check_privileges(run))
		return failed(run);
	if (run->command && !run->opts.ebpf) {
		run->forked = child_fork(&run->child, run->command);
		if (!run->forked) {
			log_error("cannot start a process: %s", strerror(errno));
			return CANT_HELP;
		}
	}
	if (!open_programs(run))
		return failed(run);
	if (run->opts.ebpf) {
		loaded_print_programs(run->loaded);
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
		run->cfg = calloc(1, tool->cfg_size + 8);
		run->tool_state = calloc(1, (tool->ops ? tool->ops->state_size : 0) + 8);
	}
	if (!run || !run->cfg || !run->tool_state) {
		log_error("out of memory");
		return FAILED;
	}
	run->tool = tool;
	run->clock.names = &run->view_names;
	run->out_fd = run->stats_fd = -1;
	many_init(&run->many);
	status = run_all(run, argc, argv);
	command_give_up(run);
	output_close(run);
	if (!status && run->out_error && run->out_error != EPIPE)
		status = failed(run);
	loop_close(run);
	targets_close(run);
	many_free(&run->many);
	loaded_free(run->loaded);
	common_free(&run->opts);
	free(run->tool_state);
	free(run->cfg);
	free(run);
	return status;
}
