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
};

/* Appends the picture of @f, which was sorted, to @to. False: no memory. */
bool flame_draw(const struct flame *flame, const struct folded *f, struct text_buf *to);

#endif
