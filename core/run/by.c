/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What --by asks for, and stacks, whose columns have to be switched on. */
#include "core/run/internal.h"

#include <stdio.h>

#include "core/base/log.h"
#include "core/kernel/privs.h"
#include "core/run/drain.h"

/* Is @name in a list as --columns and --by take it? */
static bool list_names(const char *list, const char *name)
{
	size_t len = strlen(name);

	while (list && *list) {
		list += strspn(list, " +,");
		if (!strncmp(list, name, len) && strchr(" ,", list[len]))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

/* Whoever names the column of a stack wants it taken. */
void stacks_choose(struct plan *plan)
{
	struct common_opts *o = &plan->opts;

	if (plan->tool->kind == TOOL_STACKS)
		o->ustack = plan->tool->drain.ustack_id.kind != F_NONE && privs_can_ptrace();
	if (o->root && !o->folded && !o->svg && !o->speedscope && !o->pprof)
		o->tree = true;
	if (plan->tool->kind != TOOL_EVENTS)
		return;
	o->kstack |= list_names(o->columns, "kstack") || list_names(o->by, "kstack");
	o->ustack |= list_names(o->columns, "ustack") || list_names(o->by, "ustack");
}

/* An address in user space means nothing without the process that it is in. */
static bool stacks_have_owner(const struct plan *plan, char *err, size_t size)
{
	if (!list_names(plan->opts.by, "ustack") || list_names(plan->opts.by, "pid"))
		return true;
	snprintf(err, size, "a user stack is one of a process; try --by pid,%s", plan->opts.by);
	return false;
}

/* Is it a column that only an option fills, which wasn't given? */
static bool is_empty(const struct plan *plan, const struct column *col)
{
	const struct column_switch *s = plan->tool->switches;

	while (s && s->columns && (switch_on(plan, s) || !switch_names(s, col->name, '+')))
		s++;
	return s && s->columns && col->enable.kind == F_NONE;
}

/* The columns that a table can be grouped by. */
static void list_keys(const struct plan *plan, const struct run_table *t, char *buf, size_t size)
{
	size_t len = 0;

	*buf = '\0';
	for (const struct column *c = t->spec.row.columns; c->name && len < size; c++)
		if (drain_identifies(&t->spec, c) && !is_empty(plan, c))
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
						c->name);
}

/* A table is grouped by what identifies its rows. */
static bool only_by_keys(const struct plan *plan, const struct run_table *t, char *err, size_t size)
{
	char keys[256];

	for (const struct column *c = t->spec.row.columns; c->name; c++) {
		if (!by_is_key(t->by, c) || (drain_identifies(&t->spec, c) && !is_empty(plan, c)))
			continue;
		list_keys(plan, t, keys, sizeof(keys));
		snprintf(err, size, "'%s' doesn't tell this table's rows apart%s; what does: %s",
			 c->name, is_empty(plan, c) ? " unless an option asks for it" : "", keys);
		return false;
	}
	return true;
}

/* The other columns that do have no value once rows are added up. */
static bool column_left(const struct run_table *t, size_t i)
{
	const struct column *col = &t->spec.row.columns[i];

	if (!by_of_table(t) || !drain_identifies(&t->spec, col) || by_is_key(t->by, col))
		return true;
	log_error("rows that are added up by --by have no '%s'", col->name);
	return false;
}

bool by_leaves_columns(const struct run_table *t)
{
	for (size_t i = 0; i < t->selection.n; i++)
		if (!column_left(t, t->selection.index[i]))
			return false;
	return !t->sorted || column_left(t, (size_t)t->sort.col);
}

bool by_choose(const struct plan *plan, struct run_table *t, const char *keys, char *err,
	       size_t size)
{
	t->by = by_open(&t->spec.row, keys, err, size);
	if (!t->by)
		return false;
	if (by_of_table(t)) /* no more groups than the kernel's map has rows */
		return only_by_keys(plan, t, err, size);
	if (!stacks_have_owner(plan, err, size))
		return false;
	by_set_limit(t->by, plan->opts.by_memory);
	if (t->top)
		by_show_rank(t->by);
	return true;
}

void output_by_clear(const struct run *run, struct by *by)
{
	if (by_overflow(by))
		log_warn("%llu events are among the (others): the groups took all of "
			 "--by-memory %llu; give more, or choose columns with fewer values",
			 (unsigned long long)by_overflow(by),
			 (unsigned long long)run->plan.opts.by_memory);
	by_clear(by);
}

void by_report(struct run *run)
{
	size_t n =
		by_sorted(run->plan.main->by, run->plan.main->sorted ? &run->plan.main->sort : NULL,
			  run->plan.main->top);

	sink_clear(run->view.sink);
	if (run->plan.opts.interval_ns)
		sink_frame(run->view.sink, 1);
	run_loss_above(run, 0);
	sink_table(run->view.sink, &run->plan.main->by_selection, by_rows(run->plan.main->by), n);
	sink_frame_end(run->view.sink);
	output_by_clear(run, run->plan.main->by);
}
