/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where rows go. One sink per output format, one file per sink; all of them print any table from
 * its columns alone. Rows are collected in a buffer and written when it is full or at
 * sink_flush(), never one by one.
 */
#ifndef IOSONDE_SINK_H
#define IOSONDE_SINK_H

#include "core/rows/columns.h"
#include "core/rows/sort.h"

struct sink;
struct text_buf;
struct stack_names; /* core/names/stack.h: turns addresses into names */

struct sink_opts {
	enum format format;
	int fd;	       /* borrowed */
	bool terminal; /* fd is one: fit the width, draw, use colour */
	bool colour;   /* terminal, and NO_COLOR is not set */
	bool plain;    /* a terminal that understands no escape sequences (TERM=dumb) */
	int width;     /* of the terminal, as it is at first; 0 for a pipe: nothing is cut */
	/* The table that --columns is about, for who is told that columns had no room; or NULL. */
	const struct table *choosable;
	bool all_choosable; /* it is about each table */
	struct clock_base clock;
	/*
	 * Formats the stack in @v (raw addresses) as a NUL-separated list of names, innermost
	 * first, into a buffer of the callee that lives until the next call; returns its length.
	 * NULL: addresses are printed in hex.
	 */
	const char *(*stack)(void *ctx, bool user, uint32_t pid, const struct value *v,
			     size_t *len);
	void *stack_ctx;
	/*
	 * Takes what is in @out, to be written, and leaves it empty; returns 0 or an errno. NULL:
	 * it is written to fd.
	 */
	int (*put)(void *ctx, struct text_buf *out);
	void *put_ctx;
};

/* Returns NULL when out of memory. Everything is released by sink_close(). */
struct sink *sink_open(const struct sink_opts *opts);

/*
 * Prints one row. A header comes first when the table isn't the one of the row before (text, CSV).
 * The selection must outlive the next call. JSON prints every column that isn't left out by an
 * explicit --columns.
 */
void sink_row(struct sink *s, const struct selection *sel, const void *rec, size_t len);

/*
 * Prints a table whose rows are all there; its header (text, CSV) even if there are none. On a
 * terminal the columns to show are chosen by what the rows need.
 */
void sink_table(struct sink *s, const struct selection *sel, const struct sort_row *rows, size_t n);

/* A title line above a table: text only ("Slowest operations"). */
void sink_title(struct sink *s, const char *title);

/* A line as it is: text only. */
void sink_line(struct sink *s, const char *line);

/* Words above a table or below it, in as many lines as they take: text only. */
void sink_note(struct sink *s, const char *text);

/*
 * Text on a terminal: go back over the last frame (used by live tables), or over the whole screen
 * if its size is another one since. No-op elsewhere.
 */
void sink_clear(struct sink *s);

/*
 * Text on a terminal that can be cleared: what is printed until sink_frame_end(), @tables tables at
 * most, is cut to the screen's height, with a word about what isn't shown. False, and nothing is
 * done, elsewhere.
 */
bool sink_frame(struct sink *s, size_t tables);
void sink_frame_end(struct sink *s);

/* Free-standing JSON record with the given keys; text and CSV print nothing. For the summary. */
struct json_pair {
	const char *key;
	enum { JP_UINT, JP_INT, JP_TEXT, JP_BOOL } kind;
	union {
		uint64_t u;
		int64_t i;
		const char *text;
		bool b;
	};
};
void sink_record(struct sink *s, const char *type, const struct json_pair *pairs, size_t n);

/* Bytes that are buffered. */
size_t sink_pending(const struct sink *s);

/* What follows goes to another file: it begins with a header of its own. */
void sink_again(struct sink *s);

/* The wall clock was set, or the machine slept. */
void sink_set_clock(struct sink *s, const struct clock_base *clock);

/* Writes what is buffered. Returns 0, or the errno of the first write that failed (sticky). */
int sink_flush(struct sink *s);

/* Flushes, frees. Returns as sink_flush(). NULL is allowed. */
int sink_close(struct sink *s);

#endif
