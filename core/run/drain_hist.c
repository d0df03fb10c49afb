/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Histograms for people: "4.0K -> 8.0K  12 |*****     |". */
#include "core/run/drain.h"
#include "core/run/tables.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bpf/core/hist.h"
#include "core/rows/unit_format.h"

#define RANGE_SIDE    9 /* columns on either side of the arrow */
#define RANGE_COLUMNS 22
#define BAR_MAX	      40
#define BAR_LEAST     8
#define OTHER_COLUMNS (RANGE_COLUMNS + 1 + 8 + 1 + 2) /* range, count, the ends of the bar */

/* One line of a block, in either of two tables: a bar is for terminals, a pipe gets the number. */
struct line {
	char range[64];
	__u64 count;
	__u32 share;
	char bar[BAR_MAX + 3];
};

#define LINE_COLUMNS(range_)                                                                       \
	{                                                                                          \
		{ range_, FIELD(struct line, range), U_TEXT, .width = RANGE_COLUMNS },             \
			{ "count", FIELD(struct line, count), U_COUNT },                           \
			{ "share", FIELD(struct line, share), U_SHARE },                           \
			{ "distribution", FIELD(struct line, bar), U_TEXT },                       \
		{                                                                                  \
		}                                                                                  \
	}

/* Ranges with a unit each, or of the unit that stands over them. */
static const struct column line_columns[][5] = {
	[HIST_USECS] = LINE_COLUMNS("usecs"),	[HIST_MSECS] = LINE_COLUMNS("msecs"),
	[HIST_KBYTES] = LINE_COLUMNS("kbytes"), [HIST_COUNTS] = LINE_COLUMNS("value"),
	[HIST_NSECS] = LINE_COLUMNS("nsecs"),	[N_HIST_SCALES] = LINE_COLUMNS("low -> high"),
};
static const struct table lines[] = {
	{ "histogram", line_columns[HIST_USECS] },  { "histogram", line_columns[HIST_MSECS] },
	{ "histogram", line_columns[HIST_KBYTES] }, { "histogram", line_columns[HIST_COUNTS] },
	{ "histogram", line_columns[HIST_NSECS] },  { "histogram", line_columns[N_HIST_SCALES] },
};
static const uint16_t numbers[] = { 0, 1, 2 }, bars[] = { 0, 1, 3 };
/* With bars, and without. Histograms that have a unit have bars. */
static const struct selection bar_lines[] = {
	{ &lines[HIST_USECS], bars, 3 },  { &lines[HIST_MSECS], bars, 3 },
	{ &lines[HIST_KBYTES], bars, 3 }, { &lines[HIST_COUNTS], bars, 3 },
	{ &lines[HIST_NSECS], bars, 3 },  { &lines[N_HIST_SCALES], bars, 3 },
};
static const struct selection number_lines = { &lines[N_HIST_SCALES], numbers, 3 };

struct drawing {
	struct run *run;
	const struct hist_view *view; /* NULL: the value is plain slots */
	const struct column *unit;    /* of low and high */
	size_t bar;		      /* columns of the longest bar; 0: none are drawn */
	const struct selection *lines;
};

/* The hist_row inside a row of the report. */
static struct hist_row slot_at(const struct drain *d, const struct sort_row *row)
{
	struct hist_row h;

	memcpy(&h, (const char *)row->rec + d->key_size, sizeof(h));
	return h;
}

/* Is the range made of whole units, whose name stands above it? */
static bool in_units(const struct drawing *d)
{
	return d->view && !d->view->fine && !d->view->linear;
}

static void put_range(const struct drawing *d, const struct hist_row *h, char *buf, size_t size)
{
	const struct value low = { V_UINT, .u = h->low }, high = { V_UINT, .u = h->high };
	char low_text[NUMBER_MAX + 1], high_text[NUMBER_MAX + 1];

	if (in_units(d)) {
		uint64_t unit = hist_scales[d->view->scale].unit;

		snprintf(buf, size, "%*" PRIu64 " -> %" PRIu64, RANGE_SIDE, (uint64_t)h->low / unit,
			 (uint64_t)h->high / unit);
		return;
	}
	unit_format(d->unit, &low, &d->run->view.clock, low_text, sizeof(low_text));
	unit_format(d->unit, &high, &d->run->view.clock, high_text, sizeof(high_text));
	snprintf(buf, size, "%*s -> %s", RANGE_SIDE, low_text,
		 h->high == UINT64_MAX ? "" : high_text);
}

static void draw_line(const struct drawing *d, const struct hist_row *h)
{
	struct line line = { .count = h->count, .share = h->share };
	size_t stars = (h->share * d->bar + 5000) / 10000;

	put_range(d, h, line.range, sizeof(line.range));
	if (d->bar) {
		memset(line.bar, ' ', d->bar + 2);
		line.bar[0] = line.bar[d->bar + 1] = '|';
		memset(line.bar + 1, '*', h->count && !stars ? 1 : stars);
	}
	sink_row(d->run->view.sink, d->lines, &line, sizeof(line));
}

