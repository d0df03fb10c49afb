/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Rows on their way out: selection, --where, --by, the summary. */
#include "core/run/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/progress.h"
#include "core/run/drain.h"

static const char *format_stack(void *ctx, bool user, uint32_t pid, const struct value *v,
				size_t *len)
{
	struct run *run = ctx;

	uint64_t addr, program = 0;
	size_t i = 0;

	run->stack_text.len = 0;
	if (user && run->tool->kind != TOOL_STACKS && v->bytes.len >= sizeof(program)) {
		memcpy(&program, v->bytes.p, sizeof(program)); /* struct vstack */
		i = sizeof(program);
	}
	for (; i + 8 <= v->bytes.len; i += 8) {
		memcpy(&addr, v->bytes.p + i, sizeof(addr));
		if (user)
			stack_user_name(run->names, pid, program, addr, &run->stack_text);
		else
			text_puts(&run->stack_text, stack_kernel_name(run->names, addr, false));
		text_pad(&run->stack_text, '\0', 1);
	}
	*len = run->stack_text.len;
	return run->stack_text.data;
}

static bool open_file(struct run *run)
{
	run->out_fd = STDOUT_FILENO;
	if (!run->opts.file)
		return true;
	run->out_fd = open(run->opts.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (run->out_fd < 0)
		log_error("cannot write to %s: %s", run->opts.file, strerror(errno));
	return run->out_fd >= 0;
}

static bool open_sink(struct run *run)
{
	struct sink_opts o = {
		.format = run->opts.format,
		.fd = run->out_fd,
		.clock = run->clock,
		.stack = format_stack,
		.stack_ctx = run,
		.choosable = run->by && !by_of_table(run) ? by_table(run->by) : &run->tool->row,
	};
	struct winsize size;

	if (o.format == FORMAT_TEXT && isatty(run->out_fd)) {
		const char *no_colour = getenv("NO_COLOR");

		o.terminal = true;
		o.plain = !terminal_obeys(run->out_fd);
		o.colour = !no_colour || !*no_colour;
		o.width = ioctl(run->out_fd, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
	}
	run->sink = sink_open(&o);
	if (!run->sink)
		log_error("out of memory");
	return run->sink != NULL;
}

bool switch_on(const struct run *run, const struct column_switch *s)
{
	const unsigned char *p = (const unsigned char *)run->cfg + s->when.off;

	for (uint32_t i = 0; i < s->when.size; i++)
		if (p[i])
			return true;
	return false;
}

bool switch_names(const struct column_switch *s, const char *name, char sign)
{
	size_t len = strlen(name);

	for (const char *p = s->columns; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (*p == sign && !strncmp(p + 1, name, len) && (!p[1 + len] || p[1 + len] == ','))
			return true;
	return false;
}

/* Is @col shown when nobody says --columns? Options bring columns and take them away. */
static bool shown_by_default(const struct run *run, const struct column *col)
{
	bool shown = columns_usual(col, run->opts.format);

	if (by_of_table(run) && drain_identifies(run->tool, col))
		return by_is_key(run->by, col);
	if (col->unit == U_STACK && run->tool->kind != TOOL_STACKS)
		return col->name[0] == 'k' ? run->opts.kstack : run->opts.ustack;
	if (run->opts.format == FORMAT_JSON && !(col->flags & COL_ASKED))
		return shown;
	for (const struct column_switch *s = run->tool->switches; s && s->columns; s++) {
		if (!switch_on(run, s))
			continue;
		if (switch_names(s, col->name, '+'))
			shown = true;
		if (switch_names(s, col->name, '-'))
			shown = false;
	}
	return shown;
}

static bool select_columns(struct run *run)
{
	const struct table *table = &run->tool->row;
	size_t n = columns_count(table);
	bool *usual = calloc(n + 1, sizeof(*usual));
	bool of_groups = run->by && !by_of_table(run); /* what --columns names */
	char err[512] = "out of memory";
	bool ok;

	for (size_t i = 0; usual && i < n; i++)
		usual[i] = shown_by_default(run, &table->columns[i]);
	ok = usual &&
	     columns_select_from(table, of_groups ? NULL : run->opts.columns, run->opts.format,
				 usual, &run->selection, err, sizeof(err));
	if (!ok)
		log_error("%s", err);
	free(usual);
	return ok;
}

/* Columns that cost something are computed only where they are used. */
static void enable_columns(struct run *run)
{
	const struct column *cols = run->tool->row.columns;
	const char *texts[] = { run->opts.where, run->opts.by, run->opts.sort };
	const uint32_t one = 1;

	for (size_t i = 0; cols[i].name; i++) {
		bool used = false;

		if (cols[i].enable.kind == F_NONE)
			continue;
		for (size_t s = 0; (!run->by || by_of_table(run)) && s < run->selection.n; s++)
			used |= run->selection.index[s] == i;
		for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++)
			used |= text_names(texts[t], &cols[i]);
		if (used)
			memcpy((char *)run->cfg + cols[i].enable.off, &one, sizeof(one));
	}
}

/* column ~ "*value*", the value being plain text */
static void add_term(struct text_buf *to, const char *column, const char *value)
{
	text_printf(to, "%s ~ \"*", column);
	for (; *value; value++)
		text_printf(to, strchr("\"\\*?[]", *value) ? "\\%c" : "%c", *value);
	text_puts(to, "*\"");
}

bool output_terms(struct run *run, const struct option_result *result)
{
	struct text_buf *to = &run->where_text;
	const char *and = "";

	if (!result->n_terms)
		return true;
	if (run->opts.where) {
		text_printf(to, "(%s)", run->opts.where);
		and = " && ";
	}
	for (size_t i = 0; i < result->n_terms; i++) {
		text_puts(to, and);
		add_term(to, result->terms[i].column, result->terms[i].value);
		and = " && ";
	}
	run->opts.where = text_cstr(to);
	return !to->failed;
}

bool output_open(struct run *run)
{
	const struct table *sorted = &run->tool->row;
	char err[4096];

	stacks_choose(run);
	if (run->opts.by && !by_choose(run, err, sizeof(err))) {
		log_error("--by: %s", err);
		return false;
	}
	if (!select_columns(run))
		return false;
	if (run->opts.where) {
		run->where = where_compile(&run->tool->row, run->opts.where, err, sizeof(err));
		if (!run->where) {
			log_error_lines("--where: %s", err);
			return false;
		}
	}
	if (run->by && !by_of_table(run))
		sorted = by_table(run->by);
	if (run->opts.sort && run->tool->kind != TOOL_LEDGER) { /* its tables are its own */
		if (!sort_parse(sorted, run->opts.sort, &run->sort, err, sizeof(err))) {
			log_error("--sort: %s", err);
			return false;
		}
		run->sorted = true;
	}
	if (by_of_table(run) && !by_leaves_columns(run))
		return false;
	enable_columns(run);
	fold_choose(run);
	return true;
}

bool output_names(struct run *run)
{
	if (!open_file(run) || !open_sink(run))
		return false;
	if (run->where)
		where_set_start(run->where, run->clock.start_ns);
	if (run->opts.kstack || run->opts.ustack || run->tool->kind == TOOL_STACKS)
		return run_kernel_names(run) != NULL;
	return true;
}

const struct selection *run_default_columns(struct run *run, const struct table *table)
{
	struct selection *sel;
	char err[256];

	for (size_t i = 0; i < run->n_defaults; i++)
		if (run->defaults[i].table == table)
			return &run->defaults[i];
	if (run->n_defaults == MAX_TABLES)
		return NULL;
	sel = &run->defaults[run->n_defaults];
	if (!columns_select(table, NULL, run->opts.format, sel, err, sizeof(err)))
		return NULL;
	run->n_defaults++;
	return sel;
}

bool run_sort(const struct run *run, const struct table *table, struct sort *sort)
{
	char err[256];

	return run->opts.sort && sort_parse(table, run->opts.sort, sort, err, sizeof(err));
}

void output_row(struct run *run, const void *rec, size_t len)
{
	if (run->abort_now) {
		run->unread++;
		return;
	}
	if (run->where && !where_match(run->where, rec, len)) {
		run->filtered++;
		return;
	}
	run->shown++;
	if (run->by)
		by_add(run->by, rec, len);
	else
		sink_row(run->sink, &run->selection, rec, len);
}

void run_header_alone(struct run *run)
{
	if (!run->shown && !run->by)
		sink_table(run->sink, &run->selection, NULL, 0);
}

void output_report(struct run *run, bool last)
{
	const struct tool_ops *ops = run->tool->ops;

	if (fold_chosen(run))
		fold_report(run);
	if (run->by && !by_of_table(run))
		by_report(run);
	if (run->tool->drain.map)
		drain_report(run, last);
	if (ops && ops->report)
		ops->report(run, last);
	if (last && run->tool->kind == TOOL_EVENTS)
		run_header_alone(run);
	run->reports++;
	output_flush(run);
}

bool output_flush(struct run *run)
{
	int err = run->out_error ? run->out_error : sink_flush(run->sink);

	if (err && !run->out_error) {
		run->out_error = err;
		run->stop = true;
		if (err != EPIPE)
			log_error("writing to %s failed: %s",
				  run->opts.file ? run->opts.file : "standard output",
				  strerror(err));
	}
	return !err;
}

static void add_pair(struct json_pair *pairs, size_t *n, const char *key, uint64_t value)
{
	pairs[*n].key = key;
	pairs[*n].kind = JP_UINT;
	pairs[(*n)++].u = value;
}

/* One line for people: "opensnoop: 5 events: 3 shown, 1 filtered, 1 lost (ring buffer full 1)". */
static void summary_text(const struct run *run, const struct counters *c, uint64_t generated,
			 uint64_t filtered, uint64_t lost, uint64_t missed)
{
	fprintf(stderr, "%s: %llu events: %llu shown, %llu filtered, %s%llu lost", run->tool->name,
		(unsigned long long)generated, (unsigned long long)run->shown,
		(unsigned long long)filtered,
		loaded_missed_uncounted(run->loaded) ? "at least " : "", (unsigned long long)lost);
	if (c->lost_ring)
		fprintf(stderr,
			"; %llu found the ring buffer full (--buffer SIZE, or a faster reader)",
			(unsigned long long)c->lost_ring);
	if (c->lost_state)
		fprintf(stderr, "; %llu found no room for their state",
			(unsigned long long)c->lost_state);
	if (c->lost_end)
		fprintf(stderr, "; the kernel never told the end of %llu",
			(unsigned long long)c->lost_end);
	if (missed)
		fprintf(stderr, "; %llu nested in a program that was running",
			(unsigned long long)missed);
	if (run->unread)
		fprintf(stderr, "; %llu were left when the run was broken off",
			(unsigned long long)run->unread);
	if (run->others)
		fprintf(stderr, "; %llu in rows \"(others)\": more rows than the table holds",
			(unsigned long long)run->others);
	if (c->null_helper)
		fprintf(stderr, "; %llu details could not be read",
			(unsigned long long)c->null_helper);
	for (size_t i = 0; run->tool->counters && run->tool->counters[i]; i++)
		if (run->tool->counters[i][0] == '+' && c->tool[i])
			fprintf(stderr, "; %s %llu", run->tool->counters[i] + 1,
				(unsigned long long)c->tool[i]);
	for (size_t i = 0; i < run->n_extra; i++)
		if (run->extra_text[i])
			fprintf(stderr, "; %s %llu", run->extra[i].key,
				(unsigned long long)run->extra[i].u);
	fputc('\n', stderr);
}

static void print_cost(const struct run *run)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	fprintf(stderr, "%s: cost: %.3f s user, %.3f s system, %ld KiB at most\n", run->tool->name,
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
		usage.ru_maxrss);
	loaded_print_cost(run->loaded);
}

void output_summary(struct run *run)
{
	struct counters c = loaded_counters(run->loaded);
	uint64_t details, missed = loaded_missed(run->loaded, &details);
	uint64_t filtered = c.filtered + run->filtered;
	uint64_t lost = c.lost_ring + c.lost_state + c.lost_end + missed + run->unread;
	uint64_t generated = c.generated + run->generated + missed;
	struct json_pair pairs[27 + MAX_EXTRA];
	size_t n = 0;

	c.null_helper += details;
	pairs[n].key = "command";
	pairs[n].kind = JP_TEXT;
	pairs[n++].text = run->tool->name;
	add_pair(pairs, &n, "elapsed_ns", run_elapsed_ns(run));
	add_pair(pairs, &n, "generated", generated);
	add_pair(pairs, &n, "shown", run->shown);
	add_pair(pairs, &n, "filtered", filtered);
	add_pair(pairs, &n, "lost", lost);
	pairs[n].key = "lost_at_least";
	pairs[n].kind = JP_BOOL;
	pairs[n++].b = loaded_missed_uncounted(run->loaded);
	add_pair(pairs, &n, "lost_ring", c.lost_ring);
	add_pair(pairs, &n, "lost_state", c.lost_state);
	add_pair(pairs, &n, "lost_end", c.lost_end);
	add_pair(pairs, &n, "lost_missed", missed);
	add_pair(pairs, &n, "lost_unread", run->unread);
	add_pair(pairs, &n, "others", run->others);
	add_pair(pairs, &n, "null_helper", c.null_helper);
	for (size_t i = 0; run->tool->counters && run->tool->counters[i]; i++)
		add_pair(pairs, &n, run->tool->counters[i] + (run->tool->counters[i][0] == '+'),
			 c.tool[i]);
	for (size_t i = 0; i < run->n_extra; i++)
		pairs[n++] = run->extra[i];
	if (*run->blind) {
		pairs[n].key = "blind";
		pairs[n].kind = JP_TEXT;
		pairs[n++].text = run->blind;
	}
	sink_record(run->sink, "summary", pairs, n);
	if (run->out_error != EPIPE)
		summary_text(run, &c, generated, filtered, lost, missed);
	if (run->opts.stats)
		print_cost(run);
}

void output_close(struct run *run)
{
	if (run->sink && !run->out_error)
		output_flush(run);
	sink_close(run->sink);
	if (run->opts.file && run->out_fd >= 0 && close(run->out_fd) && !run->out_error) {
		run->out_error = errno;
		log_error("writing to %s failed: %s", run->opts.file, strerror(errno));
	}
	selection_free(&run->selection);
	selection_free(&run->by_selection);
	for (size_t i = 0; i < run->n_defaults; i++)
		selection_free(&run->defaults[i]);
	where_free(run->where);
	text_free(&run->where_text);
	if (run->by)
		by_free(run->by);
	stack_names_close(run->names);
	text_free(&run->stack_text);
}
