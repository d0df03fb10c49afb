/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/cli/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "core/base/log.h"
#include "core/base/text_buf.h"
#include "core/cli/commands.h"
#include "core/cli/doctor_ask.h"
#include "core/cli/doctor_commands.h"
#include "core/kernel/abilities.h"
#include "core/kernel/btf_file.h"
#include "core/kernel/btf_query.h"
#include "core/options/option.h"
#include "core/rows/columns.h"

#define USAGE	  2
#define FAILED	  1
#define MAX_TOOLS 256

struct doctor_opts {
	uint32_t format;
	const char *btf;
	const char *command, *field, *symbol, *syscall;
	bool help;
};

static const char *const formats[] = { "text", "json", "csv", NULL };
static const char *const no_yes[] = { "no", "yes", NULL };

#define O(member) FIELD(struct doctor_opts, member)

static const struct option_spec options[] = {
	{ "output", 'o', O(format), .kind = OPT_CHOICE, .names = formats, .arg = "FORMAT",
	  .deflt = "text", .help = "text, json (one object per line) or csv" },
	{ "btf", 0, O(btf), .kind = OPT_STRING, .arg = "FILE",
	  .help = "the kernel's type information, where /sys/kernel/btf/vmlinux is missing" },
	{ "command", 0, O(command), .kind = OPT_STRING, .arg = "NAME",
	  .help = "only this: can that command run, and by which hooks?" },
	{ "field", 0, O(field), .kind = OPT_STRING, .arg = "STRUCT.FIELD",
	  .help = "only this: where is that field, in this kernel?" },
	{ "symbol", 0, O(symbol), .kind = OPT_STRING, .arg = "PATTERN",
	  .help = "only this: which symbols match that glob?" },
	{ "syscall", 0, O(syscall), .kind = OPT_STRING, .arg = "NAME",
	  .help = "only this: that system call's numbers, if this kernel has it" },
	{ "help", 'h', O(help), .kind = OPT_FLAG, .help = "this text" },
	{}
};

#define A(member) FIELD(struct ability, member)

static const struct column ability_columns[] = {
	{ "name", A(name), U_TEXT, .width = 25, .help = "ability" },
	{ "ok", A(available), U_ENUM, .flags = COL_PEOPLE, .names = no_yes,
	  .help = "is it there?" },
	{ "available", A(available), U_COUNT, .flags = COL_MACHINE, .help = "the same" },
	{ "how", A(how), U_TEXT, .width = 6, .help = "tried: done once; looked: read somewhere" },
	{ "found", A(found), U_TEXT, .width = 40, .help = "what was seen" },
	{ "why", A(why), U_TEXT, .help = "why not, and what would change it" },
	{}
};

#define C(member) FIELD(struct command_row, member)

static const struct column command_columns[] = {
	{ "name", C(name), U_TEXT, .width = 14, .help = "command" },
	{ "ok", C(usable), U_ENUM, .flags = COL_PEOPLE, .names = no_yes, .help = "can it run?" },
	{ "usable", C(usable), U_COUNT, .flags = COL_MACHINE, .help = "the same" },
	{ "hooks", C(hooks), U_TEXT, .flags = COL_HIDDEN, .help = "what its programs hang on" },
	{ "state", C(state), U_TEXT, .width = 17, .help = "where the state of threads is kept" },
	{ "blind", C(blind), U_TEXT, .width = 24, .help = "what it doesn't see here" },
	{ "why", C(why), U_TEXT, .help = "why it can't run, and what would change that" },
	{}
};

#define H(member) FIELD(struct hook_row, member)

static const struct column hook_columns[] = {
	{ "command", H(command), U_TEXT, .width = 14, .help = "command" },
	{ "what", H(what), U_TEXT, .width = 38, .help = "what it looks at" },
	{ "hooks", H(hooks), U_TEXT, .width = 50, .help = "by these hooks" },
	{ "blind", H(blind), U_TEXT, .width = 24, .help = "what they don't see" },
	{ "why", H(why), U_TEXT, .help = "why better ones aren't used" },
	{}
};

static const struct table ability_table = { "ability", ability_columns };
static const struct table command_table = { "command", command_columns };
static const struct table hook_table = { "hook", hook_columns };

static bool report_abilities(struct sink *out, enum format format, const struct btf *btf)
{
	struct ability *list = calloc(ABILITIES_MAX, sizeof(*list));
	struct selection sel;
	size_t n;

	if (!list || !doctor_columns(&ability_table, format, &sel)) {
		free(list);
		return false;
	}
	n = abilities_find(list, btf);
	sink_title(out, "What this kernel and these privileges allow");
	for (size_t i = 0; i < n; i++)
		sink_row(out, &sel, &list[i], sizeof(list[i]));
	sink_flush(out); /* the selection goes now, and the commands take a while */
	selection_free(&sel);
	free(list);
	return true;
}

