/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which columns a line of a terminal has room for. */
#include "out/text_fit.h"

#include <string.h>

#define TEXT_LESS  10 /* names of commands and the like, cut to this */
#define TEXT_LEAST 8
#define TEXT_MOST  24 /* a text gets no more at the cost of others */

/* What is given up, one after the other, until the line fits. */
static const struct stage {
	size_t wide;   /* what a column has that takes what is left */
	size_t text;   /* to what texts are cut; 0: not at all */
	unsigned keep; /* columns that may go */
} stages[] = {
	{ WIDE_WISH, 0, KEEP_SOME },	  { 16, 0, KEEP_SOME },
	{ 16, TEXT_LESS, KEEP - 1 },	  { WIDE_LEAST, TEXT_LEAST, KEEP - 1 },
	{ WIDE_LEAST, TEXT_LEAST, KEEP },
};

#define N_STAGES (sizeof(stages) / sizeof(stages[0]))

static bool is_unset(const struct value *v)
{
	return v->kind == V_NONE || (v->kind != V_BYTES && !v->u);
}

/* What the rows need of the cell. */
static void measure(struct sink *s, struct cell *c)
{
	size_t before = s->out.len;

	c->content = strlen(c->col->name);
	c->none = c->zero = s->n_rows > 0;
	for (size_t i = 0; i < s->n_rows; i++) {
		struct value v;
		size_t columns;

		text_cell_value(s, c, s->rows[i].rec, s->rows[i].len, &v);
		c->none &= v.kind == V_NONE;
		c->zero &= is_unset(&v);
		columns = text_value(s, c, &v, 0);
		if (columns > c->content)
			c->content = columns;
		if (!s->out.failed)
			s->out.len = before;
	}
}

/* Columns that a line needs, with @wide for each cell that takes what is left. */
static size_t line_columns(const struct sink *s, size_t wide)
{
	size_t sum = 0;

	for (size_t i = 0; i < s->plan.n; i++) {
		const struct cell *c = &s->plan.cells[i];
		size_t need = c->width;

		if (is_off_line(c))
			continue;
		if (c->fitted)
			need = c->content && c->content < wide ? c->content : wide;
		sum += 1 + need;
	}
	return sum ? sum - 1 : 0;
}

static bool fits(const struct sink *s, size_t wide)
{
	return line_columns(s, wide) <= (size_t)s->opts.width;
}

/* Bars repeat the number beside them; columns needn't be wider than what is in them. */
static void tighten(struct sink *s)
{
	for (size_t i = 0; i < s->plan.n; i++) {
		struct cell *c = &s->plan.cells[i];

		if (c->bar) {
			c->bar = false;
			c->width = strlen(c->col->name);
			if (c->width < SHARE_COLUMNS)
				c->width = SHARE_COLUMNS;
		}
	}
	if (!s->rows_known || fits(s, WIDE_WISH))
		return;
	for (size_t i = 0; i < s->plan.n; i++) {
		struct cell *c = &s->plan.cells[i];

		if (is_stack(c))
			continue;
		measure(s, c);
		if (!c->fitted && (c->content < c->width || c->col->unit == U_TEXT))
			c->width = c->content < TEXT_MOST ? c->content : TEXT_MOST;
	}
}

static void cut_texts(struct sink *s, size_t columns)
{
	for (size_t i = 0; i < s->plan.n && columns; i++) {
		struct cell *c = &s->plan.cells[i];

		if (c->fitted || c->col->unit != U_TEXT || c->width <= columns)
			continue;
		c->width = columns;
		c->tight = true;
	}
}

/* Does @c say something that tells rows apart, in these rows? */
static bool is_empty(const struct cell *c)
{
	return c->keep < KEEP ? c->zero : c->none;
}

/* The next to go: empty ones first, the rightmost of equal ones. NULL: none, or the last cell. */
static struct cell *least(struct sink *s, unsigned keep)
{
	struct cell *found = NULL;
	size_t shown = 0;

	for (size_t i = 0; i < s->plan.n; i++) {
		struct cell *c = &s->plan.cells[i];

		if (is_off_line(c))
			continue;
		shown++;
		if (c->keep > keep && !is_empty(c))
			continue;
		if (!found || is_empty(c) > is_empty(found) ||
		    (is_empty(c) == is_empty(found) && c->keep <= found->keep))
			found = c;
	}
	return shown > 1 ? found : NULL;
}

/* Takes back what there is room for after all, the most telling first. */
static void take_back(struct sink *s)
{
	for (unsigned keep = KEEP; keep > 0; keep--) {
		for (size_t i = 0; i < s->plan.n; i++) {
			struct cell *c = &s->plan.cells[i];

			if (!c->left_out || c->keep != keep || is_empty(c))
				continue;
			c->left_out = false;
			c->left_out = !fits(s, WIDE_WISH);
		}
	}
}

void text_choose(struct sink *s)
{
	if (fits(s, WIDE_WISH))
		return;
	tighten(s);
	for (size_t i = 0; i < N_STAGES && !fits(s, stages[i].wide); i++) {
		struct cell *c;

		cut_texts(s, stages[i].text);
		while (!fits(s, stages[i].wide) && (c = least(s, stages[i].keep)))
			c->left_out = true;
	}
	take_back(s);
}
