// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows/columns.h"
#include "core/rows/sort.h"
#include "tests/unit/sample.h"

/* Every kind of visibility, in a table small enough to write its selections down. */
static const struct column small_columns[] = {
	{ "pid", FIELD(struct sample, pid), U_ID },
	{ "lat", FIELD(struct sample, lat_ns), U_NSEC },
	{ "size", FIELD(struct sample, size), U_BYTES, .flags = COL_HIDDEN, .classic = "sz" },
	{ "level", FIELD(struct sample, level), U_HEX, .flags = COL_MACHINE },
	{ NULL },
};

static const struct table small = { "small", small_columns };

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(columns_count(&small), 4);
	assert_int_equal(columns_find(&small, "pid", 3), 0);
	assert_int_equal(columns_find(&small, "lat", 3), 1);
	assert_int_equal(columns_find(&small, "lat_ns", 6), 1);
	assert_int_equal(columns_find(&small, "lat_ns", 3), 1);
	assert_int_equal(columns_find(&small, "size_bytes", 10), 2);
	assert_int_equal(columns_find(&small, "sz", 2), 2);
	assert_int_equal(columns_find(&small, "la", 2), -1);
	assert_int_equal(columns_find(&small, "pid_ns", 6), -1);
	assert_int_equal(columns_find(&small, "LAT", 3), -1);
	assert_int_equal(columns_find(&small, "", 0), -1);
}

/* A name goes before another column's key. */
static void test_find_prefers_names(void **state)
{
	static const struct column columns[] = {
		{ "lat", FIELD(struct sample, lat_ns), U_NSEC },
		{ "lat_ns", FIELD(struct sample, size), U_COUNT },
		{ NULL },
	};
	static const struct table table = { "t", columns };

	(void)state;
	assert_int_equal(columns_find(&table, "lat_ns", 6), 1);
}

static const struct {
	enum format format;
	const char *list;
	const char *picked; /* digits: the indices */
} selections[] = {
	{ FORMAT_TEXT, NULL, "01" },	       { FORMAT_CSV, NULL, "01" },
	{ FORMAT_JSON, NULL, "0123" },	       { FORMAT_TEXT, "pid", "0" },
	{ FORMAT_TEXT, "lat,pid", "10" },      { FORMAT_TEXT, "lat_ns, pid ,size", "102" },
	{ FORMAT_TEXT, "+size", "012" },       { FORMAT_TEXT, " +size", "012" },
	{ FORMAT_TEXT, "+pid", "01" },	       { FORMAT_TEXT, "+lat,size", "012" },
	{ FORMAT_CSV, "level", "3" },	       { FORMAT_CSV, "+level,+size", "0132" },
	{ FORMAT_CSV, "+level,size", "0132" }, { FORMAT_JSON, "size", "2" },
	{ FORMAT_JSON, "+size", "0123" },
};

/* What costs something is shown by no format unless it is asked for, and by any that is told to. */
static void test_costly_column(void **state)
{
	static const struct column columns[] = {
		{ "pid", FIELD(struct sample, pid), U_ID },
		{ "size", FIELD(struct sample, size), U_BYTES, .flags = COL_HIDDEN | COL_ASKED },
		{ NULL },
	};
	static const struct table table = { "t", columns };
	struct selection sel;
	char err[200];

	(void)state;
	for (enum format f = FORMAT_TEXT; f <= FORMAT_CSV; f++) {
		assert_true(columns_select(&table, NULL, f, &sel, err, sizeof(err)));
		assert_int_equal(sel.n, 1);
		selection_free(&sel);
		assert_true(columns_select(&table, "+size", f, &sel, err, sizeof(err)));
		assert_int_equal(sel.n, 2);
		selection_free(&sel);
	}
}

static void test_selections(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(selections) / sizeof(selections[0]); i++) {
		struct selection sel;
		char err[200] = "", got[16] = "";

		if (!columns_select(&small, selections[i].list, selections[i].format, &sel, err,
				    sizeof(err)))
			fail_msg("'%s': %s", selections[i].list, err);
		assert_ptr_equal(sel.table, &small);
		for (size_t j = 0; j < sel.n; j++)
			got[j] = (char)('0' + sel.index[j]);
		assert_string_equal(got, selections[i].picked);
		selection_free(&sel);
		assert_null(sel.index);
	}
}

/* A command's own idea of what is usual. */
static void test_other_defaults(void **state)
{
	static const bool usual[] = { true, false, true, false };
	struct selection sel;
	char err[200];

	(void)state;
	assert_true(columns_select_from(&small, NULL, FORMAT_JSON, usual, &sel, err, 200));
	assert_true(sel.n == 2 && sel.index[0] == 0 && sel.index[1] == 2);
	selection_free(&sel);
	assert_true(columns_select_from(&small, "+lat,pid", FORMAT_TEXT, usual, &sel, err, 200));
	assert_true(sel.n == 3 && sel.index[1] == 2 && sel.index[2] == 1);
	selection_free(&sel);
	assert_true(columns_select_from(&small, "lat", FORMAT_TEXT, usual, &sel, err, 200));
	assert_true(sel.n == 1 && sel.index[0] == 1);
	selection_free(&sel);
}