static void print_hooks(struct sink *out, const struct selection *sel,
			const struct command_row *row)
{
	for (size_t i = 0; i < row->n_probes; i++)
		sink_row(out, sel, &row->probes[i], sizeof(row->probes[i]));
}

/* Of the @n commands at @tools; @usable: how many of them can run. False: no memory. */
static bool report_commands(struct sink *out, enum format format, const char *btf,
			    const struct tool *const *tools, size_t n, size_t *usable)
{
	struct command_row *rows;
	struct selection commands, hooks;

	*usable = 0;
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows || !doctor_columns(&command_table, format, &commands)) {
		free(rows);
		return false;
	}
	sink_title(out, "Commands");
	for (size_t i = 0; i < n; i++) {
		command_check(tools[i], btf, &rows[i]);
		*usable += rows[i].usable;
		sink_row(out, &commands, &rows[i], sizeof(rows[i]));
	}
	if (doctor_columns(&hook_table, format, &hooks)) {
		sink_title(out, "Hooks of the commands that can run");
		for (size_t i = 0; i < n; i++)
			print_hooks(out, &hooks, &rows[i]);
		sink_flush(out);
		selection_free(&hooks);
	}
	selection_free(&commands);
	free(rows);
	return true;
}

static int help(const struct option_set *set)
{
	struct text_buf out = { 0 };
	bool complete;

	text_puts(
		&out,
		"iosonde doctor: what this kernel and your privileges allow\n\n"
		"Tries what commands build on, then says of every command whether it can run, by\n"
		"which hooks and blind to what, or why it can't and what would change that. What\n"
		"is tried is attached for an instant, and sees nothing of other processes.\n\n"
		"With --command, --field, --symbol or --syscall it answers that question alone:\n"
		"exit status 0 if so, 1 if not.\n\n");
	options_help(set, 1, &out);
	text_puts(&out, "\nExamples:\n"
			"  sudo iosonde doctor\n"
			"  sudo iosonde doctor --command layers\n"
			"  iosonde doctor --field task_struct.io_uring && echo io_uring is there\n"
			"  iosonde doctor --symbol 'vfs_*' -o json\n");
	fputs(text_cstr(&out), stdout);
	complete = !out.failed;
	text_free(&out);
	return stdout_written() && complete ? 0 : FAILED;
}

/* The line as a whole: 0, or the exit status after a message. */
static int check_usage(const struct doctor_opts *opts, const struct option_result *result)
{
	int questions = (opts->command != NULL) + (opts->field != NULL) + (opts->symbol != NULL) +
			(opts->syscall != NULL);

	if (result->command) {
		log_error("doctor runs no command; try: iosonde layers -- COMMAND");
		return USAGE;
	}
	if (questions > 1) {
		log_error("one question at a time: --command, --field, --symbol or --syscall");
		return USAGE;
	}
	return 0;
}

static int answer(struct sink *out, const struct doctor_opts *opts, const struct btf *btf)
{
	enum format format = opts->format;
	struct command command = { NULL, NULL };
	size_t n = 0, usable;

	if (opts->command) {
		command = command_find(opts->command);
		if (!command.tool)
			return command_unknown("command", opts->command);
		return report_commands(out, format, opts->btf, &command.tool, 1, &usable) && usable
			       ? 0
			       : FAILED;
	}
	if (opts->field)
		return ask_field(out, format, btf, opts->field);
	if (opts->symbol)
		return ask_symbol(out, format, btf, opts->symbol);
	if (opts->syscall)
		return ask_syscall(out, format, btf, opts->syscall);
	while (catalogue[n])
		n++;
	if (!report_abilities(out, format, btf) ||
	    !report_commands(out, format, opts->btf, catalogue, n, &usable))
		return FAILED;
	return 0;
}

static int examine(const struct doctor_opts *opts)
{
	/* never cut to a terminal's width: the end of a line is what to do */
	struct sink_opts o = { .format = opts->format, .fd = STDOUT_FILENO };
	struct doctor_opts checked = *opts;
	struct btf *btf;
	struct sink *out;
	int status, error;

	if (opts->btf) {
		checked.btf = btf_file_take(opts->btf);
		if (!checked.btf)
			return FAILED;
	}
	btf = btf_of_kernel(checked.btf);
	out = sink_open(&o);
	if (!out) {
		log_error("out of memory");
		btf_release(btf);
		return FAILED;
	}
	status = answer(out, &checked, btf);
	error = sink_close(out);
	btf_release(btf);
	if (error && error != EPIPE)
		log_error("writing to standard output failed: %s", strerror(error));
	return error && error != EPIPE ? FAILED : status;
}

int doctor(int argc, char **argv)
{
	struct doctor_opts opts = { 0 };
	struct option_set set = { options, &opts, "Options" };
	struct option_result result = { 0 };
	int status;

	log_init("doctor", false);
	if (!options_parse(&set, 1, argc, argv, &result)) {
		log_error("%s", result.error);
		return USAGE;
	}
	if (opts.help)
		return help(&set);
	status = check_usage(&opts, &result);
	return status ? status : examine(&opts);
}