static void draw_gap(const struct drawing *d, uint64_t low, uint64_t end)
{
	for (uint32_t slot = log2_slot_of(low); log2_slot_low(slot) < end; slot++) {
		const struct hist_row empty = { log2_slot_low(slot), log2_slot_high(slot) };

		draw_line(d, &empty);
	}
}

/* Empty buckets from the one that begins at @low to the one before @end. */
static void draw_empty_buckets(const struct drawing *d, uint64_t low, uint64_t end)
{
	for (uint32_t b = 0; b < HIST_SLOTS && view_bucket_low(d->view, b) < end; b++) {
		const struct hist_row empty = { view_bucket_low(d->view, b),
						view_bucket_low(d->view, b + 1) - 1 };

		if (empty.low >= low)
			draw_line(d, &empty);
	}
}

/* "pid 1234  comm dd", with the time in front where reports follow each other. */
static void draw_title(const struct run *run, const struct run_table *t, const struct sort_row *row)
{
	const struct selection *sel = &t->selection;
	struct text_buf title = { 0 };

	for (size_t i = 0; i < sel->n; i++) {
		const struct column *c = &t->spec.row.columns[sel->index[i]];
		char scratch[VALUE_SCRATCH], number[NUMBER_MAX + 1];
		struct value v;

		if (!drain_identifies(&t->spec, c) &&
		    (c->unit != U_CLOCK || !run->plan.opts.interval_ns))
			continue;
		column_value(run->view.clock.names, c, row->rec, row->len, scratch, &v);
		if (v.kind == V_NONE)
			continue;
		text_printf(&title, "%s%s ", title.len ? "  " : "", c->name);
		if (v.kind == V_BYTES)
			text_add(&title, v.bytes.p, v.bytes.len);
		else
			text_add(&title, number,
				 unit_format(c, &v, &run->view.clock, number, sizeof(number)));
	}
	if (title.len)
		sink_title(run->view.sink, text_cstr(&title));
	text_free(&title);
}

/* The column of hist_row.low says what is counted. */
static const struct column *unit_of(const struct tool_table *t)
{
	static const struct column plain = { "low", { 0, 8, F_U64 }, U_COUNT };

	for (const struct column *c = t->row.columns; c->name; c++)
		if (c->field.off == t->drain->key_size + offsetof(struct hist_row, low))
			return c;
	return &plain;
}

/* Bars are for terminals; a histogram with a unit is drawn everywhere, as the field's tools do. */
static void choose_style(struct drawing *d)
{
	size_t width = drain_terminal(d->run);

	if (width)
		d->bar = width > OTHER_COLUMNS + BAR_LEAST ? width - OTHER_COLUMNS : BAR_LEAST;
	if (d->bar > BAR_MAX || (d->view && !width))
		d->bar = BAR_MAX;
	d->lines =
		d->bar ? &bar_lines[in_units(d) ? d->view->scale : N_HIST_SCALES] : &number_lines;
}

void drain_draw_histograms(const struct report *r, size_t n)
{
	const struct drain *drain = r->d;
	struct drawing d = { .run = r->run, .unit = unit_of(&r->t->spec) };
	bool plain_gaps = drain->value_size == LOG2_SLOTS * sizeof(__u64), gaps;

	d.view = drain->hist ? &r->view : NULL;
	gaps = !r->t->where && (d.view ? !d.view->fine || d.view->linear : plain_gaps);
	choose_style(&d);
	if (!n)
		sink_table(r->run->view.sink, d.lines, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		struct hist_row h = slot_at(drain, &r->row[i]);
		bool first = !i || memcmp(r->row[i].rec, r->row[i - 1].rec, drain->key_size);
		uint64_t from = first ? 0 : slot_at(drain, &r->row[i - 1]).high + 1;

		if (first)
			draw_title(r->run, r->t, &r->row[i]);
		if (gaps && d.view)
			draw_empty_buckets(&d, from, h.low);
		else if (gaps && !first)
			draw_gap(&d, from, h.low);
		draw_line(&d, &h);
	}
}

void drain_totals(struct report *r)
{
	struct run_table *t = tables_find(&r->run->plan, "totals", strlen("totals"));
	size_t size = report_totals_size(r->d);

	if (!t || r->t != r->run->plan.main ||
	    (r->run->plan.opts.format != FORMAT_JSON &&
	     !field_is_set(r->run->plan.cfg, &t->spec.when)))
		return;
	for (size_t at = 0; at < r->totals.len; at += size)
		table_give(t, r->totals.data + at, size, 0);
	table_show(&r->run->view, t);
}