static const struct {
	const char *list, *error;
} mistakes[] = {
	{ "nosuch", "no column 'nosuch' in small; columns: pid, lat, size, level" },
	{ "pid,lta", "no column 'lta' in small; did you mean 'lat'? columns: pid, lat, size, "
		     "level" },
	{ "+sise", "no column 'sise' in small; did you mean 'size'? columns: pid, lat, size, "
		   "level" },
	{ "pid,pid", "column 'pid' is named twice" },
	{ "lat,lat_ns", "column 'lat_ns' is named twice" },
	{ "+size,+size", "column 'size' is named twice" },
	{ "", "a name is missing between commas" },
	{ "pid,", "a name is missing between commas" },
	{ ",pid", "a name is missing between commas" },
	{ "pid,,lat", "a name is missing between commas" },
	{ "+", "a name is missing between commas" },
	{ "pid,+lat", "'+' adds to the usual columns: it has to come first, as in +lat" },
	{ "pid,+l\033", "'+' adds to the usual columns: it has to come first, as in +l\\e" },
	{ "level", "column 'level' is not for text; try -o json or -o csv" },
	{ "\033[2J", "no column '\\e[2J' in small; columns: pid, lat, size, level" },
};

static void test_mistakes(void **state)
{
	struct selection untouched = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char err[200] = "";

		assert_false(columns_select(&small, mistakes[i].list, FORMAT_TEXT, &untouched, err,
					    sizeof(err)));
		assert_string_equal(err, mistakes[i].error);
		assert_null(untouched.index);
	}
}

/* What doesn't fit is left out by whole names. */
static void test_small_buffers(void **state)
{
	char err[64];

	(void)state;
	columns_unknown(&sample_table, "zzz", 3, err, sizeof(err));
	assert_string_equal(err, "no column 'zzz' in sample; columns: time, pid, user, comm, …");
	for (size_t size = 1; size <= sizeof(err); size++) {
		memset(err, 'x', sizeof(err));
		columns_unknown(&sample_table, "pidd", 4, err, size);
		assert_non_null(memchr(err, '\0', size));
	}
}

/* --- sorting --- */

static void test_sort_parse(void **state)
{
	static const struct {
		const char *text;
		int col;
		bool desc;
	} cases[] = {
		{ "pid", 1, true },    { "-pid", 1, true },   { "+pid", 1, false },
		{ "comm", 3, false },  { "-comm", 3, true },  { "+comm", 3, false },
		{ "call", 4, false },  { "err", 7, false },   { "lat", 8, true },
		{ "lat_ns", 8, true }, { "path", 17, false }, { "-path", 17, true },
	};
	struct sort s = { -7, false };
	char err[400];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(sort_parse(&sample_table, cases[i].text, &s, err, sizeof(err)));
		assert_int_equal(s.col, cases[i].col);
		assert_int_equal(s.desc, cases[i].desc);
	}
	s.col = -7;
	assert_false(sort_parse(&sample_table, "latt", &s, err, sizeof(err)));
	assert_non_null(strstr(err, "no column 'latt' in sample; did you mean 'lat'?"));
	assert_false(sort_parse(&sample_table, "-", &s, err, sizeof(err)));
	assert_false(sort_parse(&sample_table, "", &s, err, sizeof(err)));
	assert_false(sort_parse(&sample_table, "--pid", &s, err, sizeof(err)));
	assert_false(sort_parse(&sample_table, "kstack", &s, err, sizeof(err)));
	assert_string_equal(err, "rows can't be sorted by the stack in 'kstack'");
	assert_int_equal(s.col, -7);
}

struct row {
	__u32 pid;
	__s32 ret;
	char comm[4];
};

static const struct column row_columns[] = {
	{ "pid", FIELD(struct row, pid), U_ID },
	{ "ret", FIELD(struct row, ret), U_COUNT },
	{ "fd", FIELD(struct row, ret), U_FD },
	{ "comm", FIELD(struct row, comm), U_TEXT },
	{ NULL },
};

static const struct table row_table = { "row", row_columns };

static const struct row rows[] = {
	{ 5, -2, "bb" }, { 1, 7, "a" }, { 9, -1, "abcd" }, { 3, 0, "" }, { 2, 7, "b" },
};

static void assert_order(int col, bool desc, const char *pids)
{
	struct row copy[5];
	char got[8] = "";

	memcpy(copy, rows, sizeof(rows));
	assert_true(rows_sort(NULL, &row_table, col, desc, copy, 5, sizeof(copy[0])));
	for (size_t i = 0; i < 5; i++)
		got[i] = (char)('0' + copy[i].pid);
	assert_string_equal(got, pids);
}

static void test_rows_sort(void **state)
{
	struct row one = rows[0];

	(void)state;
	assert_order(0, false, "12359");
	assert_order(0, true, "95321");
	/* Signed; equals stay in their order. */
	assert_order(1, false, "59312");
	assert_order(1, true, "12395");
	/* No descriptor: last, whichever the direction. */
	assert_order(2, false, "31259");
	assert_order(2, true, "12359");
	assert_order(3, false, "31925");
	assert_order(3, true, "52913");
	assert_true(rows_sort(NULL, &row_table, 0, true, &one, 1, sizeof(one)));
	assert_true(rows_sort(NULL, &row_table, 0, true, NULL, 0, sizeof(one)));
}

static void test_many_rows_sort(void **state)
{
	enum { N = 50000 };
	struct row *many = calloc(N, sizeof(*many));

	(void)state;
	assert_non_null(many);
	for (uint32_t i = 0; i < N; i++)
		many[i] = (struct row){ .pid = i * 2654435761u % 1000, .ret = (int32_t)i };
	assert_true(rows_sort(NULL, &row_table, 0, true, many, N, sizeof(*many)));
	for (size_t i = 1; i < N; i++) {
		assert_true(many[i - 1].pid >= many[i].pid);
		if (many[i - 1].pid == many[i].pid)
			assert_true(many[i - 1].ret < many[i].ret);
	}
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),	       cmocka_unit_test(test_find_prefers_names),
		cmocka_unit_test(test_selections),     cmocka_unit_test(test_costly_column),
		cmocka_unit_test(test_other_defaults), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_small_buffers),  cmocka_unit_test(test_sort_parse),
		cmocka_unit_test(test_rows_sort),      cmocka_unit_test(test_many_rows_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
