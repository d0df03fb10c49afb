/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* U_ADDR: how addresses are shown, typed and compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/rows/unit_addr.h"
#include "core/rows/where.h"

struct row {
	struct rec rec;
	struct net_addr addr;
};

static const struct column columns[] = {
	{ "addr", FIELD(struct row, addr), U_ADDR },
	{ "known", FIELD(struct row, addr), U_ADDR, .flags = COL_BLANK },
	{},
};

static const struct table table = { "row", columns };

/* ::ffff:10.1.2.3 and fe80::1 */
static const struct row v4 = { .addr.bytes = { [10] = 0xff, 0xff, 10, 1, 2, 3 } };
static const struct row v6 = { .addr.bytes = { 0xfe, 0x80, [15] = 1 } };
static const struct row zeros;

static void assert_shown(const struct row *row, unsigned col, const char *want)
{
	char scratch[VALUE_SCRATCH];
	struct value v;

	column_value(NULL, &columns[col], row, sizeof(*row), scratch, &v);
	if (!want) {
		assert_int_equal(v.kind, V_NONE);
		return;
	}
	assert_int_equal(v.kind, V_BYTES);
	assert_int_equal(v.bytes.len, strlen(want));
	assert_memory_equal(v.bytes.p, want, v.bytes.len);
}

static void shown(void **state)
{
	(void)state;
	assert_shown(&v4, 0, "10.1.2.3");
	assert_shown(&v6, 0, "fe80::1");
	assert_shown(&v6, 1, "fe80::1");
	assert_shown(&zeros, 0, "::");
	assert_shown(&zeros, 1, NULL);
}

static void one_spelling(void **state)
{
	static const char *const cases[][2] = {
		{ "10.1.2.3", "10.1.2.3" },	  { "::ffff:10.1.2.3", "10.1.2.3" },
		{ "::FFFF:a01:203", "10.1.2.3" }, { "FE80:0:0::1", "fe80::1" },
		{ "10.1.2.3/8", "10.0.0.0/8" },	  { "10.1.2.3/32", "10.1.2.3" },
		{ "10.1.2.3/0", "0.0.0.0/0" },	  { "::ffff:10.1.2.3/104", "10.0.0.0/8" },
		{ "fe80::1/10", "fe80::/10" },	  { "::/0", "::/0" },
	};
	static const char *const wrong[] = {
		"",	      "10.1.2",	     "10.1.2.3/33", "10.1.2.3/",  "::/129",
		"fe80::1%lo", "10.1.2.3/-1", "a.b",	    "10.0.0.256", "10.1.2.3/8/8"
	};
	char buf[ADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(addr_canonical(cases[i][0], strlen(cases[i][0]), buf));
		assert_string_equal(buf, cases[i][1]);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(addr_canonical(wrong[i], strlen(wrong[i]), buf));
}

static bool matches(const char *text, const struct row *row)
{
	char error[512] = "";
	struct where *w = where_compile(&table, text, error, sizeof(error));
	bool got;

	if (!w)
		fail_msg("%s", error);
	got = where_match(w, row, sizeof(*row));
	where_free(w);
	return got;
}

static void compared(void **state)
{
	char error[512] = "";

	(void)state;
	assert_true(matches("addr == 10.1.2.3", &v4));
	assert_true(matches("addr == \"10.1.2.3\"", &v4));
	assert_true(matches("addr == ::ffff:10.1.2.3", &v4));
	assert_false(matches("addr != 10.1.2.3", &v4));
	assert_false(matches("addr == 10.1.2.4", &v4));
	assert_true(matches("addr == 10.0.0.0/8", &v4));
	assert_true(matches("addr != 11.0.0.0/8", &v4));
	assert_false(matches("addr == 10.1.2.128/25", &v4));
	assert_true(matches("addr ~ 10.1.*", &v4));
	assert_true(matches("addr == fe80::/10", &v6));
	assert_true(matches("addr == fe80::0:1", &v6));
	assert_false(matches("addr == 0.0.0.0/0", &v6));
	assert_false(matches("known == ::/0", &zeros));
	assert_null(where_compile(&table, "addr == 10.1.2", error, sizeof(error)));
	assert_non_null(strstr(error, "'10.1.2' is not an address"));
	assert_null(where_compile(&table, "addr > 10.1.2.3", error, sizeof(error)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown),
		cmocka_unit_test(one_spelling),
		cmocka_unit_test(compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
