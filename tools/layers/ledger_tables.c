/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The columns of the ledger's tables: shares for people, nanoseconds for machines. */
#include "tools/layers/ledger.h"

/* clang-format off */
#define SHARE(type, name, cell, keep_, what) \
	{ name "%", FIELD(type, cells.ns[cell]), U_SHARE, .of = FIELD(type, cells.lat_ns), \
	  .part = (cell) + 1, .keep = keep_, .flags = COL_PEOPLE, .help = "share of the time " what }
#define CELL(type, name, cell, keep_, what) \
	{ name, FIELD(type, cells.ns[cell]), U_NSEC, .flags = COL_HIDDEN | COL_CSV, .help = "time " what }
#define EACH_CELL(X, type) \
	X(type, "cpu", CELL_CPU, 3, "running in the kernel"), \
	X(type, "runq", CELL_RUNQ, 3, "waiting for a CPU"), \
	X(type, "queue", CELL_QUEUE, 2, "blocked while its requests waited in the block layer"), \
	X(type, "device", CELL_DEVICE, 3, "blocked while a request of its was at the device"), \
	X(type, "wait", CELL_WAIT, 3, "blocked on something else"), \
	X(type, "unknown", CELL_UNKNOWN, 1, "that the stamps can't tell")

/* All cells of a row in the width of three, for people. */
#define BAR_LETTERS 20
#define BAR(name) \
	{ "cells", .unit = U_TEXT, .width = BAR_LETTERS, .keep = KEEP_SOME + 1, .render = name, \
	  .flags = COL_PEOPLE, \
	  .help = "the time in twentieths: c cpu, r runq, q queue, d device, w wait, ? unknown" }
#define DEFINE_BAR(name, type) \
	static void name(const void *rec, size_t len, char *scratch, struct value *out) \
	{ \
		static const struct column parts[] = { EACH_CELL(SHARE, type), {} }; \
		draw_bar(parts, rec, len, scratch, out); \
	}
/* clang-format on */

static void draw_bar(const struct column *parts, const void *rec, size_t len, char *scratch,
		     struct value *out)
{
	static const char letters[N_CELLS] = { 'c', 'r', 'q', 'd', 'w', '?' };
	size_t n = 0;
	uint64_t times;

	for (int i = 0; i < N_CELLS; i++) {
		if (!column_part(&parts[i], rec, len, BAR_LETTERS, &times))
			break;
		for (; times && n < BAR_LETTERS; times--)
			scratch[n++] = letters[i];
	}
	*out = (struct value){ V_BYTES, .bytes = { scratch, n } };
	if (!n)
		out->kind = V_NONE;
}

DEFINE_BAR(draw_op, struct op_row)
DEFINE_BAR(draw_sum, struct sum_row)
DEFINE_BAR(draw_time, struct time_row)
DEFINE_BAR(draw_async, struct async_row)

static const struct flag_name flag_names[] = { { OP_KILLED, OP_KILLED, "killed" },
					       { OP_RESTARTED, OP_RESTARTED, "restarted" },
					       { OP_FD_CHANGED, OP_FD_CHANGED, "fd-changed" },
					       { OP_BIOS_FULL, OP_BIOS_FULL, "many-requests" },
					       {} };

#define O(member) FIELD(struct op_row, member)

const struct column layers_op_columns[] = {
	{ "time", O(rec.ts_ns), U_CLOCK, .help = "when the call returned" },
	{ "comm", O(comm), U_TEXT, .width = 16 },
	{ "pid", O(pid), U_ID, .width = 7 },
	{ "tid", O(tid), U_ID, .width = 7, .flags = COL_HIDDEN },
	COLUMN_MNTNS(O(mntns)),
	{ "call", O(call), U_ENUM, .width = 9, .names = layers_call_names },
	{ "fd", O(fd), U_FD, .flags = COL_HIDDEN },
	{ "ret", O(ret), U_COUNT, .flags = COL_HIDDEN },
	{ "err", O(ret), U_ERRNO, .width = 6 },
	{ "bytes", O(bytes), U_BYTES, .width = 6, .help = "bytes read or written" },
	{ "lat", O(cells.lat_ns), U_NSEC, .width = 7, .flags = COL_LATENCY,
	  .help = "entry to return" },
	BAR(draw_op),
	EACH_CELL(CELL, struct op_row),
	EACH_CELL(SHARE, struct op_row),
	{ "restarts", O(restarts), U_COUNT, .flags = COL_HIDDEN },
	{ "notes", O(flags), U_FLAGS, .flags = COL_HIDDEN, .flag_names = flag_names,
	  .help = "killed, restarted, fd-changed, many-requests" },
	{ "longest", O(longest_ns), U_NSEC, .flags = COL_HIDDEN, .help = "its longest wait" },
	{ "reason", O(reason), U_TEXT, .width = 14, .keep = KEEP, .help = "what that one was for" },
	{ "path", O(path), U_PATH, .flags = COL_WIDE, .help = "file" },
	{ "kstack", O(stack), U_STACK, .flags = COL_HIDDEN, .help = "where that one was" },
	{}
};

