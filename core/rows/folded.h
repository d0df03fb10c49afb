/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Stacks in one line each, outermost frame first: "dd;ksys_read;vfs_read". Equal ones are added up;
 * what flame graphs are drawn from, and call trees.
 */
#ifndef IOSONDE_ROWS_FOLDED_H
#define IOSONDE_ROWS_FOLDED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/text_buf.h"

struct folded_line {
	const char *text; /* not NUL-terminated; an offset into folded.text until folded_sort() */
	size_t len;
	uint64_t value;
};

/* Zeroed at first. */
struct folded {
	struct text_buf text;
	struct folded_line *line;
	size_t n, cap;
	uint64_t outside; /* value of the stacks that folded_root() took away */
	bool failed;	  /* out of memory: some are missing */
};

/* Appends a frame to the line in @to; what would end it, or the line, is written otherwise. */
void folded_frame(struct text_buf *to, const char *name, size_t len);
void folded_add(struct folded *f, const char *line, size_t len, uint64_t value);

/*
 * Keeps what runs under @function, in lines that begin with it (its outermost call), and adds the
 * value of all others to f->outside. Before folded_sort().
 */
void folded_root(struct folded *f, const char *function);

/* In the order of their frames, each stack once. Nothing is added afterwards. */
void folded_sort(struct folded *f);

/* Of lines that were sorted. */
uint64_t folded_total(const struct folded *f);

struct folded_node {
	const char *name;
	size_t len;
	unsigned depth;
	uint64_t value; /* of all stacks through here */
	uint64_t self;	/* of those that end here */
};

/*
 * The frames as a tree, callers before callees, the largest first. False from @visit leaves out
 * what the node calls. Returns false when out of memory.
 */
bool folded_tree(const struct folded *f, bool (*visit)(void *ctx, const struct folded_node *node),
		 void *ctx);
void folded_free(struct folded *f);

#endif
