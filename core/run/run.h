/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The life of one run, and what a tool's own functions may use of it. */
#ifndef IOSONDE_RUN_H
#define IOSONDE_RUN_H

#include "core/kernel/load.h"
#include "core/rows/sort.h"
#include "core/run/common.h"
#include "core/tool.h"
#include "out/sink.h"

struct run;

/* Runs @tool with @argv (argv[0] is ignored). Returns the exit status of the process. */
int run_tool(const struct tool *tool, int argc, char **argv);

/* --- for tool_ops --- */
const struct common_opts *run_opts(const struct run *run);
void *run_cfg(struct run *run);	       /* the tool's cfg, writable until start() */
void *run_tool_state(struct run *run); /* tool_ops.state_size bytes */
struct loaded *run_loaded(struct run *run);
struct sink *run_sink(struct run *run);
/* Targets of tool->many; prepare() may add some, unless the command line names them. */
struct many *run_many(struct run *run);
/* How the text of this run reads. */
const struct clock_base *run_clock(const struct run *run);
bool run_has_command(const struct run *run);
uint64_t run_elapsed_ns(const struct run *run);
/* Names of kernel addresses; the first call opens them, so make it in start(). NULL: no memory. */
struct stack_names;
struct stack_names *run_kernel_names(struct run *run);
/* --- for a feed --- */
uint32_t run_child(const struct run *run); /* the process of -- COMMAND, held still; 0: none */
bool run_targets(const struct run *run, uint32_t pid, uint32_t tid); /* is that one of -p, -t? */
uint64_t run_buffer(const struct run *run);			     /* bytes: --buffer */
void run_stop(struct run *run); /* the command has seen enough */
/* Hands a row of tool->row to the usual path: --where, --by, the sink. */
void run_row(struct run *run, const void *rec, size_t len);
/*
 * Above a report: says that too many events were lost for it to be right, and what helps. @more
 * events weren't given to run_count() yet.
 */
void run_loss_above(struct run *run, uint64_t more);
/* Where no row came this way: the header that they would have had. */
void run_header_alone(struct run *run);
/*
 * Adds to the account: @generated and @filtered events that the tool's programs counted in a map of
 * their own, and @shown ones that stood in a table of its own.
 */
void run_count(struct run *run, uint64_t generated, uint64_t shown, uint64_t filtered);
/* @n of those shown stood in rows "(others)". */
void run_others(struct run *run, uint64_t n);
/*
 * Within tool_ops.report: gives a row of the table called @table, of tool->tables. It stands for
 * @events and lasts until run_tables(), which orders, cuts and prints what was given, each table
 * under its title, with @sentence (NULL: none) for people. @more: as for run_loss_above().
 */
void run_give(struct run *run, const char *table, const void *rec, size_t len, uint64_t events);
void run_tables(struct run *run, const char *sentence, uint64_t more, bool last);
/* Before run_tables(): events of the rows of @table that --where has dropped. */
uint64_t run_dropped(struct run *run, const char *table);
/* Adds a pair to the summary record and, if @text, to the summary line. Keys are borrowed. */
void run_summary_add(struct run *run, const char *key, uint64_t value, bool text);
#endif