#define S(member) FIELD(struct sum_row, member)
#define TOTALS                                                                                          \
	{ "count", S(count), U_COUNT, .width = 8, .help = "calls" },                                    \
		{ "errors", S(errors), U_COUNT, .width = 6, .help = "calls that failed" },              \
		{ "bytes", S(bytes), U_BYTES, .width = 6, .keep = 4, .help = "bytes read or written" }, \
                                                                                                        \
		{ "lat", S(cells.lat_ns), U_NSEC, .width = 7, .keep = KEEP, .help = "time in all" },    \
		BAR(draw_sum), EACH_CELL(CELL, struct sum_row), EACH_CELL(SHARE, struct sum_row)

static const struct column call_columns[] = {
	{ "call", S(call), U_TEXT, .width = 15, .keep = KEEP },
	TOTALS,
	{ "p50", S(p50_ns), U_NSEC, .width = 6, .keep = 3, .help = "median, within 1/16" },
	{ "p99", S(p99_ns), U_NSEC, .width = 6, .keep = 4, .help = "99th percentile, within 1/16" },
	{ "max", S(max_ns), U_NSEC, .width = 6, .keep = 4, .help = "slowest" },
	{}
};

static const struct column file_columns[] = {
	TOTALS, { "path", S(path), U_PATH, .flags = COL_WIDE, .help = "file" }, {}
};

static const struct column process_columns[] = {
	{ "comm", S(comm), U_TEXT, .width = 15, .keep = KEEP },
	{ "pid", S(pid), U_ID, .width = 7, .flags = COL_BLANK, .keep = KEEP },
	TOTALS,
	{}
};

#define W(member) FIELD(struct wait_row, member)

static const struct column wait_columns[] = {
	{ "share", W(share), U_SHARE, .help = "of all waiting" },
	{ "call", W(call), U_ENUM, .width = 9, .names = layers_call_names },
	{ "count", W(count), U_COUNT, .width = 8, .help = "waits" },
	{ "wait", W(wait_ns), U_NSEC, .width = 7, .help = "time in all" },
	{ "max", W(max_ns), U_NSEC, .width = 7, .help = "longest" },
	{ "reason", W(reason), U_TEXT, .flags = COL_WIDE, .help = "what for" },
	{ "stack", W(stack), U_STACK },
	{}
};

#define T(member) FIELD(struct time_row, member)

static const struct column time_columns[] = {
	{ "call", T(call), U_TEXT, .width = 15, .keep = KEEP,
	  .help = "system call; user: between calls, (fault): blocked there, (before): under way "
		  "at the start, (start): of new threads" },
	{ "count", T(count), U_COUNT, .width = 8, .flags = COL_BLANK, .keep = 5, .help = "calls" },
	{ "errors", T(errors), U_COUNT, .width = 6, .help = "calls that failed" },
	{ "share", T(cells.lat_ns), U_SHARE, .of = T(total_ns), .flags = COL_PEOPLE, .keep = KEEP,
	  .help = "of the time in which threads were watched" },
	{ "lat", T(cells.lat_ns), U_NSEC, .width = 7, .keep = KEEP, .help = "time in all" },
	BAR(draw_time),
	EACH_CELL(CELL, struct time_row),
	EACH_CELL(SHARE, struct time_row),
	{}
};

#define A(member) FIELD(struct async_row, member)
#define ASYNC_TOTALS                                                                                    \
	{ "count", A(count), U_COUNT, .width = 8, .keep = KEEP, .help = "operations that ended" },      \
		{ "errors", A(errors), U_COUNT, .width = 6, .help = "that failed" },                    \
		{ "bytes", A(bytes), U_BYTES, .width = 6, .help = "bytes read or written" },            \
		{ "lat",      A(cells.lat_ns), U_NSEC,                                                  \
		  .width = 7, .keep = KEEP,    .help = "submission to completion, in all" },            \
		BAR(draw_async), EACH_CELL(CELL, struct async_row),                                     \
		EACH_CELL(SHARE, struct async_row),                                                     \
		{ "depth",    A(depth),	    U_DECIMAL,                                                  \
		  .width = 6, .keep = KEEP, .help = "how many at a time: lat / span" },                 \
		{ "span",     A(span_ns), U_NSEC,                                                       \
		  .width = 6, .keep = 2,  .help = "from the first submission to the last completion" }, \
		{ "max", A(max_ns), U_NSEC, .width = 6, .keep = 4, .help = "slowest" },                 \
		{ "collected", A(collected), U_COUNT, .flags = COL_HIDDEN | COL_CSV,                    \
		  .help = "operations whose result a call brought: libaio's" },                         \
		{ "collect",                                                                            \
		  A(collect_ns),                                                                        \
		  U_NSEC,                                                                               \
		  .of = A(collected),                                                                   \
		  .width = 7,                                                                           \
		  .keep = 4,                                                                            \
		  .help = "completion until then, on average" },                                        \
		{ "workers",  A(workers), U_COUNT,                                                      \
		  .width = 7, .keep = 4,  .help = "operations that a worker of io_uring got done" },    \
	{                                                                                               \
		"ends", A(ends), U_TEXT,                                                                \
			.width = 9, .keep = 3,                                                          \
			.help = "how their ends are known: told, by the last request, or when "         \
				"collected"                                                             \
	}

