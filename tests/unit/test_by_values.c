// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* --by: groups read as the rows that they are made of. */
#include "tests/unit/sink_row.h"

#include <stdio.h>

#include "core/rows/by.h"
#include "core/rows/columns.h"

struct odd {
	struct rec head;
	__u32 pid;     /* COL_BLANK: 0 is nobody */
	__s32 creator; /* COL_OPTIONAL */
	__s32 delta;
	__u32 on;
	__u64 ino; /* COL_OPTIONAL */
	__u64 call;
	bool cached;
	char comm[COMM_LEN];
	struct vargs args;
	char bytes[64];
};

/* Says something that is in no field as it is. */
static void render_sign(const void *rec, size_t len, char *scratch, struct value *out)
{
	const struct odd *o = rec;

	(void)len;
	out->kind = V_BYTES;
	out->bytes.p = scratch;
	out->bytes.len = (size_t)snprintf(scratch, VALUE_SCRATCH, "mount(%d)", o->delta < 0);
}

static void render_double(const void *rec, size_t len, char *scratch, struct value *out)
{
	const struct odd *o = rec;

	(void)len;
	(void)scratch;
	out->kind = V_UINT;
	out->u = 2 * (uint64_t)o->pid;
}

static const struct column odd_columns[] = {
	{ "pid", FIELD(struct odd, pid), U_ID, .flags = COL_BLANK },
	{ "creator", FIELD(struct odd, creator), U_ID, .flags = COL_OPTIONAL },
	{ "delta", FIELD(struct odd, delta), U_COUNT },
	{ "fd", FIELD(struct odd, delta), U_FD },
	{ "ino", FIELD(struct odd, ino), U_ID, .flags = COL_OPTIONAL },
	{ "uid", FIELD(struct odd, on), U_USER, .flags = COL_BLANK },
	{ "cached", FIELD(struct odd, cached), U_COUNT },
	{ "comm", FIELD(struct odd, comm), U_TEXT, .flags = COL_BLANK },
	{ "call", FIELD(struct odd, call), U_SYSCALL },
	{ "args", FIELD(struct odd, args), U_ARGS },
	{ "rendered", FIELD(struct odd, delta), U_TEXT, .render = render_sign },
	{ "twice", FIELD(struct odd, pid), U_COUNT, .render = render_double },
	{ "part", FIELD(struct odd, pid), U_PERCENT, .of = FIELD(struct odd, on) },
	{ NULL },
};
static const struct table odd_table = { "odd", odd_columns };

/* Nothing is known. */
static struct odd nobody(void)
{
	return (struct odd){ .creator = -1, .delta = -5, .ino = UINT64_MAX, .call = SYSCALL_NONE };
}

static struct odd somebody(void)
{
	struct odd o = { .pid = 7,
			 .creator = 8,
			 .delta = 9,
			 .on = 28,
			 .ino = 11,
			 .call = SYSCALL_IN_RECORD(0, 0),
			 .cached = true,
			 .comm = "cat" };

	memcpy(o.bytes, "cat\0-n\0f", sizeof("cat\0-n\0f"));
	o.args = (struct vargs){ .off = offsetof(struct odd, bytes), .len = sizeof("cat\0-n\0f") };
	return o;
}

/* The groups of @rows by @keys, as @format prints these columns. */
static void assert_groups(const char *keys, enum format format, const struct odd *rows, size_t n,
			  const char *want)
{
	struct sink_opts o = options(format, 0);
	struct capture c = start(&o);
	struct selection sel;
	char err[400] = "", shown[200];
	struct by *by = by_open(&odd_table, keys, err, sizeof(err));

	if (!by)
		fail_msg("%s: %s", keys, err);
	for (size_t i = 0; i < n; i++)
		by_add(by, &rows[i], sizeof(rows[i]));
	snprintf(shown, sizeof(shown), "%s,count", keys);
	assert_true(columns_select(by_table(by), shown, format, &sel, err, sizeof(err)));
	for (size_t i = 0, k = by_sorted(by, NULL, 0); i < k; i++) {
		size_t len;
		const void *rec = by_row(by, i, &len);

		sink_row(c.sink, &sel, rec, len);
	}
	assert_printed(&c, want);
	selection_free(&sel);
	by_free(by);
}

