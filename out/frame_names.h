/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The frames of stacks by number, for formats that have each name once. */
#ifndef IOSONDE_FRAME_NAMES_H
#define IOSONDE_FRAME_NAMES_H

#include "core/base/keymap.h"
#include "core/rows/folded.h"

struct frame_name {
	const char *text; /* a part of the line that it was met in; not NUL-terminated */
	size_t len;
};

struct frame_names {
	struct keymap numbers; /* by the name's hash: struct frame_name */
};

/* A frame of a line, and its number. */
struct frame {
	const char *text;
	size_t len;
	size_t number; /* from 0 on */
};

/* Of all lines of @f. False: no memory. */
bool frame_names_read(struct frame_names *names, const struct folded *f);
size_t frame_names_count(const struct frame_names *names);
const struct frame_name *frame_name_at(const struct frame_names *names, size_t number);
void frame_names_free(struct frame_names *names);

/*
 * The next frame of @line from *@at on, which begins as 0 and moves behind it. False: there is
 * none.
 */
bool frame_next(struct frame_names *names, const struct folded_line *line, size_t *at,
		struct frame *frame);

#endif
