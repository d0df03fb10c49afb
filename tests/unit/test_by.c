// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/rows/by.h"
#include "core/rows/columns.h"
#include "out/sink.h"
#include "tests/unit/sample.h"

static struct by *open_by(const char *keys)
{
	char err[400] = "";
	struct by *by = by_open(&sample_table, keys, err, sizeof(err));

	if (!by)
		fail_msg("%s: %s", keys, err);
	return by;
}

/* The value of @name in the group that by_sorted() put at @i, as text. */
static const char *cell(struct by *by, size_t i, const char *name)
{
	static char text[VALUE_SCRATCH];
	char scratch[VALUE_SCRATCH];
	const struct table *t = by_table(by);
	int col = columns_find(t, name, strlen(name));
	struct value v;
	size_t len;
	const void *rec = by_row(by, i, &len);

	assert_true(col >= 0);
	column_value(NULL, &t->columns[col], rec, len, scratch, &v);
	if (v.kind == V_NONE)
		return "-";
	if (v.kind == V_BYTES)
		snprintf(text, sizeof(text), "%.*s", (int)v.bytes.len, v.bytes.p);
	else if (v.kind == V_INT)
		snprintf(text, sizeof(text), "%lld", (long long)v.i);
	else
		snprintf(text, sizeof(text), "%llu", (unsigned long long)v.u);
	return text;
}

static void add(struct by *by, const char *comm, uint64_t lat_ns, int32_t ret)
{
	struct sample s = sample_row();

	memset(s.comm, 0, sizeof(s.comm));
	memcpy(s.comm, comm, strlen(comm));
	s.lat_ns = lat_ns;
	s.ret = ret;
	by_add(by, &s, sizeof(s));
}

static void test_counts_and_figures(void **state)
{
	struct by *by = open_by("comm");

	(void)state;
	for (int i = 1; i <= 100; i++)
		add(by, "a", (uint64_t)i * 1000, 0);
	add(by, "b", 777, 0);
	add(by, "b", 777, 0);
	add(by, "c", 0, 0);
	assert_int_equal(by_sorted(by, NULL, 0), 3);
	assert_string_equal(cell(by, 0, "comm"), "a");
	assert_string_equal(cell(by, 0, "count"), "100");
	assert_string_equal(cell(by, 0, "sum"), "5050000");
	assert_string_equal(cell(by, 0, "max"), "100000");
	assert_in_range(atoll(cell(by, 0, "p50")), 50000 - 50000 / 16, 50000 + 50000 / 16);
	assert_in_range(atoll(cell(by, 0, "p99_ns")), 99000 - 99000 / 16, 100000);
	assert_string_equal(cell(by, 1, "comm"), "b");
	assert_string_equal(cell(by, 1, "p50"), "777");
	assert_string_equal(cell(by, 1, "sum"), "1554");
	assert_string_equal(cell(by, 2, "comm"), "c");
	assert_string_equal(cell(by, 2, "p99"), "0");
	assert_int_equal(by_overflow(by), 0);
	by_free(by);
}

