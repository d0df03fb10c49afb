/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "out/flame.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "core/base/escape.h"

#define WIDTH	  1200
#define MARGIN	  10
#define INSIDE	  (WIDTH - 2 * MARGIN)
#define HEAD	  60 /* of title and buttons */
#define FOOT	  40 /* what is under the pointer */
#define ROW	  16
#define LETTER	  7.0  /* how wide one is, about */
#define LEAST	  0.1  /* what is narrower isn't drawn */
#define DEPTH_MAX 1024 /* stacks are shorter: STACK_FRAMES, twice */

/* The script, as it is: flame.js, and the styles. */
extern const char flame_script[], flame_script_end[];

struct drawing {
	const struct flame *flame;
	struct text_buf *to;
	uint64_t total;
	uint64_t next[DEPTH_MAX + 1]; /* where the next frame of that depth begins */
	unsigned depth;		      /* the deepest one drawn */
	bool measures;		      /* depth is looked for, nothing is drawn */
	struct flame_diff *diff;      /* NULL: nothing is compared */
};

/* What XML takes for markup, or not at all; @text is as escape_text() leaves it. */
static void add_xml(struct text_buf *to, const char *text, size_t len)
{
	for (const char *at = text, *end = text + len; at < end; at++) {
		bool noncharacter = end - at >= 3 && !memcmp(at, "\xef\xbf", 2) &&
				    (at[2] == (char)0xbe || at[2] == (char)0xbf);

		if (*at == '&')
			text_puts(to, "&amp;");
		else if (*at == '<')
			text_puts(to, "&lt;");
		else if (*at == '>')
			text_puts(to, "&gt;");
		else if (*at == '"')
			text_puts(to, "&quot;");
		else if ((unsigned char)*at < ' ' || noncharacter)
			text_puts(to, "?");
		else
			text_add(to, at, 1);
		at += noncharacter ? 2 : 0;
	}
}

static void add_any(struct text_buf *to, const char *bytes, size_t len)
{
	struct text_buf safe = { 0 };
	char *at = text_room(&safe, ESCAPE_MAX * len + 1);

	if (at)
		add_xml(to, at, escape_text(at, bytes, len));
	else
		to->failed = true;
	text_free(&safe);
}

/* At most @room letters of @name, whole ones; with less than three of them nothing. */
static void add_label(struct text_buf *to, const char *name, size_t len, double room)
{
	size_t letters = 0, end = 0, cut = 0;

	for (; end < len; end++) {
		if ((name[end] & 0xc0) == 0x80)
			continue; /* inside a letter */
		if ((double)letters + 2 <= room)
			cut = end;
		letters++;
	}
	if ((double)letters <= room) {
		add_xml(to, name, len);
	} else if (room >= 3) {
		add_xml(to, name, cut);
		text_puts(to, "..");
	}
}

/* Warm colours, the same for the same name; the kernel's are those of functions marked _[k]. */
static void add_colour(struct text_buf *to, const char *name, size_t len)
{
	uint32_t hash = 2166136261u;
	bool kernel = len > 4 && !memcmp(name + len - 4, "_[k]", 4);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	text_printf(to, "rgb(%u,%u,%u)", kernel ? 230 - hash % 30 : 205 + hash % 50,
		    (kernel ? 110 : 60) + (hash >> 8) % 90, (kernel ? 10 : 20) + (hash >> 16) % 40);
}

/* Red for what has more than before, blue for less: twice as much is half the way. */
static void add_change(struct text_buf *to, double now, double before)
{
	bool more = now >= before;
	double by = more ? 1 - before / (now > 0 ? now : 1) : 1 - now / before;
	unsigned pale = (unsigned)(245 - 190 * by);

	text_printf(to, "rgb(%u,%u,%u)", more ? 245 : pale, pale, more ? pale : 245);
}

static double share_of(const struct drawing *d, uint64_t value)
{
	return (double)value / (double)(d->total ? d->total : 1);
}

