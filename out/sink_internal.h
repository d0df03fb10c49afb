/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What sink.c and the formats share. A format is a struct sink_ops; NULL means "prints nothing". */
#ifndef IOSONDE_SINK_INTERNAL_H
#define IOSONDE_SINK_INTERNAL_H

#include "core/base/text_buf.h"
#include "core/rows/unit_args.h"
#include "core/rows/unit_format.h"
#include "out/sink.h"

#define KEY_MAX 64

/* One selected column, with everything that doesn't change from row to row. */
struct cell {
	const struct column *col;
	char key[KEY_MAX];   /* column_key() */
	char other[KEY_MAX]; /* key of the companion: the user's name, the wall-clock time */
	/* JSON */
	char lead[KEY_MAX + 4]; /* key with its punctuation */
	size_t lead_len;
	/* text */
	size_t width;	/* columns it is padded to */
	size_t rest;	/* terminal: columns that those after it need at least */
	size_t content; /* terminal, rows known: columns of the widest value */
	unsigned keep;	/* column_keep() */
	bool right;
	bool bar;	/* a share is drawn, too */
	bool tight;	/* cut to its width, whatever room there is */
	bool none;	/* rows known: no row has a value */
	bool zero;	/* rows known: none, or 0, in all of them */
	bool left_out;	/* terminal: no room */
	bool last;	/* nothing follows on the line */
	bool fitted;	/* terminal, COL_WIDE: gets what is left */
	bool takes_all; /* the last of these */
};

/* A selection made ready to print; built anew when the selection of a row differs. */
struct plan {
	const struct table *table; /* NULL: none yet */
	const struct column *pid;  /* whose user stacks these are; may be NULL */
	uint16_t *index;
	struct cell *cells;
	size_t n;
	struct text_buf head; /* JSON: how every row begins */
};

struct sink;

struct sink_ops {
	void (*plan)(struct sink *s);
	void (*header)(struct sink *s);
	void (*row)(struct sink *s, const void *rec, size_t len);
	void (*table)(struct sink *s, const struct sort_row *rows, size_t n, bool header);
	bool (*resized)(struct sink *s); /* since it was last asked */
	void (*title)(struct sink *s, const char *title);
	void (*line)(struct sink *s, const char *line);
	void (*note)(struct sink *s, const char *text);
	void (*clear)(struct sink *s);
	void (*frame)(struct sink *s, size_t tables);
	void (*frame_end)(struct sink *s);
	void (*record)(struct sink *s, const char *type, const struct json_pair *pairs, size_t n);
};

extern const struct sink_ops text_ops, json_ops, csv_ops;

struct sink {
	struct sink_opts opts;
	const struct sink_ops *ops;
	struct text_buf out;	/* what waits to be written */
	struct text_buf frames; /* names of a stack, where opts.stack is NULL */
	struct plan plan;
	/* while a table is planned: all its rows */
	bool rows_known;
	const struct sort_row *rows;
	size_t n_rows;
	/* terminal */
	int height;		       /* 0: not known */
	int clear_width, clear_height; /* when the screen was last cleared */
	bool live;		       /* between sink_frame() and its end */
	size_t frame_at, frame_tables;
	struct text_buf title;	 /* live: waits for its table */
	struct text_buf no_room; /* live: titles of tables that had none */
	int error;		 /* of the first failure; nothing is printed after it */
	size_t lines;		 /* on the screen since the last clear, wrapped ones counted */
	bool printed;		 /* something, since the last clear */
	bool titled;		 /* the last line was a title */
	char scratch[VALUE_SCRATCH];
};

static inline bool is_stack(const struct cell *c)
{
	return c->col->unit == U_STACK;
}

/* Has no place on the line? */
static inline bool is_off_line(const struct cell *c)
{
	return is_stack(c) || c->left_out;
}

static inline bool is_args(const struct cell *c)
{
	return c->col->field.kind == F_VARGS;
}

/* Reads the value of @c. */
static inline void cell_value(struct sink *s, const struct cell *c, const void *rec, size_t len,
			      struct value *v)
{
	column_value(s->opts.clock.names, c->col, rec, len, s->scratch, v);
}

/* A pipe holds this much: larger pieces would only be cut up again. */
#define FLUSH_BYTES (64 * 1024)

/* Writes what is buffered if it is a lot. */
static inline void sink_spill(struct sink *s)
{
	if (s->out.len >= FLUSH_BYTES || s->out.failed)
		sink_flush(s);
}

/* A number in its base unit, for machines; at most NUMBER_MAX bytes. Octal modes without quotes. */
size_t put_machine_number(char *dst, const struct column *col, const struct value *v,
			  const struct clock_base *clock);

/*
 * The names of the frames in @v (a U_STACK value, not V_NONE), NUL-separated and *@n bytes long,
 * good until the next call.
 */
const char *stack_frames(struct sink *s, const struct cell *c, const void *rec, size_t len,
			 const struct value *v, size_t *n);

/* Takes the next name off a list of stack_frames(). Returns false at its end. */
bool next_frame(const char **list, size_t *n, const char **name, size_t *name_len);

#endif
