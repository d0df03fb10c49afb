/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Histograms for people: "4.0K -> 8.0K  12 |*****     |". */
#include "core/run_drain.h"

#include <stdio.h>
#include <string.h>

#include "bpf/hist.h"
#include "core/unit_format.h"

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

static const struct column line_columns[] = { { "low -> high", FIELD(struct line, range), U_TEXT,
						.width = RANGE_COLUMNS },
					      { "count", FIELD(struct line, count), U_COUNT },
					      { "share", FIELD(struct line, share), U_SHARE },
					      { "distribution", FIELD(struct line, bar), U_TEXT },
					      {} };
static const struct table lines = { "histogram", line_columns };
static const uint16_t numbers[] = { 0, 1, 2 }, bars[] = { 0, 1, 3 };
static const struct selection in_pipe = { &lines, numbers, 3 }, on_terminal = { &lines, bars, 3 };

struct drawing {
	struct run *run;
	const struct column *unit; /* of low and high */
	size_t bar;		   /* columns of the longest bar; 0: none are drawn */
};

/* The hist_row inside a row of the report. */
static struct hist_row slot_at(const struct run *run, const struct sort_row *row)
{
	struct hist_row h;

	memcpy(&h, (const char *)row->rec + run->tool->drain.key_size, sizeof(h));
	return h;
}

static void draw_line(const struct drawing *d, const struct hist_row *h)
{
	const struct value low = { V_UINT, .u = h->low }, high = { V_UINT, .u = h->high };
	char low_text[NUMBER_MAX + 1], high_text[NUMBER_MAX + 1];
	struct line line = { .count = h->count, .share = h->share };
	size_t stars = (h->share * d->bar + 5000) / 10000;

	unit_format(d->unit, &low, &d->run->clock, low_text, sizeof(low_text));
	unit_format(d->unit, &high, &d->run->clock, high_text, sizeof(high_text));
	snprintf(line.range, sizeof(line.range), "%*s -> %s", RANGE_SIDE, low_text, high_text);
	if (d->bar) {
		memset(line.bar, ' ', d->bar + 2);
		line.bar[0] = line.bar[d->bar + 1] = '|';
		memset(line.bar + 1, '*', h->count && !stars ? 1 : stars);
	}
	sink_row(d->run->sink, d->bar ? &on_terminal : &in_pipe, &line, sizeof(line));
}

static void draw_gap(const struct drawing *d, uint64_t low, uint64_t end)
{
	for (uint32_t slot = log2_slot_of(low); log2_slot_low(slot) < end; slot++) {
		const struct hist_row empty = { log2_slot_low(slot), log2_slot_high(slot) };

		draw_line(d, &empty);
	}
}

/* "pid 1234  comm dd", with the time in front where reports follow each other. */
static void draw_title(const struct run *run, const struct sort_row *row)
{
	const struct selection *sel = &run->selection;
	struct text_buf title = { 0 };

	for (size_t i = 0; i < sel->n; i++) {
		const struct column *c = &run->tool->row.columns[sel->index[i]];
		char scratch[VALUE_SCRATCH], number[NUMBER_MAX + 1];
		struct value v;

		if (!drain_is_key(run->tool, c) && (c->unit != U_CLOCK || !run->opts.interval_ns))
			continue;
		column_value(c, row->rec, row->len, scratch, &v);
		if (v.kind == V_NONE)
			continue;
		text_printf(&title, "%s%s ", title.len ? "  " : "", c->name);
		if (v.kind == V_BYTES)
			text_add(&title, v.bytes.p, v.bytes.len);
		else
			text_add(&title, number,
				 unit_format(c, &v, &run->clock, number, sizeof(number)));
	}
	if (title.len)
		sink_title(run->sink, text_cstr(&title));
	text_free(&title);
}

/* The column of hist_row.low says what is counted. */
static const struct column *unit_of(const struct tool *tool)
{
	static const struct column plain = { "low", { 0, 8, F_U64 }, U_COUNT };

	for (const struct column *c = tool->row.columns; c->name; c++)
		if (c->field.off == tool->drain.key_size + offsetof(struct hist_row, low))
			return c;
	return &plain;
}

void drain_draw_histograms(struct run *run, const struct sort_row *rows, size_t n)
{
	const struct drain *drain = &run->tool->drain;
	struct drawing d = { .run = run, .unit = unit_of(run->tool) };
	size_t width = drain_terminal(run);

	if (width)
		d.bar = width > OTHER_COLUMNS + BAR_LEAST ? width - OTHER_COLUMNS : BAR_LEAST;
	if (d.bar > BAR_MAX)
		d.bar = BAR_MAX;
	for (size_t i = 0; i < n; i++) {
		struct hist_row h = slot_at(run, &rows[i]);

		if (!i || memcmp(rows[i].rec, rows[i - 1].rec, drain->key_size))
			draw_title(run, &rows[i]);
		else if (drain->value_size == LOG2_SLOTS * sizeof(__u64) && !run->where)
			draw_gap(&d, slot_at(run, &rows[i - 1]).high + 1, h.low);
		draw_line(&d, &h);
	}
}
