/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Stacks for people and for flame graphs: --folded, --tree, --root. */
#include "core/run/drain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/suggest.h"
#include "core/rows/folded.h"
#include "core/rows/unit_format.h"

#define LEAST_SHARE 50 /* hundredths of a percent; what is less is added up */
#define NAMES_MAX   4096

const struct column *drain_measure(const struct tool *tool)
{
	const struct column *c = tool->row.columns;
	uint32_t from = tool->drain.key_size;

	while (c->name && (c->field.off < from || c->field.off >= from + sizeof(uint64_t) * 2))
		c++;
	return c;
}

/* "main+0x1b (app)" is main, and "main (app)"; "0x7f… (libc.so.6)" is [libc.so.6]. */
static void add_frame(struct text_buf *to, const char *name, size_t len, bool marked)
{
	const char *file = len && name[len - 1] == ')' ? memrchr(name, '(', len) : NULL;
	size_t n = file && file > name ? (size_t)(file - name) - 1 : len;
	const char *plus = memrchr(name, '+', n);
	char in_file[256];

	if (plus && n - (size_t)(plus - name) > 3 && !memcmp(plus, "+0x", 3)) {
		folded_frame(to, name, (size_t)(plus - name));
	} else if (file && n && strncmp(name, "0x", 2) != 0) {
		folded_frame(to, name, n);
	} else if (file) {
		bool own = file[1] == '['; /* [vdso] */

		snprintf(in_file, sizeof(in_file), own ? "%.*s" : "[%.*s]", (int)(len - n - 3),
			 file + 1);
		folded_frame(to, in_file, strlen(in_file));
	} else {
		folded_frame(to, name, len);
	}
	if (marked)
		text_puts(to, "_[k]");
}

/* A stack of the kernel's from its innermost frame on. */
static void add_upwards(struct run *run, const char *list, size_t len, struct text_buf *to)
{
	for (const char *name = list; name < list + len; name += strlen(name) + 1)
		add_frame(to, name, strlen(name), run->plan.opts.annotations);
}

/* The frames of one stack of @row, which are innermost first. */
static void add_frames(struct run *run, const struct column *c, const struct sort_row *row,
		       uint32_t pid, struct text_buf *to)
{
	char scratch[VALUE_SCRATCH];
	const char *list, *end, *name;
	struct value v;
	size_t len;

	column_value(run->view.clock.names, c, row->rec, row->len, scratch, &v);
	if (v.kind != V_BYTES)
		return;
	list = stack_list(run, c->name[0] == 'u', pid, &v, &len);
	if (c->name[0] == 'w') {
		add_upwards(run, list, len, to);
		return;
	}
	for (end = list + len; end > list; end = name) {
		name = end - 1; /* the NUL behind the name */
		while (name > list && name[-1])
			name--;
		add_frame(to, name, strlen(name), run->plan.opts.annotations && c->name[0] == 'k');
	}
}

/* "--;try_to_wake_up;pipe_write;cat": who ended it stands above, upside down. */
static void add_waker(struct report *r, const struct sort_row *row, struct text_buf *line)
{
	const struct column *stack = drain_column(r->run->plan.tool, "wstack");
	const struct column *waker = drain_column(r->run->plan.tool, "waker");
	char scratch[VALUE_SCRATCH];
	struct value v;

	if (!stack || !waker)
		return;
	column_value(r->run->view.clock.names, waker, row->rec, row->len, scratch, &v);
	if (v.kind != V_BYTES || !v.bytes.len)
		return;
	folded_frame(line, "--", 2);
	add_frames(r->run, stack, row, 0, line);
	folded_frame(line, v.bytes.p, v.bytes.len);
}

/* "dd;main;ksys_read;vfs_read": the user's frames are the outer ones. */
static void add_stack(struct report *r, const struct sort_row *row, struct folded *f)
{
	static const char *const stacks[] = { "ustack", "kstack" };
	const struct tool *tool = r->run->plan.tool;
	const struct column *pid = drain_column(tool, "pid"), *comm = drain_column(tool, "comm");
	char scratch[VALUE_SCRATCH];
	struct text_buf line = { 0 };
	struct value v, owner = { 0 }, value;

	if (pid)
		column_value(r->run->view.clock.names, pid, row->rec, row->len, scratch, &owner);
	if (comm) {
		column_value(r->run->view.clock.names, comm, row->rec, row->len, scratch, &v);
		if (v.kind == V_BYTES)
			folded_frame(&line, v.bytes.p, v.bytes.len);
	}
	for (size_t i = 0; i < 2; i++) {
		const struct column *c = drain_column(tool, stacks[i]);

		if (c)
			add_frames(r->run, c, row, (uint32_t)owner.u, &line);
	}
	add_waker(r, row, &line);
	column_value(r->run->view.clock.names, drain_measure(tool), row->rec, row->len, scratch,
		     &value);
	folded_add(f, text_cstr(&line), line.len, value.u);
	f->failed |= line.failed;
	text_free(&line);
}

