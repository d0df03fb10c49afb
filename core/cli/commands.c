/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/suggest.h"
#include "core/run/run.h"

#define USAGE 2

struct command command_find(const char *name)
{
	for (size_t i = 0; catalogue[i]; i++) {
		const struct tool_alias *alias = catalogue[i]->aliases;

		if (!strcmp(catalogue[i]->name, name))
			return (struct command){ catalogue[i], NULL };
		for (; alias && alias->name; alias++)
			if (!strcmp(alias->name, name))
				return (struct command){ catalogue[i], alias };
	}
	return (struct command){ NULL, NULL };
}

size_t command_names(const char **out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; catalogue[i]; i++) {
		const struct tool_alias *alias = catalogue[i]->aliases;

		if (n < max)
			out[n++] = catalogue[i]->name;
		for (; alias && alias->name && n < max; alias++)
			out[n++] = alias->name;
	}
	return n;
}

int command_unknown(const char *what, const char *name)
{
	const char *names[128];
	char safe[SHOWN_MAX];
	const char *near;
	size_t n;

	n = command_names(names, 120);
	names[n++] = "doctor";
	names[n++] = "help";
	names[n++] = "list";
	names[n++] = "version";
	near = suggest(name, names, n);
	shown(safe, name, strlen(name));
	if (near)
		log_error("no %s \"%s\"; did you mean \"%s\"?", what, safe, near);
	else
		log_error("no %s \"%s\"; 'iosonde list' shows what there is", what, safe);
	return USAGE;
}

int command_run(const struct command *command, int argc, char **argv)
{
	const char *const *words = command->alias ? command->alias->words : NULL;
	size_t n = 0;
	char **all;
	int status;

	while (words && words[n])
		n++;
	if (!n)
		return run_tool(command->tool, argc, argv);
	all = calloc((size_t)argc + n + 1, sizeof(*all));
	if (!all) {
		log_error("out of memory");
		return 1;
	}
	all[0] = argv[0];
	memcpy(all + 1, words, n * sizeof(*all));
	memcpy(all + 1 + n, argv + 1, (size_t)(argc - 1) * sizeof(*all));
	status = run_tool(command->tool, argc + (int)n, all);
	free(all);
	return status;
}
