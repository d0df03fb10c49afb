/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * --by: any stream of rows as a live top table. Rows with the same values in the chosen columns
 * make one group, which counts them and sums up the table's COL_LATENCY column, if it has one.
 * Rows that are sums already (TOOL_TABLE) use the groups' numbers alone: core/run/drain_by.c.
 */
#ifndef IOSONDE_BY_H
#define IOSONDE_BY_H

#include "core/rows/columns.h"
#include "core/rows/sort.h"

struct by;

/*
 * Groups @table's rows by the columns in @keys ("comm,file"). Returns NULL with one line in @err
 * if a column doesn't exist or is named twice. @table must outlive the result; freed by by_free().
 */
struct by *by_open(const struct table *table, const char *keys, char *err, size_t err_size);
/* Before the first row: what its disks, cgroups and paths by id are called. */
void by_set_names(struct by *by, struct names *names);
void by_free(struct by *by);

/*
 * Opens no more groups once they take @bytes of memory; without, there is no limit. Rows that would
 * need one more are then added to a group of their own, whose name is "(others)", in the first
 * column that is text or else in the first: what is shown always adds up.
 */
void by_set_limit(struct by *by, size_t bytes);

/* People see the groups' ranks, too, not only machines. Before anybody selects columns. */
void by_show_rank(struct by *by);

/* Adds a row. Nothing of it is kept but the values of the key columns. */
void by_add(struct by *by, const void *rec, size_t len);

/* Adds @n rows like this one, whose latencies aren't known. */
void by_count(struct by *by, const void *rec, size_t len, uint64_t n);

/* The number of a row's group, from 1, without adding the row. 0: there is no room for it. */
uint32_t by_group(struct by *by, const void *rec, size_t len);

/* Is @col, of the table that is grouped, among those that were named? */
bool by_is_key(const struct by *by, const struct column *col);

/*
 * The table of the groups: the key columns as they read in @table, then count and, with a latency
 * column, sum, p50, p99 and max in its unit, and the rank. Its rows are records like any other's:
 * filters, sinks and sort_parse() work on them. Lives as long as @by; its type is "group".
 */
const struct table *by_table(const struct by *by);

/*
 * Puts the groups in order (@sort NULL: by count, largest first; groups that are equal stay in the
 * order in which they came) and returns how many there are to show: all, or @top if that is fewer
 * and not 0; and behind them, in any case, the others, if there are any. by_rows(), or by_row() one
 * by one, then gives them, until the next by_add() or by_clear().
 */
size_t by_sorted(struct by *by, const struct sort *sort, size_t top);
const struct sort_row *by_rows(const struct by *by);
const void *by_row(const struct by *by, size_t i, size_t *len);

/* Is one of the figures that come from latencies in @sel, or in @sort (NULL: no)? */
bool by_shows_latency(const struct by *by, const struct selection *sel, const struct sort *sort);

/* Rows that are among the others, since by_open() or by_clear(). */
uint64_t by_overflow(const struct by *by);

/* Forgets all groups: the next interval begins. */
void by_clear(struct by *by);

#endif
