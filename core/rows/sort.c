// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/rows/sort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text_buf.h"
#include "core/rows/columns.h"

/* A row with its sort value read out once. */
struct item {
	struct sort_row row;
	size_t index; /* where it was: makes the sort stable */
	enum value_kind kind;
	uint64_t number;      /* ordered as the value is */
	const char *text;     /* V_BYTES: in the record, which need not be copied; else NULL */
	size_t text_off, len; /* in the arena */
};

struct sorter {
	const char *arena;
	bool desc;
};

bool sort_parse(const struct table *table, const char *text, struct sort *out, char *err,
		size_t err_size)
{
	bool descending = *text == '-', ascending = *text == '+';
	int col;

	text += descending || ascending;
	col = columns_find(table, text, strlen(text));
	if (col < 0) {
		columns_unknown(table, text, strlen(text), err, err_size);
		return false;
	}
	if (table->columns[col].unit == U_STACK) {
		snprintf(err, err_size, "rows can't be sorted by the stack in '%s'", text);
		return false;
	}
	out->col = col;
	out->desc = descending || (!ascending && !unit_is_text(table->columns[col].unit));
	return true;
}

static int compare_bytes(const struct item *a, const struct item *b, const char *arena)
{
	size_t n = a->len < b->len ? a->len : b->len;
	const char *left = a->text ? a->text : arena + a->text_off;
	const char *right = b->text ? b->text : arena + b->text_off;
	int order = n ? memcmp(left, right, n) : 0;

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare(const void *left, const void *right, void *ctx)
{
	const struct item *a = left, *b = right;
	const struct sorter *s = ctx;
	int order;

	if ((a->kind == V_NONE) != (b->kind == V_NONE))
		return a->kind == V_NONE ? 1 : -1;
	if (a->kind == V_BYTES && b->kind == V_BYTES)
		order = compare_bytes(a, b, s->arena);
	else
		order = (a->number > b->number) - (a->number < b->number);
	if (order)
		return s->desc ? -order : order;
	return (a->index > b->index) - (a->index < b->index);
}

static void read_item(struct names *names, const struct column *col, struct item *it,
		      struct text_buf *arena)
{
	char scratch[VALUE_SCRATCH];
	struct value v;

	column_value(names, col, it->row.rec, it->row.len, scratch, &v);
	it->kind = v.kind;
	if (v.kind == V_INT) {
		it->number = (uint64_t)v.i ^ (1ULL << 63);
	} else if (v.kind == V_UINT) {
		it->number = v.u;
	} else if (v.kind == V_BYTES) {
		const char *rec = it->row.rec;

		it->len = v.bytes.len;
		if (v.bytes.p >= rec && v.bytes.p < rec + it->row.len) {
			it->text = v.bytes.p;
			return;
		}
		it->text_off = arena->len;
		text_add(arena, v.bytes.p, v.bytes.len);
	}
}

bool sort_rows(struct names *names, const struct table *table, struct sort sort,
	       struct sort_row *rows, size_t n)
{
	struct item *items = n > 1 ? calloc(n, sizeof(*items)) : NULL;
	struct text_buf arena = { 0 };
	struct sorter s = { .desc = sort.desc };
	bool sorted = items != NULL;

	if (n < 2)
		return true;
	for (size_t i = 0; sorted && i < n; i++) {
		items[i].row = rows[i];
		items[i].index = i;
		read_item(names, &table->columns[sort.col], &items[i], &arena);
		sorted = !arena.failed;
	}
	if (sorted) {
		s.arena = arena.data;
		qsort_r(items, n, sizeof(*items), compare, &s);
		for (size_t i = 0; i < n; i++)
			rows[i] = items[i].row;
	}
	text_free(&arena);
	free(items);
	return sorted;
}

bool rows_sort(struct names *names, const struct table *table, int col, bool desc, void *rows,
	       size_t n, size_t row_size)
{
	struct sort_row *order;
	char *copy;
	bool sorted = false;

	if (n < 2)
		return true;
	order = calloc(n, sizeof(*order));
	copy = calloc(n, row_size);
	if (order && copy) {
		memcpy(copy, rows, n * row_size);
		for (size_t i = 0; i < n; i++)
			order[i] = (struct sort_row){ copy + i * row_size, row_size };
		sorted = sort_rows(names, table, (struct sort){ col, desc }, order, n);
	}
	for (size_t i = 0; sorted && i < n; i++)
		memcpy((char *)rows + i * row_size, order[i].rec, row_size);
	free(copy);
	free(order);
	return sorted;
}
