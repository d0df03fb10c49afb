// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/rows/parts.h"

static void expect(const char **at, const char *table, const char *text)
{
	struct part p;

	assert_true(part_next(at, &p));
	assert_int_equal(p.len, strlen(text));
	assert_memory_equal(p.text, text, p.len);
	if (!table) {
		assert_null(p.table);
		return;
	}
	assert_int_equal(p.table_len, strlen(table));
	assert_memory_equal(p.table, table, p.table_len);
}

static void expect_end(const char **at)
{
	struct part p;

	assert_false(part_next(at, &p));
}

static void one_part(void **state)
{
	const char *plain = " lat > 10ms ", *named = "files:-bytes", *none = "";

	(void)state;
	expect(&plain, NULL, "lat > 10ms");
	expect_end(&plain);
	expect(&named, "files", "-bytes");
	expect_end(&named);
	expect(&none, NULL, "");
	expect_end(&none);
}

static void several_parts(void **state)
{
	const char *at = "pid == 1; files : x;files:  lat > 1ms;;a:";

	(void)state;
	expect(&at, NULL, "pid == 1");
	expect(&at, NULL, "files : x"); /* a name ends with its colon */
	expect(&at, "files", "lat > 1ms");
	expect(&at, NULL, "");
	expect(&at, "a", "");
	expect_end(&at);
}

static void quotes_keep_together(void **state)
{
	const char *at = "path == \"a;b\\\";c\" && x == 'q;\"'; comm == 'files: y'";
	const char *open = "path == \"a;b";

	(void)state;
	expect(&at, NULL, "path == \"a;b\\\";c\" && x == 'q;\"'");
	expect(&at, NULL, "comm == 'files: y'");
	expect_end(&at);
	expect(&open, NULL, "path == \"a;b"); /* who reads it says that it isn't closed */
	expect_end(&open);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_part),
		cmocka_unit_test(several_parts),
		cmocka_unit_test(quotes_keep_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
