/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A flame graph: stacks as one picture (SVG) that needs nothing else. A frame is as wide as its
 * value, and stands on its caller. Programs that show SVG with its script zoom at a click, search,
 * and tell of what is under the pointer.
 */
#ifndef IOSONDE_FLAME_H
#define IOSONDE_FLAME_H

#include "core/rows/folded.h"

struct flame {
	const char *title; /* any bytes */
	/* Writes a value for people, as a string. */
	void (*format)(void *ctx, uint64_t value, char *buf, size_t size);
	void *ctx;
	const struct folded *before; /* sorted: what it is compared with; NULL: nothing */
};

struct flame_diff;

/*
 * flame_diff.c: the shares that frames had in @before. NULL: no memory. Frames are asked for in the
 * order of folded_tree().
 */
struct flame_diff *flame_diff_read(const struct folded *before);
/* The share that @node has there; 0: it isn't there. */
double flame_diff_share(struct flame_diff *diff, const struct folded_node *node);
void flame_diff_free(struct flame_diff *diff);

/* Appends the picture of @f, which was sorted, to @to. False: no memory. */
bool flame_draw(const struct flame *flame, const struct folded *f, struct text_buf *to);

#endif
