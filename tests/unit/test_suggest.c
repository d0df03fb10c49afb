// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "core/base/suggest.h"

static const char *const names[] = { "pid",   "tid",	  "comm",    "latency", "path",
				     "flags", "duration", "columns", NULL,	"x" };

static const struct {
	const char *word, *near; /* NULL: none */
} cases[] = {
	{ "pid", "pid" },
	{ "pidd", "pid" },
	{ "pdi", "pid" },
	{ "pi", "pid" },
	{ "PID", "pid" },
	{ "com", "comm" },
	{ "cmom", "comm" },
	{ "latnecy", "latency" },
	{ "lateny", "latency" },
	{ "ltnc", NULL },
	{ "dratoin", "duration" },
	{ "durtoin", "duration" },
	{ "colums", "columns" },
	{ "colunms", "columns" },
	{ "nosuch", NULL },
	{ "", NULL },
	{ "y", NULL },
	{ "q", NULL },
	{ "ph", NULL },
	{ "zid", "pid" },
	{ "flag", "flags" },
	{ "collumnss", "columns" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = suggest(cases[i].word, names, sizeof(names) / sizeof(names[0]));

		if ((got == NULL) != (cases[i].near == NULL) ||
		    (got && strcmp(got, cases[i].near) != 0))
			fail_msg("'%s': %s", cases[i].word, got ? got : "(none)");
	}
}

static void test_nearest_wins(void **state)
{
	static const char *const two[] = { "duratXX", "duratio" };
	static const char *const equal[] = { "aaaax", "aaaay" };

	(void)state;
	assert_string_equal(suggest("duration", two, 2), "duratio");
	assert_string_equal(suggest("aaaaz", equal, 2), "aaaax");
}

static void test_long_words(void **state)
{
	char word[300];
	const char *candidates[] = { word };

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(suggest(word, names, 3));
	assert_null(suggest("aaa", candidates, 1));
	word[63] = '\0';
	assert_ptr_equal(suggest(word, candidates, 1), word);
}

static void test_shown(void **state)
{
	char buf[SHOWN_MAX], text[400];

	(void)state;
	assert_string_equal(shown(buf, "abc", 3), "abc");
	assert_string_equal(shown(buf, "", 0), "");
	assert_string_equal(shown(buf, "a\nb\033[31m", 8), "a\\nb\\e[31m");
	memset(text, 'x', sizeof(text));
	shown(buf, text, sizeof(text));
	assert_int_equal(strlen(buf), SHOWN_MAX - 1);
	assert_string_equal(buf + SHOWN_MAX - 4, "...");
	/* Never half of a character: 41 of 3 bytes each fit before the dots. */
	for (size_t i = 0; i + 3 <= 399; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	shown(buf, text, 399);
	assert_int_equal(strlen(buf), 41 * 3 + 3);
	/* Nor more than fits, whatever the escapes. */
	memset(text, 0x80, sizeof(text));
	assert_true(strlen(shown(buf, text, sizeof(text))) < SHOWN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nearest_wins),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
