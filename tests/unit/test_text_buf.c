/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/text_buf.h"

static void empty_is_a_string(void **state)
{
	struct text_buf b = { 0 };

	(void)state;
	assert_string_equal(text_cstr(&b), "");
	assert_int_equal(b.len, 0);
	text_free(&b);
	assert_null(b.data);
	text_free(&b);
}

static void appends(void **state)
{
	struct text_buf b = { 0 };

	(void)state;
	text_puts(&b, "abc");
	text_add(&b, "d\0e", 3);
	text_pad(&b, '.', 4);
	text_printf(&b, "%d|%s|", -7, "x");
	text_puts(&b, "");
	text_add(&b, NULL, 0);
	text_pad(&b, '!', 0);
	text_printf(&b, "%s", "");
	assert_int_equal(b.len, 15);
	assert_memory_equal(b.data, "abcd\0e....-7|x|", 15);
	assert_memory_equal(text_cstr(&b) + 4, "\0e....-7|x|", 11);
	assert_int_equal(strlen(text_cstr(&b) + 5), 10);
	assert_false(b.failed);
	text_free(&b);
}

static void grows_by_single_bytes(void **state)
{
	struct text_buf b = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		text_pad(&b, (char)('a' + i % 26), 1);
	assert_int_equal(b.len, 100000);
	for (unsigned i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	text_free(&b);
}

static void prints_what_is_longer_than_its_room(void **state)
{
	struct text_buf b = { 0 };
	char *big = malloc(50001);

	(void)state;
	memset(big, 'z', 50000);
	big[50000] = '\0';
	text_printf(&b, "<%s>", big);
	assert_int_equal(b.len, 50002);
	assert_int_equal(b.data[50001], '>');
	assert_memory_equal(b.data + 1, big, 50000);
	free(big);
	text_free(&b);
}

static void room_counts_only_when_used(void **state)
{
	struct text_buf b = { 0 };
	char *to = text_room(&b, 1000);

	(void)state;
	assert_non_null(to);
	assert_true(b.cap >= 1000);
	assert_int_equal(b.len, 0);
	memset(to, 'q', 1000);
	b.len += 1000;
	assert_ptr_equal(text_room(&b, 0), b.data + 1000);
	text_free(&b);
}

/* Sizes that no machine has: refused, remembered, and what was there is left alone. */
static void failure_is_remembered(void **state)
{
	struct text_buf b = { 0 };

	(void)state;
	text_puts(&b, "kept");
	assert_null(text_room(&b, SIZE_MAX));
	assert_true(b.failed);
	text_puts(&b, "dropped");
	text_pad(&b, 'x', 3);
	text_printf(&b, "%d", 1);
	assert_null(text_room(&b, 1));
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "kept", 4);
	assert_string_equal(text_cstr(&b), "");
	text_free(&b);
	assert_false(b.failed);
	assert_null(text_room(&b, SIZE_MAX / 2 + 1));
	text_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_a_string),
		cmocka_unit_test(appends),
		cmocka_unit_test(grows_by_single_bytes),
		cmocka_unit_test(prints_what_is_longer_than_its_room),
		cmocka_unit_test(room_counts_only_when_used),
		cmocka_unit_test(failure_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
