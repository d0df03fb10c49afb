// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Tables whose rows are given, on their way out: in order, cut, under a title. */
#include "core/run/internal.h"
#include "core/run/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"

void table_give(struct run_table *t, const void *rec, size_t len, uint64_t events)
{
	struct sort_row *more = t->row;

	if (t->where && !where_match(t->where, rec, len)) {
		t->dropped += events;
		return;
	}
	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 64;

		more = realloc(t->row, room * sizeof(*more));
		if (more) {
			t->row = more;
			t->room = room;
		}
	}
	if (more)
		t->row[t->n++] = (struct sort_row){ rec, len };
	else
		log_error("out of memory: this report is not complete");
}

/* "Files: 10 of 25, --top 25 shows them all" */
void table_title(const struct view *view, const struct run_table *t, size_t n)
{
	char line[128];

	if (!t->spec.title)
		return;
	snprintf(line, sizeof(line), "%s: %zu of %zu, --top %zu shows them all", t->spec.title,
		 t->top, n, n);
	sink_title(view->sink, t->top && n > t->top ? line : t->spec.title);
}

void table_show(struct view *view, struct run_table *t)
{
	size_t n = t->top && t->top < t->n ? t->top : t->n;

	if (t->sorted)
		sort_rows(&view->names, &t->spec.row, t->sort, t->row, t->n);
	table_title(view, t, t->n);
	sink_table(view->sink, &t->selection, t->row, n);
	t->n = 0;
	t->dropped = 0;
}

void run_give(struct run *run, const char *table, const void *rec, size_t len, uint64_t events)
{
	table_give(tables_find(&run->plan, table, strlen(table)), rec, len, events);
}

uint64_t run_dropped(struct run *run, const char *table)
{
	return tables_find(&run->plan, table, strlen(table))->dropped;
}

/* Is it one that this run doesn't have? */
static bool is_kept_back(const struct plan *plan, const struct run_table *t)
{
	return t->spec.when.kind != F_NONE && !field_is_set(plan->cfg, &t->spec.when);
}

void run_tables(struct run *run, const char *sentence, uint64_t more, bool last)
{
	size_t shown = 0;

	for (size_t i = 1; i < run->plan.n_tables; i++)
		shown += !is_kept_back(&run->plan, &run->plan.table[i]);
	sink_clear(run->view.sink);
	if (!last)
		sink_frame(run->view.sink, shown);
	if (sentence) /* what comes last may have no room, and is read last */
		sink_note(run->view.sink, sentence);
	run_loss_above(run, more);
	if (last && !run->plan.main->idle)
		run_header_alone(run);
	for (size_t i = 1; i < run->plan.n_tables; i++)
		if (!run->plan.table[i].spec.drain &&
		    !is_kept_back(&run->plan, &run->plan.table[i]))
			table_show(&run->view, &run->plan.table[i]);
	sink_frame_end(run->view.sink);
}