/* Key columns keep their unit; what is shown as text is kept as that. */
static void test_key_columns(void **state)
{
	struct by *by = open_by("pid,user, call,ret,fd,err,mode,share,cached,flags,name,path");
	const struct table *t = by_table(by);
	struct sample s = sample_row();

	(void)state;
	by_add(by, &s, sizeof(s));
	s.ret = -ENOENT;
	s.mode = -1;
	by_add(by, &s, sizeof(s));
	assert_int_equal(by_sorted(by, NULL, 0), 2);
	assert_string_equal(cell(by, 0, "pid"), "42");
	assert_string_equal(cell(by, 0, "user"), "0");
	assert_string_equal(cell(by, 0, "call"), "write");
	assert_string_equal(cell(by, 0, "ret"), "7");
	assert_string_equal(cell(by, 0, "fd"), "7");
	assert_string_equal(cell(by, 0, "err"), "-");
	assert_string_equal(cell(by, 0, "mode"), "420");
	assert_string_equal(cell(by, 0, "share_percent"), "1250");
	assert_string_equal(cell(by, 0, "cached"), "1");
	assert_string_equal(cell(by, 0, "flags"), "O_WRONLY|O_CREAT");
	assert_string_equal(cell(by, 0, "name"), "a \"b\"\n\\");
	assert_string_equal(cell(by, 0, "path"), "/var/lib/pg/wal");
	assert_string_equal(cell(by, 1, "ret"), "-2");
	assert_string_equal(cell(by, 1, "fd"), "-");
	assert_string_equal(cell(by, 1, "err"), "ENOENT");
	assert_string_equal(cell(by, 1, "mode"), "-");
	for (size_t i = 0; i < 12; i++) {
		assert_true(t->columns[i].flags & COL_KEY);
		assert_false(t->columns[i].flags & (COL_HIDDEN | COL_MACHINE));
	}
	assert_string_equal(t->columns[12].name, "count");
	assert_int_equal(t->columns[11].unit, U_PATH);
	assert_int_equal(columns_count(t), 18);
	by_free(by);
}

/* Values that are equal when shown make one group: 3, 7 and 0 are all "no error". */
static void test_groups_by_what_is_shown(void **state)
{
	struct by *by = open_by("err");
	struct sample s = sample_row();

	(void)state;
	add(by, "a", 1, 3);
	add(by, "b", 1, 7);
	add(by, "c", 1, 0);
	add(by, "d", 1, -2);
	assert_int_equal(by_sorted(by, NULL, 0), 2);
	assert_string_equal(cell(by, 0, "err"), "-");
	assert_string_equal(cell(by, 0, "count"), "3");
	by_free(by);
	by = open_by("fd");
	add(by, "a", 1, -1);
	add(by, "a", 1, -2);
	assert_int_equal(by_sorted(by, NULL, 0), 1);
	assert_string_equal(cell(by, 0, "fd"), "-");
	by_free(by);
	/* Rubbish behind the end of a name doesn't count. */
	by = open_by("comm");
	add(by, "ab", 1, 0);
	strcpy(s.comm, "ab");
	s.comm[5] = 'x';
	by_add(by, &s, sizeof(s));
	assert_int_equal(by_sorted(by, NULL, 0), 1);
	by_free(by);
	/* "ab","c" is not "a","bc". */
	by = open_by("name,path");
	s = sample_row();
	s.path.flags = 0;
	memcpy(s.bytes, "abc", 3);
	s.name = (struct vstr){ offsetof(struct sample, bytes), 2 };
	s.path.off = s.name.off + 2;
	s.path.len = 1;
	by_add(by, &s, sizeof(s));
	s.name.len = 1;
	s.path.off--;
	s.path.len = 2;
	by_add(by, &s, sizeof(s));
	assert_int_equal(by_sorted(by, NULL, 0), 2);
	by_free(by);
}

static void test_stack_key(void **state)
{
	struct by *by = open_by("comm,kstack");
	struct sample s = sample_row();
	uint64_t frames[3] = { 0xffffffff81000010, 0xffffffff81000020, 0xffffffff81000030 };
	char scratch[VALUE_SCRATCH];
	struct value v;
	size_t len;
	const void *rec;

	(void)state;
	memcpy(s.bytes + 128, frames, sizeof(frames));
	s.kstack = (struct vstack){ offsetof(struct sample, bytes) + 128, sizeof(frames) };
	by_add(by, &s, sizeof(s));
	by_add(by, &s, sizeof(s));
	s.kstack.len = 16;
	by_add(by, &s, sizeof(s));
	assert_int_equal(by_sorted(by, NULL, 0), 2);
	rec = by_row(by, 0, &len);
	column_value(NULL, &by_table(by)->columns[1], rec, len, scratch, &v);
	assert_int_equal(v.kind, V_BYTES);
	assert_int_equal(v.bytes.len, sizeof(frames));
	assert_int_equal((uintptr_t)v.bytes.p % 8, 0);
	assert_memory_equal(v.bytes.p, frames, sizeof(frames));
	by_free(by);
}

