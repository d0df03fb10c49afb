// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The table of the groups that --by makes. */
#include "core/rows/by_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/suggest.h"

static int text_width(const struct column *src)
{
	size_t widest = 0;

	if (src->width)
		return src->width;
	if (src->field.kind == F_CHARS)
		return (int)src->field.size;
	for (size_t i = 0; src->unit == U_ENUM && src->names && src->names[i]; i++)
		if (strlen(src->names[i]) > widest)
			widest = strlen(src->names[i]);
	return (int)widest;
}

/*
 * The key column at @off of a group's record for @src. Numbers keep their unit; what reads as text
 * is kept as the text it reads as, so that values are equal if they look equal.
 */
static struct column key_column(const struct column *src, size_t off)
{
	struct column col = *src;

	col.flags = (src->flags & COL_WIDE) | COL_KEY;
	col.field.off = (uint32_t)off;
	col.render = NULL; /* it is done, once per row */
	col.of = (struct field){ 0 };
	col.part = col.keep = 0;
	if (!unit_is_text(src->unit)) {
		col.field.kind = field_is_bool(&src->field) ? F_KEPT_BOOL : F_KEPT;
		col.field.size = sizeof(struct kept);
		return col;
	}
	if (src->unit == U_STACK) {
		col.field.kind = F_VSTACK;
		col.field.size = sizeof(struct vstack);
		return col;
	}
	col.width = text_width(src);
	col.field.kind = F_VSTR;
	col.field.size = sizeof(struct vstr);
	col.unit = src->unit == U_PATH ? U_PATH : U_TEXT;
	col.names = NULL;
	col.flag_names = NULL;
	return col;
}

static const struct column figures[] = {
	{ "count", FIELD(struct by_head, count), U_COUNT, .help = "rows in the group" },
	{ "sum", FIELD(struct by_head, sum), U_NSEC, .help = "their latencies added up" },
	{ "p50", FIELD(struct by_head, p50), U_NSEC, .help = "median latency" },
	{ "p99", FIELD(struct by_head, p99), U_NSEC, .help = "99 of 100 took no longer" },
	{ "max", FIELD(struct by_head, max), U_NSEC, .help = "longest latency" },
};

static const struct column rank = { "rank", FIELD(struct by_head, rank), U_COUNT,
				    .flags = COL_HIDDEN | COL_BLANK,
				    .help = "its place in this order" };

#define N_FIGURES (sizeof(figures) / sizeof(figures[0]))

static void build_table(struct by *by)
{
	size_t n = 0, off = sizeof(struct by_head);

	for (; n < by->n_keys; n++) {
		by->columns[n] = key_column(&by->source->columns[by->keys[n]], off);
		off += ((size_t)by->columns[n].field.size + 7) / 8 * 8;
	}
	by->fixed = off;
	for (size_t i = 0; i < (by->latency ? N_FIGURES : 1); i++) {
		by->columns[n] = figures[i];
		if (i > 0)
			by->columns[n].unit = by->latency->unit;
		n++;
	}
	by->columns[n] = rank;
	by->table = (struct table){ "group", by->columns };
}

static bool add_key(struct by *by, const char *name, size_t len, char *err, size_t err_size)
{
	char word[SHOWN_MAX];
	int col = columns_find(by->source, name, len);

	if (col < 0) {
		columns_unknown(by->source, name, len, err, err_size);
		return false;
	}
	for (size_t i = 0; i < by->n_keys; i++) {
		if (by->keys[i] == col) {
			snprintf(err, err_size, "column '%s' is named twice",
				 shown(word, name, len));
			return false;
		}
	}
	for (size_t i = 0; i < (by->latency ? N_FIGURES : 1); i++) {
		if (strcmp(by->source->columns[col].name, figures[i].name) == 0) {
			snprintf(err, err_size,
				 "rows can't be grouped by '%s': groups have a "
				 "column of that name",
				 figures[i].name);
			return false;
		}
	}
	by->keys[by->n_keys++] = col;
	return true;
}

static bool read_keys(struct by *by, const char *keys, char *err, size_t err_size)
{
	for (;;) {
		size_t len, all;

		keys += strspn(keys, " ");
		all = len = strcspn(keys, ",");
		while (len > 0 && keys[len - 1] == ' ')
			len--;
		if (len == 0) {
			snprintf(err, err_size, "the name of a column is missing");
			return false;
		}
		if (!add_key(by, keys, len, err, err_size))
			return false;
		if (!keys[all])
			return true;
		keys += all + 1;
	}
}

static const struct column *find_latency(const struct table *table)
{
	for (const struct column *c = table->columns; c->name; c++)
		if (c->flags & COL_LATENCY)
			return c;
	return NULL;
}

bool by_table_make(struct by *by, const char *keys, char *err, size_t err_size)
{
	size_t n = columns_count(by->source);

	by->latency = find_latency(by->source);
	by->keys = calloc(n + 1, sizeof(*by->keys));
	by->columns = calloc(n + N_FIGURES + 2, sizeof(*by->columns));
	if (!by->keys || !by->columns) {
		snprintf(err, err_size, "out of memory");
		return false;
	}
	if (!read_keys(by, keys, err, err_size))
		return false;
	build_table(by);
	return true;
}

void by_table_free(struct by *by)
{
	free(by->keys);
	free(by->columns);
}

void by_show_rank(struct by *by)
{
	struct column *c = by->columns;

	while (c[1].name)
		c++;
	c->flags &= ~(unsigned)COL_HIDDEN;
}

const struct table *by_table(const struct by *by)
{
	return &by->table;
}

bool by_is_key(const struct by *by, const struct column *col)
{
	size_t i = 0;

	while (i < by->n_keys && col != &by->source->columns[by->keys[i]])
		i++;
	return i < by->n_keys;
}

static bool is_latency(const struct by *by, size_t col)
{
	return by->latency && col > by->n_keys && col < by->n_keys + N_FIGURES;
}

bool by_shows_latency(const struct by *by, const struct selection *sel, const struct sort *sort)
{
	for (size_t i = 0; i < sel->n; i++)
		if (is_latency(by, sel->index[i]))
			return true;
	return sort && is_latency(by, (size_t)sort->col);
}