/* @before: the share that it had there, if anything is compared. */
static void draw_frame(struct drawing *d, const struct folded_node *node, uint64_t from,
		       double before)
{
	double x = MARGIN + INSIDE * share_of(d, from), width = INSIDE * share_of(d, node->value);
	unsigned y = HEAD + (d->depth - node->depth) * ROW;
	struct text_buf *to = d->to;
	char value[64] = "";

	d->flame->format(d->flame->ctx, node->value, value, sizeof(value));
	text_printf(to, "<g class=\"f\" data-x=\"%" PRIu64 "\" data-w=\"%" PRIu64 "\"><title>",
		    from, node->value);
	add_xml(to, node->name, node->len);
	text_printf(to, ": %s, %.2f%%", value, 100 * share_of(d, node->value));
	if (d->diff)
		text_printf(to, ", was %.2f%%", 100 * before);
	text_printf(to, "</title><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" ", x, y,
		    width, ROW - 1);
	text_puts(to, "fill=\"");
	if (d->diff)
		add_change(to, share_of(d, node->value), before);
	else
		add_colour(to, node->name, node->len);
	text_printf(to, "\"/><text x=\"%.1f\" y=\"%u\">", x + 3, y + ROW - 5);
	add_label(to, node->name, node->len, (width - 6) / LETTER);
	text_puts(to, "</text></g>\n");
}

static bool visit(void *ctx, const struct folded_node *node)
{
	struct drawing *d = ctx;
	double before = d->diff ? flame_diff_share(d->diff, node) : 0;
	uint64_t from;

	if (node->depth >= DEPTH_MAX)
		return false;
	from = d->next[node->depth];
	d->next[node->depth] += node->value;
	d->next[node->depth + 1] = from;
	if (INSIDE * share_of(d, node->value) < LEAST)
		return false;
	if (d->measures && node->depth > d->depth)
		d->depth = node->depth;
	if (!d->measures)
		draw_frame(d, node, from, before);
	return !d->to->failed;
}

static void draw_head(struct drawing *d)
{
	unsigned height = HEAD + (d->depth + 1) * ROW + FOOT;
	struct text_buf *to = d->to;

	text_printf(to,
		    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n"
		    "<svg version=\"1.1\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" "
		    "xmlns=\"http://www.w3.org/2000/svg\" data-total=\"%" PRIu64 "\">\n",
		    WIDTH, height, WIDTH, height, d->total);
	text_puts(to, "<style>text{font:12px monospace}#title{font-size:17px}.f{cursor:pointer}"
		      ".f:hover rect{stroke:#000}.b{cursor:pointer;fill:#555}"
		      ".found rect{fill:#e600e6}.dim{opacity:.5}.off{display:none}</style>\n"
		      "<rect width=\"100%\" height=\"100%\" fill=\"#fdf6ec\"/>\n");
	text_printf(to, "<text id=\"title\" x=\"%d\" y=\"24\" text-anchor=\"middle\">", WIDTH / 2);
	add_any(to, d->flame->title, strlen(d->flame->title));
	text_printf(
		to,
		"</text>\n<text id=\"reset\" class=\"b off\" x=\"%d\" y=\"44\">Reset zoom</text>\n"
		"<text id=\"search\" class=\"b\" x=\"%d\" y=\"44\" text-anchor=\"end\">Search"
		"</text>\n<text id=\"matched\" x=\"%d\" y=\"%u\" text-anchor=\"end\"></text>\n"
		"<text id=\"details\" x=\"%d\" y=\"%u\"></text>\n",
		MARGIN, WIDTH - MARGIN, WIDTH - MARGIN, height - 14, MARGIN, height - 14);
}

bool flame_draw(const struct flame *flame, const struct folded *f, struct text_buf *to)
{
	struct drawing measured = { flame, to, folded_total(f), .measures = true };
	struct drawing d = { flame, to, measured.total };
	bool drawn;

	if (!folded_tree(f, visit, &measured))
		return false;
	d.depth = measured.depth;
	if (flame->before) {
		d.diff = flame_diff_read(flame->before);
		if (!d.diff)
			return false;
	}
	draw_head(&d);
	drawn = folded_tree(f, visit, &d);
	flame_diff_free(d.diff);
	if (!drawn)
		return false;
	text_puts(to, "<script type=\"text/ecmascript\"><![CDATA[\n");
	text_add(to, flame_script, (uintptr_t)flame_script_end - (uintptr_t)flame_script);
	text_puts(to, "]]></script>\n</svg>\n");
	return !to->failed;
}
