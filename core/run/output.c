/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rows on their way out: selection, --where, --by, reports. */
#include "core/run/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/run/drain.h"
#include "core/run/tables.h"

bool output_names(struct run *run)
{
	if (!file_open(run) || !graph_open(run))
		return false;
	for (size_t i = 0; i < run->plan.n_tables; i++) {
		struct run_table *t = &run->plan.table[i];

		if (t->where)
			where_set_view(t->where, &run->view.names, run->view.clock.start_ns);
		if (t->by)
			by_set_names(t->by, &run->view.names);
	}
	if (run->plan.opts.kstack || run->plan.opts.ustack || run->plan.tool->kind == TOOL_STACKS)
		return run_kernel_names(run) != NULL;
	return true;
}

void output_row(struct run *run, const void *rec, size_t len)
{
	if (run->loop.abort_now) {
		run->account.unread++;
		return;
	}
	if (run->plan.main->where && !where_match(run->plan.main->where, rec, len)) {
		run->account.filtered++;
		return;
	}
	if (run->plan.main->by) {
		run->output.unmarked++;
		by_add(run->plan.main->by, rec, len);
		return;
	}
	sink_row(run->view.sink, &run->plan.main->selection, rec, len);
	file_mark(run, 1);
}

void output_shown(struct run *run, uint64_t n)
{
	run->output.unmarked += n;
}

void run_header_alone(struct run *run)
{
	if (!run->output.handed && !run->output.unmarked && !run->plan.main->by)
		sink_table(run->view.sink, &run->plan.main->selection, NULL, 0);
}

void output_report(struct run *run, bool last)
{
	const struct tool_ops *ops = run->plan.tool->ops;

	if (fold_chosen(&run->plan))
		fold_report(run);
	if (run->plan.main->by && !by_of_table(run->plan.main))
		by_report(run);
	if (run->plan.tool->drain.map)
		drain_report(run, last);
	if (ops && ops->report)
		ops->report(run, last);
	if (last && run->plan.tool->kind == TOOL_EVENTS)
		run_header_alone(run);
	file_mark(run, run->output.unmarked);
	run->output.unmarked = 0;
	run->loop.reports++;
	output_flush(run);
}

void output_close(struct run *run)
{
	file_close(run);
	graph_close(run);
	tables_close(&run->plan);
	names_free(&run->view.names);
	text_free(&run->plan.where_text);
	stack_names_close(run->view.symbols);
	text_free(&run->view.stack_text);
}