static void test_sort_and_top(void **state)
{
	struct by *by = open_by("comm");
	struct sort sort;
	char err[200];

	(void)state;
	add(by, "b", 5, 0);
	add(by, "a", 100, 0);
	add(by, "c", 1, 0);
	add(by, "c", 1, 0);
	assert_true(sort_parse(by_table(by), "comm", &sort, err, sizeof(err)));
	assert_int_equal(by_sorted(by, &sort, 0), 3);
	assert_string_equal(cell(by, 0, "comm"), "a");
	assert_string_equal(cell(by, 2, "comm"), "c");
	assert_true(sort_parse(by_table(by), "max", &sort, err, sizeof(err)));
	assert_int_equal(by_sorted(by, &sort, 2), 2);
	assert_string_equal(cell(by, 0, "comm"), "a");
	assert_string_equal(cell(by, 1, "comm"), "b");
	assert_true(sort_parse(by_table(by), "+p99_ns", &sort, err, sizeof(err)));
	assert_int_equal(by_sorted(by, &sort, 1), 1);
	assert_string_equal(cell(by, 0, "comm"), "c");
	/* Equal counts stay in the order in which they came. */
	assert_int_equal(by_sorted(by, NULL, 100), 3);
	assert_string_equal(cell(by, 0, "comm"), "c");
	assert_string_equal(cell(by, 1, "comm"), "b");
	assert_string_equal(cell(by, 2, "comm"), "a");
	assert_false(sort_parse(by_table(by), "lat", &sort, err, sizeof(err)));
	assert_string_equal(err, "no column 'lat' in group; columns: comm, count, "
				 "sum, p50, p99, max, rank");
	by_free(by);
}

static void test_clear(void **state)
{
	struct by *by = open_by("comm");

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(by_sorted(by, NULL, 0), 0);
		for (int i = 0; i < 500; i++) {
			char comm[16];

			snprintf(comm, sizeof(comm), "c%d", i);
			add(by, comm, (uint64_t)i, 0);
			add(by, comm, (uint64_t)i * 1000, 0);
		}
		assert_int_equal(by_sorted(by, NULL, 0), 500);
		assert_string_equal(cell(by, 7, "count"), "2");
		by_clear(by);
	}
	by_free(by);
}

static void test_limit(void **state)
{
	struct by *by = open_by("pid");
	struct sample s = sample_row();
	size_t n;

	(void)state;
	by_set_limit(by, 100000);
	for (uint32_t i = 0; i < 3000; i++) {
		s.pid = i % 1500;
		by_add(by, &s, sizeof(s));
	}
	/* What was let in goes on to be counted; the last row is all that wasn't. */
	n = by_sorted(by, NULL, 0);
	assert_in_range(n, 200, 1000);
	assert_string_equal(cell(by, n - 2, "count"), "2");
	assert_string_equal(cell(by, n - 1, "pid"), "(others)");
	assert_int_equal(by_overflow(by), 3000 - 2 * (n - 1));
	assert_int_equal(atoll(cell(by, n - 1, "count")), by_overflow(by));
	assert_int_equal(atoll(cell(by, n - 1, "sum")), by_overflow(by) * s.lat_ns);
	/* It stays, whatever the order and however few are asked for. */
	assert_int_equal(by_sorted(by, &(struct sort){ .col = 0 }, 3), 4);
	assert_string_equal(cell(by, 3, "pid"), "(others)");
	assert_string_equal(cell(by, 3, "rank"), "-");
	assert_string_equal(cell(by, 2, "rank"), "3");
	by_clear(by);
	assert_int_equal(by_overflow(by), 0);
	assert_int_equal(by_sorted(by, NULL, 0), 0);
	by_free(by);
}

