/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/rows/folded.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/escape.h"

void folded_frame(struct text_buf *to, const char *name, size_t len)
{
	char *at;

	if (to->len)
		text_pad(to, ';', 1);
	at = text_room(to, ESCAPE_MAX * len + 1);
	if (!at)
		return;
	len = escape_text(at, name, len);
	for (size_t i = 0; i < len; i++)
		if (at[i] == ';')
			at[i] = ':';
	to->len += len;
}

void folded_add(struct folded *f, const char *line, size_t len, uint64_t value)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 256;
		struct folded_line *more = realloc(f->line, cap * sizeof(*more));

		if (!more) {
			f->failed = true;
			return;
		}
		f->line = more;
		f->cap = cap;
	}
	f->line[f->n++] = (struct folded_line){ (const char *)f->text.len, len, value };
	text_add(&f->text, line, len);
	f->failed |= f->text.failed;
}

/* Where the frame @name, a whole one, begins in @line; NULL: nowhere. */
static const char *find_frame(const char *line, size_t len, const char *name, size_t name_len)
{
	for (const char *at = line, *end = line + len; at < end;) {
		const char *next = memchr(at, ';', (size_t)(end - at));
		size_t n = (size_t)((next ? next : end) - at);

		if (n == name_len && !memcmp(at, name, n))
			return at;
		at += n + 1;
	}
	return NULL;
}

void folded_root(struct folded *f, const char *function)
{
	size_t kept = 0, len = strlen(function);

	for (size_t i = 0; i < f->n; i++) {
		struct folded_line line = f->line[i];
		const char *text = f->text.data + (size_t)line.text;
		const char *at = find_frame(text, line.len, function, len);

		if (!at) {
			f->outside += line.value;
			continue;
		}
		line.text += at - text;
		line.len -= (size_t)(at - text);
		f->line[kept++] = line;
	}
	f->n = kept;
}

/* A frame's end comes before any letter: what begins with the same frames stands together. */
static int by_frames(const void *a_, const void *b_)
{
	const struct folded_line *a = a_, *b = b_;
	size_t n = a->len < b->len ? a->len : b->len, i = 0;

	while (i < n && a->text[i] == b->text[i])
		i++;
	if (i == n)
		return (a->len > b->len) - (a->len < b->len);
	if (a->text[i] == ';' || b->text[i] == ';')
		return a->text[i] == ';' ? -1 : 1;
	return (unsigned char)a->text[i] < (unsigned char)b->text[i] ? -1 : 1;
}

void folded_sort(struct folded *f)
{
	size_t kept = 0;

	if (f->failed)
		f->n = 0;
	for (size_t i = 0; i < f->n; i++)
		f->line[i].text = f->text.data + (size_t)f->line[i].text;
	if (f->n)
		qsort(f->line, f->n, sizeof(*f->line), by_frames);
	for (size_t i = 0; i < f->n; i++) {
		if (kept && !by_frames(&f->line[kept - 1], &f->line[i]))
			f->line[kept - 1].value += f->line[i].value;
		else
			f->line[kept++] = f->line[i];
	}
	f->n = kept;
}

uint64_t folded_total(const struct folded *f)
{
	uint64_t total = 0;

	for (size_t i = 0; i < f->n; i++)
		total += f->line[i].value;
	return total;
}

/* The lines [from, to), which share their first @at bytes: one node, and what is below it. */
struct group {
	struct folded_node node;
	size_t from, to, at;
};

static int by_value(const void *a_, const void *b_)
{
	const struct group *a = a_, *b = b_;

	if (a->node.value != b->node.value)
		return a->node.value < b->node.value ? 1 : -1;
	return (a->from > b->from) - (a->from < b->from);
}

/* The callees of @parent into *@found, to be freed. Returns how many; -1: no memory. */
static long find_callees(const struct folded *f, const struct group *parent, struct group **found)
{
	struct group *g = NULL, *more;
	long n = 0;

	for (size_t i = parent->from; i < parent->to; i++) {
		const struct folded_line *line = &f->line[i];
		const char *name = line->text + parent->at, *end = line->text + line->len, *next;
		size_t len;

		if (parent->at >= line->len)
			continue; /* ends in the parent */
		next = memchr(name, ';', (size_t)(end - name));
		len = (size_t)((next ? next : end) - name);
		if (!n || g[n - 1].node.len != len || memcmp(g[n - 1].node.name, name, len)) {
			more = realloc(g, (size_t)(n + 1) * sizeof(*g));
			if (!more) {
				free(g);
				return -1;
			}
			g = more;
			g[n++] = (struct group){
				{ name, len, parent->node.depth + 1 }, i, i, parent->at + len + 1
			};
		}
		g[n - 1].to = i + 1;
		g[n - 1].node.value += line->value;
		if (!next)
			g[n - 1].node.self += line->value;
	}
	if (n)
		qsort(g, (size_t)n, sizeof(*g), by_value);
	*found = g;
	return n;
}

static bool walk(const struct folded *f, const struct group *parent,
		 bool (*visit)(void *ctx, const struct folded_node *node), void *ctx)
{
	struct group *callees = NULL;
	long n = find_callees(f, parent, &callees);
	bool ok = n >= 0;

	for (long i = 0; ok && i < n; i++)
		if (visit(ctx, &callees[i].node))
			ok = walk(f, &callees[i], visit, ctx);
	free(callees);
	return ok;
}

bool folded_tree(const struct folded *f, bool (*visit)(void *ctx, const struct folded_node *node),
		 void *ctx)
{
	struct group all = { { "all", 3, 0, folded_total(f), 0 }, 0, f->n, 0 };

	return !visit(ctx, &all.node) || walk(f, &all, visit, ctx);
}

void folded_free(struct folded *f)
{
	text_free(&f->text);
	free(f->line);
	*f = (struct folded){ 0 };
}