void drain_take_root(struct run *run, struct folded *f)
{
	const char *root = run->plan.opts.root, *name, *names[NAMES_MAX], *near;
	char number[NUMBER_MAX + 1] = "";
	struct folded copy = { 0 };
	size_t n = 0;
	struct value v = { V_UINT };

	for (size_t i = 0; i < f->n; i++)
		folded_add(&copy, f->text.data + (size_t)f->line[i].text, f->line[i].len, 0);
	folded_root(f, root);
	v.u = f->outside;
	unit_format(drain_measure(run->plan.tool), &v, &run->view.clock, number, sizeof(number));
	if (f->n && f->outside)
		log_warn("not under %s: %s", root, number);
	text_pad(&copy.text, '\0', 1);
	for (size_t i = 0; !f->n && i < copy.n; i++) {
		char *line = copy.text.data + (size_t)copy.line[i].text, *save = NULL;

		line = strndup(line, copy.line[i].len);
		for (name = line ? strtok_r(line, ";", &save) : NULL; name && n < NAMES_MAX;
		     name = strtok_r(NULL, ";", &save))
			names[n++] = strdup(name);
		free(line);
	}
	near = f->n ? NULL : suggest(root, names, n);
	if (!f->n)
		log_warn("no stack has %s: it wasn't called, or the compiler put it into its "
			 "callers%s%s%s",
			 root, near ? "; \"" : "", near ? near : "", near ? "\" is there" : "");
	while (n)
		free((void *)names[--n]);
	folded_free(&copy);
}

static void print_folded(struct run *run, const struct folded *f)
{
	uint64_t unit = drain_measure(run->plan.tool)->unit == U_NSEC ? 1000 : 1;

	for (size_t i = 0; i < f->n; i++) {
		struct text_buf line = { 0 };

		text_add(&line, f->line[i].text, f->line[i].len);
		text_printf(&line, " %" PRIu64, f->line[i].value / unit);
		sink_line(run->view.sink, text_cstr(&line));
		text_free(&line);
	}
}

/* A line of the tree. */
struct branch {
	__u64 value;
	__u64 self;
	__u32 share;
	__u32 depth;
	const char *function;
};

struct tree {
	struct branch *branch;
	size_t n, cap;
	uint64_t total;
	bool failed;
};

static void add_branch(struct tree *t, const struct folded_node *node, const char *name)
{
	struct branch *more;
	char *text = NULL;

	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 256;
		more = realloc(t->branch, t->cap * sizeof(*more));
		if (!more) {
			t->failed = true;
			t->cap = t->n;
			return;
		}
		t->branch = more;
	}
	if (asprintf(&text, "%*s%.*s", (int)node->depth, "", (int)node->len, name) < 0)
		text = NULL;
	t->failed |= !text;
	t->branch[t->n++] = (struct branch){
		.value = node->value,
		.self = node->self,
		.share = (uint32_t)((double)node->value * 10000.0 /
				    (double)(t->total ? t->total : 1)),
		.depth = node->depth,
		.function = text,
	};
}

/* Small ones of the same caller, which follow each other, become one line. */
static bool visit(void *ctx, const struct folded_node *node)
{
	static const char rest[] = "(less than 0.5 % each)";
	struct folded_node small = { rest, sizeof(rest) - 1, node->depth, node->value, 0 };
	struct tree *t = ctx;
	struct branch *last = t->n ? &t->branch[t->n - 1] : NULL;

	if (!node->depth)
		t->total = node->value;
	if (!node->depth || node->value * 10000 >= t->total * LEAST_SHARE) {
		add_branch(t, node, node->name);
		return !t->failed;
	}
	if (last && last->depth == node->depth && last->function &&
	    !strcmp(last->function + node->depth, rest)) {
		last->value += node->value;
		last->share = (uint32_t)((double)last->value * 10000.0 / (double)t->total);
	} else {
		add_branch(t, &small, rest);
	}
	return false;
}

static void print_tree(struct run *run, const struct folded *f)
{
	const struct column *of = drain_measure(run->plan.tool);
	/* the sink keeps what it last printed a row of */
	static struct column columns[] = { { "share", FIELD(struct branch, share), U_PERCENT },
					   {},
					   { "self", FIELD(struct branch, self) },
					   { "function", FIELD(struct branch, function), U_TEXT,
					     .width = 30 },
					   {} };
	static const struct table table = { "tree", columns };
	static const uint16_t index[] = { 0, 1, 2, 3 };
	static const struct selection sel = { &table, index, 4 };
	struct sort_row *rows;
	struct tree t = { 0 };

	columns[1] = *of;
	columns[1].field = (struct field)FIELD(struct branch, value);
	columns[2].unit = of->unit;
	if (!folded_tree(f, visit, &t) || t.failed)
		log_error("out of memory: the tree is not complete");
	rows = calloc(t.n + 1, sizeof(*rows));
	for (size_t i = 0; rows && i < t.n; i++)
		rows[i] = (struct sort_row){ &t.branch[i], sizeof(t.branch[i]) };
	if (rows)
		sink_table(run->view.sink, &sel, rows, t.n);
	for (size_t i = 0; i < t.n; i++)
		free((void *)t.branch[i].function);
	free(t.branch);
	free(rows);
}

bool drain_draws_stacks(const struct run *run)
{
	return run->plan.tool->kind == TOOL_STACKS &&
	       (run->plan.opts.folded || run->plan.opts.tree);
}

void drain_draw_stacks(struct report *r, size_t n)
{
	struct folded f = { 0 };

	for (size_t i = 0; i < n; i++)
		add_stack(r, &r->row[i], &f);
	if (r->run->plan.opts.root && !f.failed)
		drain_take_root(r->run, &f);
	folded_sort(&f);
	if (f.failed)
		log_error("out of memory: the stacks are not complete");
	if (r->run->plan.opts.folded)
		print_folded(r->run, &f);
	else
		print_tree(r->run, &f);
	folded_free(&f);
}

bool drain_graph(struct report *r, size_t n)
{
	const struct common_opts *o = &r->run->plan.opts;

	for (size_t i = 0; i < n; i++)
		add_stack(r, &r->row[i], &r->run->graphs.stacks);
	return o->format == FORMAT_TEXT && !o->folded && !o->tree && !o->file;
}
