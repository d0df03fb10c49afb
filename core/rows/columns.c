// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/suggest.h"
#include "core/rows/vocabulary.h"

/* Longest key of a column in machine formats. */
#define KEY_MAX 64

size_t columns_count(const struct table *table)
{
	size_t n = 0;

	while (table->columns[n].name)
		n++;
	return n;
}

static bool is_name(const char *candidate, const char *name, size_t len)
{
	return strlen(candidate) == len && memcmp(candidate, name, len) == 0;
}

int columns_find(const struct table *table, const char *name, size_t len)
{
	char key[KEY_MAX];

	/* Names first: one column's name may be another one's key. */
	for (int i = 0; table->columns[i].name; i++)
		if (is_name(table->columns[i].name, name, len))
			return i;
	for (int i = 0; table->columns[i].name; i++)
		if (is_name(column_key(&table->columns[i], key, sizeof(key)), name, len))
			return i;
	for (int i = 0; table->columns[i].name; i++)
		if (table->columns[i].classic && is_name(table->columns[i].classic, name, len))
			return i;
	for (int i = 0; table->columns[i].name; i++) {
		const char *also = column_also(&table->columns[i]);

		if (also && is_name(also, name, len))
			return i;
	}
	return -1;
}

/* Appends to a string of limited size; what doesn't fit is left out. Returns the new length. */
static size_t append(char *dst, size_t at, size_t size, const char *s)
{
	size_t len = strlen(s);

	if (at + len + 1 > size)
		return at;
	memcpy(dst + at, s, len + 1);
	return at + len;
}

/* ", b" after the others; false if it doesn't fit along with an ellipsis. */
static bool append_name(char *err, size_t *at, size_t size, const char *name, bool first)
{
	const size_t ellipsis = sizeof(", …");

	if (*at + strlen(name) + 2 + ellipsis > size)
		return false;
	*at = append(err, *at, size, first ? "" : ", ");
	*at = append(err, *at, size, name);
	return true;
}

void columns_unknown(const struct table *table, const char *name, size_t len, char *err,
		     size_t err_size)
{
	size_t n = columns_count(table), at;
	const char **names = calloc(n + 1, sizeof(*names));
	char word[SHOWN_MAX];
	const char *near = NULL;

	for (size_t i = 0; names && i < n; i++)
		names[i] = table->columns[i].name;
	shown(word, name, len);
	if (names)
		near = suggest(word, names, n);
	snprintf(err, err_size, "no column '%s' in %s;", word, table->type);
	at = strlen(err);
	if (near) {
		at = append(err, at, err_size, " did you mean '");
		at = append(err, at, err_size, near);
		at = append(err, at, err_size, "'?");
	}
	at = append(err, at, err_size, " columns: ");
	for (size_t i = 0; i < n; i++) {
		if (!append_name(err, &at, err_size, table->columns[i].name, i == 0)) {
			append(err, at, err_size, ", …");
			break;
		}
	}
	free(names);
}

/* A selection while it is put together. */
struct picking {
	const struct table *table;
	enum format format;
	const bool *usual;
	uint16_t *index;
	size_t n;
	bool *shown; /* per column: is in index */
	bool *named; /* per column: was in the list */
};

bool columns_usual(const struct column *col, enum format format)
{
	if (format != FORMAT_TEXT && (col->flags & COL_PEOPLE))
		return false;
	if (format == FORMAT_CSV && (col->flags & COL_CSV))
		return true;
	if (format == FORMAT_JSON && !(col->flags & COL_ASKED))
		return true;
	return !(col->flags & (COL_HIDDEN | COL_MACHINE));
}

static void pick(struct picking *p, int col)
{
	if (p->shown[col])
		return;
	p->shown[col] = true;
	p->index[p->n++] = (uint16_t)col;
}

/* Picks the columns that are shown unless others are asked for. */
static void pick_usual(struct picking *p)
{
	for (int i = 0; p->table->columns[i].name; i++) {
		bool usual = columns_usual(&p->table->columns[i], p->format);

		if (p->usual ? p->usual[i] : usual)
			pick(p, i);
	}
}

static bool pick_name(struct picking *p, const char *name, size_t len, char *err, size_t err_size)
{
	char word[SHOWN_MAX];
	int col;

	if (len == 0) {
		snprintf(err, err_size, "a name is missing between commas");
		return false;
	}
	col = columns_find(p->table, name, len);
	if (col < 0) {
		columns_unknown(p->table, name, len, err, err_size);
		return false;
	}
	if (p->named[col]) {
		snprintf(err, err_size, "column '%s' is named twice", shown(word, name, len));
		return false;
	}
	if (p->format == FORMAT_TEXT && (p->table->columns[col].flags & COL_MACHINE)) {
		snprintf(err, err_size, "column '%s' is not for text; try -o json or -o csv",
			 shown(word, name, len));
		return false;
	}
	p->named[col] = true;
	pick(p, col);
	return true;
}

static bool pick_list(struct picking *p, const char *list, char *err, size_t err_size)
{
	char word[SHOWN_MAX];
	bool adding;

	list += strspn(list, " ");
	adding = *list == '+';
	if (adding)
		pick_usual(p);
	for (;;) {
		size_t len, all;

		list += strspn(list, " ");
		all = len = strcspn(list, ",");
		while (len > 0 && list[len - 1] == ' ')
			len--;
		/* "+a,+b" and "+a,b" mean the same. */
		if (adding && *list == '+') {
			if (!pick_name(p, list + 1, len - 1, err, err_size))
				return false;
		} else if (*list == '+') {
			snprintf(err, err_size,
				 "'+' adds to the usual columns: it has to come first, as in +%s",
				 shown(word, list + 1, len - 1));
			return false;
		} else if (!pick_name(p, list, len, err, err_size)) {
			return false;
		}
		if (!list[all])
			return true;
		list += all + 1;
	}
}

bool columns_select_from(const struct table *table, const char *list, enum format format,
			 const bool *usual, struct selection *out, char *err, size_t err_size)
{
	size_t n = columns_count(table);
	struct picking p = {
		.table = table,
		.format = format,
		.usual = usual,
		.index = calloc(n + 1, sizeof(*p.index)),
		.shown = calloc(n + 1, sizeof(bool)),
		.named = calloc(n + 1, sizeof(bool)),
	};
	bool ok = p.index && p.shown && p.named;

	if (!ok)
		snprintf(err, err_size, "out of memory");
	else if (list)
		ok = pick_list(&p, list, err, err_size);
	else
		pick_usual(&p);
	free(p.shown);
	free(p.named);
	if (!ok) {
		free(p.index);
		return false;
	}
	*out = (struct selection){ .table = table, .index = p.index, .n = p.n };
	return true;
}

bool columns_select(const struct table *table, const char *list, enum format format,
		    struct selection *out, char *err, size_t err_size)
{
	return columns_select_from(table, list, format, NULL, out, err, err_size);
}

void selection_free(struct selection *sel)
{
	free((void *)sel->index);
	*sel = (struct selection){ 0 };
}
