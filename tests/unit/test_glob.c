// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/glob.h"

static const struct {
	const char *pattern, *text;
	bool matches;
} cases[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "*", "", true },
	{ "*", "anything", true },
	{ "**", "x", true },
	{ "?", "", false },
	{ "?", "a", true },
	{ "?", "ab", false },
	{ "abc", "abc", true },
	{ "abc", "abd", false },
	{ "abc", "ab", false },
	{ "ab", "abc", false },
	{ "a*c", "ac", true },
	{ "a*c", "abbbc", true },
	{ "a*c", "abbbcd", false },
	{ "*postgres*", "my postgres: writer", true },
	{ "a*b*c", "aXbXbXc", true },
	{ "*ab", "aab", true },
	{ "*aab", "aaab", true },
	{ "*.log", "/var/x.log", true },
	{ "*.log", "x.logs", false },
	{ "a*/b", "a/x/y/b", true },
	{ "[abc]x", "bx", true },
	{ "[abc]x", "dx", false },
	{ "[a-c]", "b", true },
	{ "[a-c]", "d", false },
	{ "[!a-c]", "d", true },
	{ "[!a-c]", "b", false },
	{ "[^a-c]", "d", true },
	{ "[^a-c]", "a", false },
	{ "[]]", "]", true },
	{ "[]a]", "a", true },
	{ "[!]]", "]", false },
	{ "[!]]", "x", true },
	{ "[a-]", "-", true },
	{ "[-a]", "-", true },
	{ "[a-]", "b", false },
	{ "[\\]]", "]", true },
	{ "[\\a-\\c]", "b", true },
	{ "[", "[", true },
	{ "[abc", "[abc", true },
	{ "[abc", "a", false },
	{ "x[", "x[", true },
	{ "[!", "[!", true },
	{ "\\*", "*", true },
	{ "\\*", "a", false },
	{ "\\?", "?", true },
	{ "\\[a]", "[a]", true },
	{ "\\\\", "\\", true },
	{ "a\\", "a\\", true },
	{ "\\", "\\", true },
	{ "*[0-9]", "eth0", true },
	{ "*[0-9]", "eth", false },
	{ "kworker/*:[!0]*", "kworker/3:1H", true },
	{ "[\x80-\xff]", "\xc3", true },
	{ "?", "\xff", true },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool got = glob_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].text,
				      strlen(cases[i].text));

		if (got != cases[i].matches)
			fail_msg("'%s' against '%s': %d", cases[i].pattern, cases[i].text, got);
	}
}

static void test_lengths_not_terminators(void **state)
{
	(void)state;
	assert_true(glob_match("abXX", 2, "abYY", 2));
	assert_true(glob_match("a?c", 3, "a\0c", 3));
	assert_false(glob_match("a*", 1, "ab", 2));
	assert_true(glob_match("[ab", 3, "[ab", 3));
	/* The set is closed only beyond the end. */
	assert_false(glob_match("[ab]", 3, "a", 1));
}

/* Twenty stars over 20,000 bytes that don't match: exponential matchers never return. */
static void test_many_stars(void **state)
{
	enum { LEN = 20000 };
	char pattern[64] = "", *text = malloc(LEN);
	clock_t start = clock();

	(void)state;
	assert_non_null(text);
	memset(text, 'a', LEN);
	for (int i = 0; i < 20; i++)
		strcat(pattern, "a*");
	strcat(pattern, "b");
	assert_false(glob_match(pattern, strlen(pattern), text, LEN));
	text[LEN - 1] = 'b';
	assert_true(glob_match(pattern, strlen(pattern), text, LEN));
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 5);
	free(text);
}

static const struct {
	const char *pattern;
	size_t element, shortest;
	bool plain;
} shapes[] = {
	{ "", 0, 0, true },	  { "abc", 1, 3, true },     { "*", 1, 0, false },
	{ "a*b?", 1, 3, false },  { "[a-z]x", 5, 2, false }, { "[a\\]]x", 5, 2, false },
	{ "[]a]x", 4, 2, false }, { "[!]a]x", 5, 2, false }, { "[abc", 1, 4, true },
	{ "\\*", 2, 1, true },	  { "\\", 1, 1, true },	     { "\\[a]", 2, 3, true },
	{ "[a\\]", 1, 3, true },
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const char *pattern = shapes[i].pattern;
		size_t len = strlen(pattern);

		if ((len && glob_element(pattern, len) != shapes[i].element) ||
		    glob_shortest(pattern, len) != shapes[i].shortest ||
		    glob_is_plain(pattern, len) != shapes[i].plain)
			fail_msg("'%s': %zu %zu %d", pattern, glob_element(pattern, len),
				 glob_shortest(pattern, len), glob_is_plain(pattern, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_lengths_not_terminators),
		cmocka_unit_test(test_many_stars),
		cmocka_unit_test(test_shapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