static const struct column async_columns[] = {
	{ "kind", A(kind), U_ENUM, .width = 8, .keep = KEEP, .names = ledger_async_kinds },
	{ "op", A(op), U_ENUM, .width = 5, .keep = KEEP, .names = ledger_async_ops },
	ASYNC_TOTALS,
	{}
};

static const struct column async_file_columns[] = {
	ASYNC_TOTALS, { "path", A(path), U_PATH, .flags = COL_WIDE, .help = "file" }, {}
};

#define C(member) FIELD(struct cause_row, member)

static const struct column cause_columns[] = {
	{ "share", C(ns), U_SHARE, .of = C(total_ns), .keep = KEEP,
	  .help = "of the time in which threads were watched" },
	{ "call", C(call), U_TEXT, .width = 15, .keep = KEEP, .help = "a row of table Time" },
	{ "cell", C(cell), U_TEXT, .width = 5, .keep = KEEP, .help = "runq or wait" },
	{ "count", C(count), U_COUNT, .width = 8, .help = "waits" },
	{ "lat", C(ns), U_NSEC, .width = 7, .keep = KEEP, .help = "time in all" },
	{ "pid", C(pid), U_ID, .width = 7, .flags = COL_HIDDEN | COL_BLANK },
	{ "who", C(who), U_TEXT, .flags = COL_WIDE,
	  .help = "who had the CPU meanwhile, or ended the wait" },
	{}
};

#define V(member) FIELD(struct verdict, member)

static const struct column verdict_columns[] = {
	{ "share", V(ns), U_SHARE, .of = V(total_ns),
	  .help = "of the time in which threads were watched, and didn't wait for children that "
		  "are "
		  "followed" },
	{ "call", V(call), U_TEXT, .help = "what took it: a row of table Time" },
	{ "path", V(path), U_PATH, .help = "the file that took most of the time of I/O" },
	{ "dir", V(dir), U_PATH, .help = "or the directory that did" },
	{ "cell", V(cell), U_TEXT },
	{ "reason", V(reason), U_TEXT, .help = "of the wait" },
	{ "err", V(err), U_ERRNO, .help = "with which calls failed" },
	{ "who", V(who), U_TEXT, .help = "whose doing most of it was" },
	{ "depth", V(depth), U_DECIMAL, .flags = COL_BLANK,
	  .help = "of the asynchronous operations that it waited for" },
	{ "async_cell", V(async_cell), U_TEXT, .help = "where most of their time went" },
	{ "advice", V(advice), U_TEXT },
	{ "said", V(said), U_TEXT },
	{}
};

#define B(member) FIELD(struct book_row, member)

static const struct column check_columns[] = {
	{ "book", B(book), U_TEXT, .width = 20, .keep = KEEP },
	{ "ours", B(ours), U_COUNT, .width = 14 },
	{ "kernel", B(kernel), U_COUNT, .width = 14 },
	{ "off", B(off), U_COUNT, .width = 11, .help = "by how much these differ" },
	{ "allowed", B(allowed), U_COUNT, .width = 11, .help = "by how much they may" },
	{}
};

#define PEOPLE 10 /* rows that are enough to see where the time went */

const struct tool_table layers_tables[] = {
	{ "verdicts",
	  { "verdict", verdict_columns },
	  NULL,
	  NULL,
	  .whole = true,
	  .when = FIELD(struct layers_cfg, verdict_rows) },
	{ "times", { "time", time_columns }, "Time", "-lat", PEOPLE },
	{ "causes", { "because", cause_columns }, "Because of", "-lat", PEOPLE },
	{ "async",
	  { "async", async_columns },
	  "Asynchronous operations",
	  "-lat",
	  PEOPLE,
	  .when = FIELD(struct layers_cfg, async_rows) },
	{ "async_files",
	  { "async_file", async_file_columns },
	  "Asynchronous operations by file",
	  "-lat",
	  PEOPLE,
	  .when = FIELD(struct layers_cfg, async_rows) },
	{ "calls", { "call", call_columns }, "System calls", "-lat", .whole = true },
	{ "files", { "file", file_columns }, "Files", "-lat", PEOPLE },
	{ "processes", { "process", process_columns }, "Processes", "-lat", PEOPLE },
	{ "slowest", { "slowest", layers_op_columns }, "Slowest operations", "-lat", PEOPLE },
	{ "waits", { "wait", wait_columns }, "Where the waits were", "-wait", PEOPLE },
	{ "checks",
	  { "check", check_columns },
	  "Beside the kernel's own books",
	  NULL,
	  .whole = true,
	  .when = FIELD(struct layers_cfg, check) },
	{}
};
