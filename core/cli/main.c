/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* iosonde COMMAND ..., or a link with a command's name: opensnoop ... */
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/cli/commands.h"
#include "core/cli/doctor.h"
#include "core/run/help.h"

/* What isn't in the catalogue. */
static int help_other(const char *word)
{
	if (!strcmp(word, "doctor"))
		return doctor(2, (char *[]){ (char *)word, "--help", NULL });
	if (!strcmp(word, "columns"))
		return help_columns();
	if (!strcmp(word, "help") || !strcmp(word, "list") || !strcmp(word, "version"))
		return help_overview();
	return command_unknown("command", word);
}

static int help(int argc, char **argv)
{
	const struct tool *tool = argc > 1 ? command_find(argv[1]).tool : NULL;

	if (argc < 2)
		return help_overview();
	return tool ? help_tool(tool) : help_other(argv[1]);
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *self = argc > 0 ? (slash ? slash + 1 : argv[0]) : "iosonde";
	struct command command = command_find(self);
	const char *word = argc > 1 ? argv[1] : NULL;

	process_begin();
	log_begin();
	log_init("iosonde", false);
	if (command.tool)
		return command_run(&command, argc, argv);
	if (!word)
		return help_overview();
	if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h"))
		return help(argc - 1, argv + 1);
	if (!strcmp(word, "list") || !strcmp(word, "--list"))
		return help_list();
	if (!strcmp(word, "version") || !strcmp(word, "--version") || !strcmp(word, "-V"))
		return help_version();
	if (!strcmp(word, "doctor"))
		return doctor(argc - 1, argv + 1);
	command = command_find(word);
	if (!command.tool)
		return command_unknown(*word == '-' ? "option" : "command", word);
	return command_run(&command, argc - 1, argv + 1);
}
