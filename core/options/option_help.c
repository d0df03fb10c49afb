// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The help of a table of options. */
#include "core/options/option_impl.h"

#include <string.h>

#include "core/base/escape.h"
#include "core/base/text_buf.h"

#define HELP_WIDTH 80
/* Options longer than this have their help begin on the next line. */
#define LEFT_MAX 30
#define GAP	 3

static void write_left(struct text_buf *out, const struct option_spec *s)
{
	if (s->letter)
		text_printf(out, "  -%c, --%s", s->letter, s->name);
	else
		text_printf(out, "      --%s", s->name);
	if (!option_takes_value(s))
		return;
	text_puts(out, " ");
	if (s->kind != OPT_CHOICE || s->arg) {
		text_puts(out, option_arg(s));
		return;
	}
	for (size_t i = 0; s->names[i]; i++)
		text_printf(out, "%s%s", i ? "|" : "", s->names[i]);
}

static size_t width_of(const char *s, size_t len)
{
	return text_columns(s, len);
}

/* Where the help of every option begins. */
static size_t help_column(const struct option_set *set)
{
	size_t widest = 0;

	for (const struct option_spec *s = set->specs; s->name; s++) {
		struct text_buf left = { 0 };
		size_t width;

		if (s->kind == OPT_RENAMED || s->kind == OPT_SAME)
			continue;
		write_left(&left, s);
		width = width_of(left.data, left.len);
		if (width > widest && width <= LEFT_MAX)
			widest = width;
		text_free(&left);
	}
	return widest + GAP;
}

/* Writes @text word by word, beginning at column @at, continuing at @indent. */
static size_t write_wrapped(struct text_buf *out, const char *text, size_t at, size_t indent)
{
	while (*(text += strspn(text, " \n"))) {
		size_t len = strcspn(text, " \n"), width = width_of(text, len);
		size_t space = at > indent;

		if (space && at + 1 + width > HELP_WIDTH) {
			text_puts(out, "\n");
			text_pad(out, ' ', indent);
			at = indent;
			space = 0;
		}
		text_pad(out, ' ', space);
		text_add(out, text, len);
		at += space + width;
		text += len;
	}
	return at;
}

static void write_option(struct text_buf *out, const struct option_spec *s, size_t indent)
{
	struct text_buf deflt = { 0 };
	size_t start = out->len, at;

	write_left(out, s);
	at = out->failed ? 0 : width_of(out->data + start, out->len - start);
	if (at + GAP > indent) {
		text_puts(out, "\n");
		at = 0;
	}
	text_pad(out, ' ', indent - at);
	at = write_wrapped(out, s->help ? s->help : "", indent, indent);
	if (s->deflt && option_takes_value(s)) {
		text_printf(&deflt, "(default %s)", s->deflt);
		write_wrapped(out, text_cstr(&deflt), at, indent);
		text_free(&deflt);
	}
	text_puts(out, "\n");
}

void options_help(const struct option_set *set, struct text_buf *out)
{
	size_t indent = help_column(set);

	if (set->title)
		text_printf(out, "%s:\n", set->title);
	for (const struct option_spec *s = set->specs; s->name; s++)
		if (s->kind != OPT_RENAMED && s->kind != OPT_SAME)
			write_option(out, s, indent);
}
