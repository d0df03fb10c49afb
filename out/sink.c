/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "out/sink_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/digits.h"

static const struct sink_ops *const formats[] = {
	[FORMAT_TEXT] = &text_ops,
	[FORMAT_JSON] = &json_ops,
	[FORMAT_CSV] = &csv_ops,
};

struct sink *sink_open(const struct sink_opts *opts)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->opts = *opts;
	s->opts.colour = opts->colour && opts->terminal && !opts->plain;
	s->ops = formats[opts->format];
	return s;
}

static int wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return errno;
	return 0;
}

/* Returns 0 or an errno. Whoever owns @fd may have made it non-blocking. */
static int write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		int error = 0;

		if (n > 0) {
			data += n;
			len -= (size_t)n;
		} else if (n == 0) {
			error = EIO;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			error = wait_writable(fd);
		} else if (errno != EINTR) {
			error = errno;
		}
		if (error)
			return error;
	}
	return 0;
}

int sink_flush(struct sink *s)
{
	if (!s->error && (s->out.failed || s->frames.failed || s->plan.head.failed))
		s->error = ENOMEM;
	if (!s->error && s->opts.put)
		s->error = s->opts.put(s->opts.put_ctx, &s->out);
	else if (!s->error)
		s->error = write_all(s->opts.fd, s->out.data, s->out.len);
	s->out.len = 0;
	return s->error;
}

static void plan_free(struct plan *p)
{
	free(p->index);
	free(p->cells);
	text_free(&p->head);
	*p = (struct plan){ 0 };
}

size_t sink_pending(const struct sink *s)
{
	return s->out.len;
}

void sink_again(struct sink *s)
{
	plan_free(&s->plan);
	s->printed = s->titled = false;
	s->lines = 0;
}

void sink_set_clock(struct sink *s, const struct clock_base *clock)
{
	s->opts.clock = *clock;
}

int sink_close(struct sink *s)
{
	int error;

	if (!s)
		return 0;
	error = sink_flush(s);
	plan_free(&s->plan);
	text_free(&s->out);
	text_free(&s->frames);
	text_free(&s->title);
	text_free(&s->no_room);
	free(s);
	return error;
}

static bool is_planned(const struct plan *p, const struct selection *sel)
{
	return p->table == sel->table && p->n == sel->n &&
	       (sel->n == 0 || memcmp(p->index, sel->index, sel->n * sizeof(*sel->index)) == 0);
}

/* The companion's key is the column's own name: "time" beside "time_ns", "user" beside "uid". */
static void set_keys(struct cell *c)
{
	const char *name = c->col->name;
	size_t n = strlen(name);

	column_key(c->col, c->key, sizeof(c->key));
	if (is_args(c))
		snprintf(c->other, sizeof(c->other), "%.*s_cut", KEY_MAX - 5, name);
	else if (strcmp(name, c->key) != 0)
		snprintf(c->other, sizeof(c->other), "%s", name);
	else if (strcmp(name, "uid") == 0)
		snprintf(c->other, sizeof(c->other), "user");
	else if (c->col->unit == U_USER && n > 4) /* owner_uid */
		snprintf(c->other, sizeof(c->other), "%.*s", (int)n - 4, name);
	else if (c->col->unit == U_CLOCK && n > 3) /* start_ns */
		snprintf(c->other, sizeof(c->other), "%.*s", (int)n - 3, name);
}

static bool plan_set(struct sink *s, const struct selection *sel)
{
	struct plan *p = &s->plan;

	plan_free(p);
	p->cells = calloc(sel->n + 1, sizeof(*p->cells));
	p->index = calloc(sel->n + 1, sizeof(*p->index));
	if (!p->cells || !p->index) {
		s->error = ENOMEM;
		return false;
	}
	p->table = sel->table;
	p->n = sel->n;
	for (const struct column *c = sel->table->columns; c->name; c++)
		if (strcmp(c->name, "pid") == 0)
			p->pid = c;
	for (size_t i = 0; i < sel->n; i++) {
		p->index[i] = sel->index[i];
		p->cells[i].col = &sel->table->columns[sel->index[i]];
		set_keys(&p->cells[i]);
	}
	if (s->ops->plan)
		s->ops->plan(s);
	return true;
}

void sink_row(struct sink *s, const struct selection *sel, const void *rec, size_t len)
{
	if (s->error)
		return;
	if (s->ops->resized && s->out.len == 0 && s->ops->resized(s))
		s->plan.table = NULL;
	if (!is_planned(&s->plan, sel)) {
		if (!plan_set(s, sel))
			return;
		if (s->ops->header)
			s->ops->header(s);
	}
	s->ops->row(s, rec, len);
	sink_spill(s);
}

