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

static bool listed(const struct option_spec *s)
{
	return s->kind != OPT_RENAMED && s->kind != OPT_SAME;
}

/* Columns of the widest option, as far as its help can stand beside it. */
static size_t widest_left(const struct option_set *set)
{
	size_t widest = 0;

	for (const struct option_spec *s = set->specs; s->name; s++) {
		struct text_buf left = { 0 };
		size_t width;

		if (!listed(s))
			continue;
		write_left(&left, s);
		width = width_of(left.data, left.len);
		if (width > widest && width <= LEFT_MAX)
			widest = width;
		text_free(&left);
	}
	return widest;
}

size_t help_wrapped(struct text_buf *out, const char *text, size_t at, size_t indent)
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
	at = help_wrapped(out, s->help ? s->help : "", indent, indent);
	if (s->deflt && option_takes_value(s)) {
		text_printf(&deflt, "(default %s)", s->deflt);
		help_wrapped(out, text_cstr(&deflt), at, indent);
		text_free(&deflt);
	}
	text_puts(out, "\n");
}

/* The sets from the first of @sets that stand under its heading. */
static size_t under_heading(const struct option_set *sets, size_t n)
{
	size_t i = 1;

	while (i < n && !sets[i].title)
		i++;
	return i;
}

static void write_sets(const struct option_set *sets, size_t n, struct text_buf *out)
{
	size_t indent = 0;

	for (size_t i = 0; i < n; i++) {
		size_t width = sets[i].unlisted ? 0 : widest_left(&sets[i]) + GAP;

		indent = width > indent ? width : indent;
	}
	if (sets->title)
		text_printf(out, "%s:\n", sets->title);
	for (size_t i = 0; i < n; i++)
		for (const struct option_spec *s = sets[i].specs; !sets[i].unlisted && s->name; s++)
			if (listed(s))
				write_option(out, s, indent);
}

void options_help(const struct option_set *sets, size_t n, struct text_buf *out)
{
	for (size_t i = 0, k; i < n; i += k) {
		k = under_heading(sets + i, n - i);
		if (i)
			text_puts(out, "\n");
		write_sets(sets + i, k, out);
	}
}
