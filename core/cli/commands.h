/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Commands by name, their aliases included. */
#ifndef IOSONDE_COMMANDS_H
#define IOSONDE_COMMANDS_H

#include "core/tool.h"

/* A command as it was named: @alias is NULL under its own name. tool NULL: there is none. */
struct command {
	const struct tool *tool;
	const struct tool_alias *alias;
};

struct command command_find(const char *name);

/* Every name that command_find() knows, up to @max of them into @out. Returns how many. */
size_t command_names(const char **out, size_t max);

/* Says that there is no @what called @name, and what there is. Returns the exit status. */
int command_unknown(const char *what, const char *name);

/*
 * Runs @command with @argv (argv[0] is ignored), behind the words that its alias stands for.
 * Returns the exit status of the process.
 */
int command_run(const struct command *command, int argc, char **argv);

#endif