/* Counts of 300,000 rows over 100,000 groups are all right. */
static void test_many_groups(void **state)
{
	struct by *by = open_by("pid,comm");
	struct sample s = sample_row();
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		s.pid = i * 7919 % 100000;
		s.lat_ns = s.pid;
		by_add(by, &s, sizeof(s));
	}
	n = by_sorted(by, NULL, 0);
	assert_int_equal(n, 100000);
	for (size_t i = 0; i < n; i += 997) {
		uint64_t pid = strtoull(cell(by, i, "pid"), NULL, 10);

		assert_string_equal(cell(by, i, "count"), "3");
		assert_int_equal(strtoull(cell(by, i, "sum"), NULL, 10), 3 * pid);
		assert_int_equal(strtoull(cell(by, i, "p99"), NULL, 10), pid);
	}
	assert_int_equal(by_overflow(by), 0);
	by_free(by);
}

/* Rows that somebody else has counted: those that found no room, too. */
static void test_counted_rows(void **state)
{
	struct by *by = open_by("pid");
	struct sample s = sample_row();

	(void)state;
	by_set_limit(by, 1);
	by_count(by, &s, sizeof(s), 7);
	by_add(by, &s, sizeof(s));
	s.pid++;
	by_count(by, &s, sizeof(s), 5);
	assert_int_equal(by_sorted(by, NULL, 0), 2);
	assert_string_equal(cell(by, 0, "count"), "8");
	assert_string_equal(cell(by, 1, "count"), "5");
	assert_int_equal(by_overflow(by), 5);
	by_free(by);
}

static void test_shows_latency(void **state)
{
	static const struct {
		const char *columns, *sort;
		bool shown;
	} tries[] = { { "pid,count", NULL, false }, { "pid,count,rank", "count", false },
		      { "pid,p50", NULL, true },    { "max,count", NULL, true },
		      { "pid,count", "p99", true }, { "pid,count", "rank", false },
		      { NULL, NULL, true },	    { "sum", NULL, true } };
	struct by *by = open_by("pid");
	char err[200];

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct selection sel;
		struct sort sort;

		assert_true(columns_select(by_table(by), tries[i].columns, FORMAT_JSON, &sel, err,
					   sizeof(err)));
		assert_true(!tries[i].sort ||
			    sort_parse(by_table(by), tries[i].sort, &sort, err, sizeof(err)));
		assert_int_equal(by_shows_latency(by, &sel, tries[i].sort ? &sort : NULL),
				 tries[i].shown);
		selection_free(&sel);
	}
	by_free(by);
}

static const struct column plain_columns[] = {
	{ "pid", FIELD(struct sample, pid), U_ID },
	{ "count", FIELD(struct sample, size), U_COUNT },
	{ "max", FIELD(struct sample, size), U_COUNT },
	{ NULL },
};

static const struct table plain = { "plain", plain_columns };

static void test_without_latency(void **state)
{
	char err[200];
	struct by *by = by_open(&plain, "max", err, sizeof(err));
	struct sample s = sample_row();

	(void)state;
	assert_non_null(by);
	assert_int_equal(columns_count(by_table(by)), 3);
	by_add(by, &s, sizeof(s));
	by_add(by, &s, sizeof(s));
	assert_int_equal(by_sorted(by, NULL, 0), 1);
	assert_string_equal(cell(by, 0, "max"), "8192");
	assert_string_equal(cell(by, 0, "count"), "2");
	by_free(by);
}

