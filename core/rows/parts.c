// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/parts.h"

#include <string.h>

/* Where the part that begins at @s ends: at a semicolon that isn't quoted, or with the text. */
static const char *end_of(const char *s)
{
	char quote = '\0';

	for (; *s && (quote || *s != ';'); s++) {
		if (quote && *s == '\\' && s[1])
			s++;
		else if (quote && *s == quote)
			quote = '\0';
		else if (!quote && (*s == '"' || *s == '\''))
			quote = *s;
	}
	return s;
}

static void trim(const char **s, size_t *len)
{
	while (*len && **s == ' ') {
		(*s)++;
		(*len)--;
	}
	while (*len && (*s)[*len - 1] == ' ')
		(*len)--;
}

bool part_next(const char **at, struct part *part)
{
	const char *s = *at, *end;
	size_t name;

	if (!s)
		return false;
	end = end_of(s);
	*part = (struct part){ .text = s, .len = (size_t)(end - s) };
	*at = *end ? end + 1 : NULL;
	trim(&part->text, &part->len);
	name = strspn(part->text, "abcdefghijklmnopqrstuvwxyz_0123456789");
	if (!name || name >= part->len || part->text[name] != ':')
		return true;
	part->table = part->text;
	part->table_len = name;
	part->text += name + 1;
	part->len -= name + 1;
	trim(&part->text, &part->len);
	return true;
}