void sink_table(struct sink *s, const struct selection *sel, const struct sort_row *rows, size_t n)
{
	bool header = !is_planned(&s->plan, sel), planned;

	if (s->error)
		return;
	s->rows_known = true;
	s->rows = rows;
	s->n_rows = n;
	planned = !header || plan_set(s, sel);
	s->rows_known = false;
	if (!planned)
		return;
	if (s->ops->table) {
		s->ops->table(s, rows, n, header);
		return;
	}
	if (header && s->ops->header)
		s->ops->header(s);
	for (size_t i = 0; i < n; i++) {
		s->ops->row(s, rows[i].rec, rows[i].len);
		sink_spill(s);
	}
}

void sink_title(struct sink *s, const char *title)
{
	if (s->ops->title && !s->error)
		s->ops->title(s, title);
}

void sink_line(struct sink *s, const char *line)
{
	if (s->ops->line && !s->error) {
		s->ops->line(s, line);
		sink_spill(s);
	}
}

void sink_note(struct sink *s, const char *text)
{
	if (s->ops->note && !s->error)
		s->ops->note(s, text);
}

void sink_clear(struct sink *s)
{
	if (s->ops->clear && s->opts.terminal && !s->error)
		s->ops->clear(s);
}

bool sink_frame(struct sink *s, size_t tables)
{
	if (s->ops->frame && s->opts.terminal && !s->opts.plain && !s->error)
		s->ops->frame(s, tables);
	return s->live;
}

void sink_frame_end(struct sink *s)
{
	if (s->live && !s->error)
		s->ops->frame_end(s);
}

void sink_record(struct sink *s, const char *type, const struct json_pair *pairs, size_t n)
{
	if (s->ops->record && !s->error)
		s->ops->record(s, type, pairs, n);
}

size_t put_machine_number(char *dst, const struct column *col, const struct value *v,
			  const struct clock_base *clock)
{
	size_t sign = v->kind == V_INT && v->i < 0, n;
	uint64_t u = sign ? magnitude(v->i) : v->u;

	switch (col->unit) {
	case U_CLOCK:
		return put_i64(dst, since_start_ns(clock, v->u));
	case U_OCTAL:
		return put_octal(dst, v->u);
	case U_RATE:
	case U_DECIMAL:
		if (sign)
			dst[0] = '-';
		n = sign + put_u64(dst + sign, u / 1000);
		dst[n++] = '.';
		return n + put_digits(dst + n, u % 1000, 3);
	case U_PERCENT:
	case U_SHARE:
		if (sign)
			dst[0] = '-';
		n = sign + put_u64(dst + sign, u / 100);
		dst[n++] = '.';
		return n + put_digits(dst + n, u % 100, 2);
	default:
		return sign ? put_i64(dst, v->i) : put_u64(dst, u);
	}
}

static const char *hex_frames(struct sink *s, const struct value *v, size_t *n)
{
	struct text_buf *b = &s->frames;

	b->len = 0;
	for (size_t at = 0; at + sizeof(uint64_t) <= v->bytes.len; at += sizeof(uint64_t)) {
		char *to = text_room(b, DIGITS_MAX);
		uint64_t address;

		if (!to)
			break;
		memcpy(&address, v->bytes.p + at, sizeof(address));
		b->len += put_hex(to, address);
		text_pad(b, '\0', 1);
	}
	*n = b->failed ? 0 : b->len;
	return b->data;
}

const char *stack_frames(struct sink *s, const struct cell *c, const void *rec, size_t len,
			 const struct value *v, size_t *n)
{
	struct value pid = { .kind = V_NONE };
	bool user = c->col->name[0] == 'u'; /* ustack; the others are the kernel's */

	if (!s->opts.stack)
		return hex_frames(s, v, n);
	if (s->plan.pid)
		column_value(s->opts.clock.names, s->plan.pid, rec, len, s->scratch, &pid);
	*n = 0;
	return s->opts.stack(s->opts.stack_ctx, user,
			     pid.kind == V_INT || pid.kind == V_UINT ? (uint32_t)pid.u : 0, v, n);
}

bool next_frame(const char **list, size_t *n, const char **name, size_t *name_len)
{
	if (*n == 0)
		return false;
	*name = *list;
	*name_len = strnlen(*list, *n);
	*list += *name_len;
	*n -= *name_len;
	if (*n) { /* the NUL between two names, or after the last */
		(*list)++;
		(*n)--;
	}
	return true;
}