/* What a row doesn't have, its group doesn't have either; -5 is a number like any other. */
static void test_absent_values(void **state)
{
	struct odd rows[] = { nobody(), nobody(), somebody() };

	(void)state;
	assert_groups("comm,pid,creator,ino,uid,fd", FORMAT_JSON, rows, 3,
		      "{\"type\":\"group\",\"comm\":null,\"pid\":null,\"creator\":null,"
		      "\"ino\":null,\"uid\":null,\"user\":null,\"fd\":null,\"count\":2}\n"
		      "{\"type\":\"group\",\"comm\":\"cat\",\"pid\":7,\"creator\":8,\"ino\":11,"
		      "\"uid\":28,\"user\":\"28\",\"fd\":9,\"count\":1}\n");
	assert_groups("comm,pid,creator,ino", FORMAT_CSV, rows, 3,
		      "comm,pid,creator,ino,count\n,,,,2\ncat,7,8,11,1\n");
	assert_groups("comm,pid,creator,ino", FORMAT_TEXT, rows, 2,
		      "COMM                 PID CREATOR     INO    COUNT\n"
		      "-                      -       -       -        2\n");
	assert_groups("delta,cached", FORMAT_JSON, rows, 3,
		      "{\"type\":\"group\",\"delta\":-5,\"cached\":false,\"count\":2}\n"
		      "{\"type\":\"group\",\"delta\":9,\"cached\":true,\"count\":1}\n");
}

/* Arguments, calls and what is put together are grouped by what is shown, not by how it is kept. */
static void test_text_of_many_kinds(void **state)
{
	struct odd rows[] = { somebody(), somebody(), somebody() };

	(void)state;
	rows[1].bytes[5] = 'e'; /* cat -e f */
	rows[1].delta = -1;
	rows[1].call = SYSCALL_IN_RECORD(1, 0);
	rows[2].pid = 14;
	assert_groups("args", FORMAT_CSV, rows, 3, "args,count\ncat -n f,2\ncat -e f,1\n");
	assert_groups("rendered", FORMAT_CSV, rows, 3, "rendered,count\nmount(0),2\nmount(1),1\n");
	assert_groups("call", FORMAT_CSV, rows, 3, "call,count\nread,2\nwrite,1\n");
	assert_groups("twice,part", FORMAT_CSV, rows, 3,
		      "twice,part_percent,count\n14,25.00,2\n28,50.00,1\n");
}

/* Units that read as text sort like names: the way that dictionaries do. */
static void test_order_of_text(void **state)
{
	static const struct {
		const char *column;
		bool desc;
	} tries[] = { { "call", false }, { "args", false },	{ "comm", false },
		      { "pid", true },	 { "rendered", false }, { "-call", true } };

	(void)state;
	for (size_t i = 0; i < COUNT(tries); i++) {
		struct sort sort;
		char err[400];

		assert_true(sort_parse(&odd_table, tries[i].column, &sort, err, sizeof(err)));
		assert_int_equal(sort.desc, tries[i].desc);
	}
}

/* The rows that found no room, in every format; in numbers, too. */
static void test_others(void **state)
{
	struct odd row = somebody();
	static const char *const keys[] = { "pid", "pid,comm" };
	static const char *const want[] = { "pid,count\n(others),6\n",
					    "pid,comm,count\n,(others),6\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		struct sink_opts o = options(FORMAT_CSV, 0);
		struct capture c = start(&o);
		struct selection sel;
		char err[400], shown[40];
		const void *rec;
		size_t len;
		struct by *by = by_open(&odd_table, keys[i], err, sizeof(err));

		assert_non_null(by);
		by_set_limit(by, 0);
		by_add(by, &row, sizeof(row));
		by_count(by, &row, sizeof(row), 5);
		assert_int_equal(by_sorted(by, NULL, 0), 1);
		snprintf(shown, sizeof(shown), "%s,count", keys[i]);
		assert_true(
			columns_select(by_table(by), shown, FORMAT_CSV, &sel, err, sizeof(err)));
		rec = by_row(by, 0, &len);
		sink_row(c.sink, &sel, rec, len);
		assert_printed(&c, want[i]);
		selection_free(&sel);
		by_free(by);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_absent_values),
		cmocka_unit_test(test_text_of_many_kinds),
		cmocka_unit_test(test_order_of_text),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
