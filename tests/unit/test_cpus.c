/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* CPUs whose numbers have gaps, and many of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/cpus.h"

static void lists_are_read(void **state)
{
	static const struct {
		const char *list;
		uint32_t n, ids;
	} good[] = {
		{ "0\n", 1, 1 },
		{ "0-1\n", 2, 2 },
		{ "0-3,8-11,64", 9, 65 },
		{ "0,8,16,24,32,40,48,56\n", 8, 57 },
		{ "0-1023\n", 1024, 1024 },
		{ "4-7", 4, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct cpus cpus = { 0 };

		assert_true(cpus_parse(good[i].list, &cpus));
		assert_int_equal(cpus.n, good[i].n);
		assert_int_equal(cpus.ids, good[i].ids);
	}
}

static void other_lists_are_refused(void **state)
{
	static const char *const bad[] = { "",	  "\n",	 "a",	  "0-",	 "-3",
					   "3-1", "0,",	 "0-1,1", "5,2", "0-99999999999",
					   "0 1", "0-1;" };
	struct cpus cpus = { 7, 7 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(cpus_parse(bad[i], &cpus));
		assert_int_equal(cpus.n, 7);
		assert_int_equal(cpus.ids, 7);
	}
}

static void this_machine_has_some(void **state)
{
	struct cpus cpus = cpus_possible();

	(void)state;
	assert_true(cpus.n >= 1 && cpus.ids >= cpus.n);
}

/* However many there are, nobody is woken for a few hundred bytes, or when it is too late. */
static void wake_ups_are_worth_it(void **state)
{
	static const uint32_t many[] = { 1, 2, 8, 64, 128, 129, 256, 1024, 8192 };
	const uint64_t buffer = 4 << 20;
	uint64_t data;

	(void)state;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		uint64_t each = cpus_wake_bytes(buffer, many[i], &data);

		assert_true(each >= 4096);
		if (data)
			assert_int_equal(data, buffer / 8);
		else
			assert_true(each * many[i] <= buffer / 8);
	}
	assert_int_equal(cpus_wake_bytes(buffer, 2, &data), buffer / 16);
	assert_int_equal(data, 0);
	assert_int_equal(cpus_wake_bytes(buffer, 1024, &data), 4096);
	/* the smallest buffers have less than one such piece: as before */
	assert_int_equal(cpus_wake_bytes(4096, 2, &data), 256);
	assert_int_equal(data, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(other_lists_are_refused),
		cmocka_unit_test(this_machine_has_some),
		cmocka_unit_test(wake_ups_are_worth_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
