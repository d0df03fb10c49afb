/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/clock.h"

static void test_timens_lines(void **state)
{
	(void)state;
	assert_int_equal(timens_offset_in("monotonic      100000         0\n"), 100000000000000);
	assert_int_equal(timens_offset_in("monotonic           1 500000000\n"), 1500000000);
	assert_int_equal(timens_offset_in("monotonic         -10         7\n"), -9999999993);
	assert_int_equal(timens_offset_in("boottime            5         0\n"), 0);
	assert_int_equal(timens_offset_in(""), 0);
}

/* The pair is right, and a second look changes nothing while nobody sets the clock. */
static void test_wall_offset(void **state)
{
	int64_t off = 0, before, now;
	struct timespec real;

	(void)state;
	assert_true(wall_offset_changed(&off));
	before = off;
	assert_false(wall_offset_changed(&off));
	assert_int_equal(off, before);
	clock_gettime(CLOCK_REALTIME, &real);
	now = (int64_t)now_ns() + off;
	assert_in_range(now / 1000000000, real.tv_sec - 1, real.tv_sec + 60);
	off += 5000000000;
	assert_true(wall_offset_changed(&off));
	assert_true(off - before < 2000000 && before - off < 2000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timens_lines),
		cmocka_unit_test(test_wall_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
