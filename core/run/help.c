/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text_buf.h"
#include "core/rows/vocabulary.h"
#include "core/run/common.h"
#include "core/run/run.h"
#include "core/run/tables.h"

/* The layers of the stack, in the order in which an I/O passes them. */
static const struct {
	const char *name, *title;
} layers[] = {
	{ "layers", "Every layer at once" },
	{ "syscall", "System calls" },
	{ "vfs", "VFS" },
	{ "fs", "Filesystems" },
	{ "cache", "Dentry and page cache" },
	{ "block", "Block layer" },
	{ "sched", "Scheduler and stacks" },
	{ "func", "Kernel functions" },
	{ "net", "Network" },
	{ "mem", "Memory" },
};

const char *help_layer(const char *layer)
{
	for (size_t l = 0; l < sizeof(layers) / sizeof(layers[0]); l++)
		if (!strcmp(layers[l].name, layer))
			return layers[l].title;
	return NULL;
}

static int finish(struct text_buf *out)
{
	const char *text = text_cstr(out);
	bool complete = !out->failed;

	fputs(text, stdout);
	text_free(out);
	return stdout_written() && complete ? 0 : 1;
}

#define OVERVIEW_WIDTH	78
#define OVERVIEW_INDENT 24
#define ALIASES_LISTED	2

/* The next name of @tool, the alias at *@next; of a long row of them the first stands for all. */
static const char *next_name(const struct tool *tool, const struct tool_alias **next)
{
	const struct tool_alias *alias = *next;
	size_t n = 0;

	if (!alias || !alias->name)
		return NULL;
	while (tool->aliases[n].name)
		n++;
	*next = alias + 1;
	if (n <= ALIASES_LISTED || alias == tool->aliases)
		return alias->name;
	*next = NULL;
	return "...";
}

/* The names of a layer's commands, behind its title, on as many lines as they need. */
static void list_layer(struct text_buf *out, const char *layer, const char *title)
{
	size_t at = 0;

	for (size_t i = 0; catalogue[i]; i++) {
		const struct tool_alias *alias = catalogue[i]->aliases;
		const char *name = catalogue[i]->name;

		if (strcmp(catalogue[i]->layer, layer))
			continue;
		for (; name; name = next_name(catalogue[i], &alias)) {
			if (!at)
				text_printf(out, "%-*s", OVERVIEW_INDENT, title);
			else if (at + 1 + strlen(name) > OVERVIEW_WIDTH)
				text_printf(out, "\n%*s", OVERVIEW_INDENT, "");
			at = !at || at + 1 + strlen(name) > OVERVIEW_WIDTH ? OVERVIEW_INDENT : at;
			text_printf(out, "%s%s", at > OVERVIEW_INDENT ? " " : "", name);
			at += (at > OVERVIEW_INDENT) + strlen(name);
		}
	}
	if (at)
		text_puts(out, "\n");
}

int help_overview(void)
{
	struct text_buf out = { 0 };

	text_puts(&out,
		  "iosonde shows what Linux does with file I/O, in every layer from the system "
		  "call to\nthe disk.\n\n"
		  "  iosonde COMMAND [OPTIONS] [-- PROGRAM ARGS]   trace a program and its "
		  "descendants\n"
		  "  iosonde COMMAND [OPTIONS] -p PID              trace what is running\n\n");
	for (size_t l = 0; l < sizeof(layers) / sizeof(layers[0]); l++)
		list_layer(&out, layers[l].name, layers[l].title);
	text_puts(&out, "\nStart with: iosonde layers -- dd if=/dev/zero of=f bs=1M count=100 "
			"conv=fsync\n"
			"What works here, and why the rest doesn't: iosonde doctor\n"
			"What each is for: iosonde list. More: iosonde help COMMAND, or columns; "
			"iosonde --version\n");
	return finish(&out);
}

int help_list(void)
{
	struct text_buf out = { 0 };

	for (size_t i = 0; catalogue[i]; i++) {
		const struct tool *tool = catalogue[i];
		const struct tool_alias *alias = tool->aliases;

		text_printf(&out, "%-14s %-8s %s\n", tool->name, tool->layer, tool->summary);
		for (; alias && alias->name; alias++)
			text_printf(&out, "%-14s %-8s %s\n", alias->name, tool->layer,
				    alias->summary);
	}
	return finish(&out);
}

int help_version(void)
{
	struct text_buf out = { 0 };

	text_puts(&out, "iosonde " IOSONDE_VERSION "\n");
	return finish(&out);
}

#define WORD_INDENT 18

static void list_word(struct text_buf *out, char mark, const char *name, const char *meaning)
{
	text_printf(out, "  %c%-14s ", mark, name);
	help_wrapped(out, meaning, WORD_INDENT, WORD_INDENT);
	text_puts(out, "\n");
}

static void list_columns(const struct tool *tool, struct text_buf *out)
{
	struct tool_table spec[MAX_TABLES];
	size_t n = tables_of(tool, spec);

	for (size_t i = 0; i < n; i++) {
		text_puts(out, "\nColumns");
		if (n > 1)
			text_printf(out, " of %s", spec[i].name);
		text_puts(out, i ? ":\n" : " (* only if named in --columns, or in JSON):\n");
		for (const struct column *c = spec[i].row.columns; c->name; c++)
			list_word(out, c->flags & (COL_HIDDEN | COL_MACHINE) ? '*' : ' ', c->name,
				  column_help(c));
	}
}

int help_columns(void)
{
	struct text_buf out = { 0 };

	text_puts(
		&out,
		"What columns are called in --columns, --where, --by and --sort. JSON and CSV\n"
		"add the unit where there is one: lat_ns, read_bytes. 'iosonde help COMMAND' has\n"
		"those of a command, and how it comes by them.\n\n");
	for (const struct word *w = vocabulary(); w->name; w++)
		list_word(&out, ' ', w->name, w->meaning);
	return finish(&out);
}

/* Paragraphs as wide as the screen; one with lines that are indented stays as it is. */
static void list_text(struct text_buf *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);
		char *part = strndup(text, len);

		if (!part || strstr(part, "\n "))
			text_add(out, text, len);
		else
			help_wrapped(out, part, 0, 0);
		text_puts(out, end ? "\n\n" : "\n");
		free(part);
		text += len + (end ? 2 : 0);
	}
}

int help_tool(const struct tool *t)
{
	struct option_set sets[MAX_OPTION_SETS];
	struct common_opts opts = { 0 };
	struct text_buf out = { 0 };
	size_t n = common_option_sets(t, &opts, NULL, sets);

	text_printf(&out, "iosonde %s:", t->name);
	help_wrapped(&out, t->summary, out.len, 2);
	text_puts(&out, "\n\n");
	list_text(&out, t->text);
	text_puts(&out, "\n");
	options_help(sets, n, &out);
	list_columns(t, &out);
	if (t->aliases)
		text_puts(&out, "\nOther names:\n");
	for (const struct tool_alias *a = t->aliases; a && a->name; a++)
		text_printf(&out, "  %-14s %s\n", a->name, a->summary);
	if (t->examples)
		text_printf(&out, "\nExamples:\n%s", t->examples);
	return finish(&out);
}