static void test_mistakes(void **state)
{
	static const struct {
		const struct table *table;
		const char *keys, *error;
	} mistakes[] = {
		{ &plain, "nosuch", "no column 'nosuch' in plain; columns: pid, count, max" },
		{ &plain, "pdi",
		  "no column 'pdi' in plain; did you mean 'pid'? columns: pid, "
		  "count, max" },
		{ &plain, "pid,pid", "column 'pid' is named twice" },
		{ &sample_table, "lat,lat_ns", "column 'lat_ns' is named twice" },
		{ &plain, "", "the name of a column is missing" },
		{ &plain, "pid,", "the name of a column is missing" },
		{ &plain, "count",
		  "rows can't be grouped by 'count': groups have a column of "
		  "that name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char err[200] = "";

		assert_null(by_open(mistakes[i].table, mistakes[i].keys, err, sizeof(err)));
		assert_string_equal(err, mistakes[i].error);
	}
	by_free(NULL);
}

/* Records that end early, or point outside, are rows without those values. */
static void test_broken_records(void **state)
{
	struct by *by = open_by("pid,comm,name,path,kstack");
	struct sample s = sample_row();

	(void)state;
	s.name.off = 0xffffffff;
	s.path.len = 0x7fffffff;
	s.kstack = (struct vstack){ 16, 0xfffffff8 };
	for (size_t len = 0; len <= sizeof(s); len += 3)
		by_add(by, &s, len);
	assert_true(by_sorted(by, NULL, 0) > 0);
	assert_string_equal(cell(by, 0, "name"), "-");
	by_free(by);
}

static uint32_t number(struct by *by, const char *comm, uint32_t pid)
{
	struct sample s = sample_row();

	memset(s.comm, 0, sizeof(s.comm));
	memcpy(s.comm, comm, strlen(comm));
	s.pid = pid;
	return by_group(by, &s, sizeof(s));
}

/* Rows that are sums already: whose are added up with whose. */
static void test_numbers(void **state)
{
	struct by *by = open_by("call,comm");
	const struct column *c = sample_columns;

	(void)state;
	assert_int_equal(number(by, "a", 1), 1);
	assert_int_equal(number(by, "b", 1), 2);
	by_set_limit(by, 1);
	assert_int_equal(number(by, "a", 2), 1);
	assert_int_equal(number(by, "c", 1), 0);
	assert_int_equal(number(by, "b", 3), 2);
	assert_int_equal(by_overflow(by), 0); /* asking adds nothing */
	for (; c->name; c++)
		assert_int_equal(by_is_key(by, c),
				 !strcmp(c->name, "comm") || !strcmp(c->name, "call"));
	by_clear(by);
	assert_int_equal(number(by, "c", 1), 1);
	by_free(by);
}

/* The groups are rows like any other for a sink. */
static void test_sink_prints_groups(void **state)
{
	struct by *by = open_by("path,err");
	struct selection sel;
	char err[200], out[600];
	int fds[2];
	struct sink *sink;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sink = sink_open(&(struct sink_opts){ .format = FORMAT_JSON, .fd = fds[1] });
	assert_non_null(sink);
	assert_true(columns_select(by_table(by), NULL, FORMAT_JSON, &sel, err, sizeof(err)));
	add(by, "x", 1000, -2);
	for (size_t i = 0, shown = by_sorted(by, NULL, 0); i < shown; i++) {
		size_t len;
		const void *rec = by_row(by, i, &len);

		sink_row(sink, &sel, rec, len);
	}
	assert_int_equal(sink_close(sink), 0);
	n = read(fds[0], out, sizeof(out) - 1);
	assert_true(n > 0);
	out[n] = '\0';
	assert_string_equal(out, "{\"type\":\"group\",\"path\":\"/var/lib/pg/wal\",\"err\":"
				 "\"ENOENT\",\"count\":1,\"sum_ns\":1000,\"p50_ns\":1000,"
				 "\"p99_ns\":1000,\"max_ns\":1000,\"rank\":1}\n");
	selection_free(&sel);
	by_free(by);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_and_figures),
		cmocka_unit_test(test_key_columns),
		cmocka_unit_test(test_groups_by_what_is_shown),
		cmocka_unit_test(test_stack_key),
		cmocka_unit_test(test_sort_and_top),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_many_groups),
		cmocka_unit_test(test_counted_rows),
		cmocka_unit_test(test_shows_latency),
		cmocka_unit_test(test_without_latency),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_broken_records),
		cmocka_unit_test(test_sink_prints_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
