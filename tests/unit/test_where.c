// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/rows/where.h"
#include "tests/unit/sample.h"

static struct names names;

static bool matches(const char *text, const struct sample *row)
{
	char error[512] = "";
	struct where *w = where_compile(&sample_table, text, error, sizeof(error));
	bool got;

	if (!w)
		fail_msg("%s", error);
	where_set_view(w, &names, 0);
	got = where_match(w, row, sizeof(*row));
	where_free(w);
	return got;
}

/* Against sample_row(). */
static const struct {
	const char *text;
	bool holds;
} cases[] = {
	/* numbers */
	{ "pid == 42", true },
	{ "pid = 42", true },
	{ "pid==42", true },
	{ "pid != 42", false },
	{ "pid < 42", false },
	{ "pid <= 42", true },
	{ "pid > 41", true },
	{ "pid >= 43", false },
	{ "pid == 0x2a", true },
	{ "pid == 0X2A", true },
	{ "  pid\t>\n41  ", true },
	{ "pid < 18446744073709551615", true },
	{ "ret == 7", true },
	{ "ret > -1", true },
	{ "ret == -7", false },
	{ "ret > -9223372036854775808", true },
	{ "fd == 7", true },
	{ "cached == 1", true },
	{ "cached == true", true },
	{ "cached == false", false },
	{ "level == 0x1f", true },
	{ "level == 31", true },
	{ "pid == '42'", true },
	/* quantities */
	{ "lat == 12.5ms", true },
	{ "lat > 12ms", true },
	{ "lat>12499us", true },
	{ "lat > 13ms", false },
	{ "lat < 1s", true },
	{ "lat_ns == 12500000", true },
	{ "lat == 12500000", true },
	{ "delta == -3us", true },
	{ "delta < 0", true },
	{ "delta > -4us", true },
	{ "delta == 3us", false },
	{ "size == 8K", true },
	{ "size >= 8192", true },
	{ "size < 1M", true },
	{ "size_bytes == 8KiB", true },
	{ "share == 12.5%", true },
	{ "share < 12.6", true },
	{ "share > 50%", false },
	{ "mode == 0644", true },
	{ "mode == 644", true },
	{ "mode == 0600", false },
	{ "time == 5s", true },
	{ "time < 4s", false },
	/* text */
	{ "comm == postgres", true },
	{ "comm == \"postgres\"", true },
	{ "comm == 'postgres'", true },
	{ "comm == postgre", false },
	{ "comm == postgress", false },
	{ "comm != \"\"", true },
	{ "comm ~ post*", true },
	{ "comm ~ '*gre?'", true },
	{ "comm ~ post", false },
	{ "comm ~ [!x]ostgres", true },
	{ "comm !~ post*", false },
	{ "comm!~x*", true },
	{ "path == /var/lib/pg/wal", true },
	{ "path ~ /var/*", true },
	{ "path ~ */wal", true },
	{ "path != /var/lib/pg/wal", false },
	{ "name == 'a \"b\"\\n\\\\'", true },
	{ "name == \"a \\\"b\\\"\\x0a\\\\\"", true },
	{ "name ~ '*\\n*'", true },
	{ "name ~ '*\\\\'", true },
	{ "name ~ '*\\\\\\\\'", false },
	{ "name ~ '* \\\"*'", true },
	{ "comm ~ 'post\\*'", false },
	{ "call == write", true },
	{ "call != read", true },
	{ "call ~ w*", true },
	{ "flags == 'O_WRONLY|O_CREAT'", true },
	{ "flags == O_WRONLY|O_CREAT", true },
	{ "flags ~ *O_CREAT*", true },
	{ "flags ~ *O_CLOEXEC*", false },
	{ "user == root", true },
	{ "user == 0", true },
	{ "user != root", false },
	{ "uid == 0", true },
	{ "user ~ r??t", true },
	{ "user !~ r*", false },
	{ "user < 1000", true },
	/* no value: the call succeeded */
	{ "err == ENOENT", false },
	{ "err != ENOENT", true },
	{ "err ~ *", false },
	{ "err !~ *", true },
	/* logic */
	{ "pid == 42 && ret == 7", true },
	{ "pid == 42 && ret == 8", false },
	{ "pid == 1 || ret == 7", true },
	{ "pid == 1 || ret == 8", false },
	{ "pid == 42 || ret == 8 && lat < 1", true },
	{ "lat < 1 && ret == 8 || pid == 42", true },
	{ "(pid == 42 || ret == 8) && lat < 1", false },
	{ "!(pid == 42)", false },
	{ "! pid == 1", true },
	{ "!!pid == 42", true },
	{ "!!!pid == 42", false },
	{ "!pid == 42 || ret == 7", true },
	{ "!(pid == 42 || ret == 7)", false },
	{ "!(pid == 1 && ret == 7) && !(ret == 1)", true },
	{ "pid==42&&ret==7", true },
	{ "comm==postgres&&ret==7", true },
	{ "comm==x||ret==7", true },
	{ "((((pid == 42))))", true },
	{ "(pid==42)&&(comm==postgres)", true },
	{ "pid == 1 || pid == 2 || pid == 42 || pid == 4", true },
	{ "pid == 42 && ret == 7 && lat > 1 && size == 0", false },
	{ "pid == 1 && ret == 7 || pid == 42 && ret == 7", true },
	{ "(pid == 1 || ret == 7) && (pid == 42 || ret == 1)", true },
};

static void test_matches(void **state)
{
	struct sample row = sample_row();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (matches(cases[i].text, &row) != cases[i].holds)
			fail_msg("%s: not %d", cases[i].text, cases[i].holds);
}

static void test_errors_of_calls(void **state)
{
	struct sample row = sample_row();

	(void)state;
	row.ret = -ENOENT;
	assert_true(matches("err == ENOENT", &row));
	assert_true(matches("err == 2", &row));
	assert_true(matches("err == -2", &row));
	assert_true(matches("err == 'ENOENT'", &row));
	assert_true(matches("err ~ EN*", &row));
	assert_false(matches("err != ENOENT", &row));
	assert_false(matches("err == EACCES", &row));
	assert_true(matches("ret == -2", &row));
	assert_true(matches("ret < 0", &row));
	/* No descriptor: only "differs" holds. */
	assert_false(matches("fd == 7", &row));
	assert_false(matches("fd < 7", &row));
	assert_false(matches("fd >= 0", &row));
	assert_true(matches("fd != 7", &row));
	/* One that has no name. */
	row.ret = -4001;
	assert_true(matches("err == 4001", &row));
	assert_false(matches("err == ENOENT", &row));
}

static void test_time_counts_from_start(void **state)
{
	struct sample row = sample_row();
	char error[512];
	struct where *w = where_compile(&sample_table, "time >= 2s && time < 3s", error, 512);

	(void)state;
	assert_non_null(w);
	assert_false(where_match(w, &row, sizeof(row)));
	where_set_view(w, &names, row.head.ts_ns - 2500000000);
	assert_true(where_match(w, &row, sizeof(row)));
	/* Before the start is negative, not huge. */
	where_set_view(w, &names, row.head.ts_ns + 1);
	assert_false(where_match(w, &row, sizeof(row)));
	where_free(w);
	w = where_compile(&sample_table, "time < -1ms", error, 512);
	assert_non_null(w);
	where_set_view(w, &names, row.head.ts_ns + 2000000);
	assert_true(where_match(w, &row, sizeof(row)));
	where_free(w);
}

/* Records shorter than the struct: columns beyond the end have no value. */
static void test_short_records(void **state)
{
	struct sample row = sample_row();
	char error[512];
	struct where *w = where_compile(&sample_table, "pid == 42", error, 512);

	(void)state;
	assert_non_null(w);
	assert_true(where_match(w, &row, offsetof(struct sample, pid) + 4));
	assert_false(where_match(w, &row, offsetof(struct sample, pid) + 3));
	assert_false(where_match(w, &row, 0));
	where_free(w);
}

/* The caret stands under the character marked by ^ in @marks. */
static const struct {
	const char *text, *marks, *message;
} mistakes[] = {
	{ "", "^", "the expression is empty; try one such as pid == 1" },
	{ "   ", "   ^", "the expression is empty; try one such as pid == 1" },
	{ "lat >", "     ^", "a value is missing after '>'" },
	{ "lat > ", "      ^", "a value is missing after '>'" },
	{ "lat > && pid == 1", "      ^", "a value is missing after '>'" },
	{ "lat", "   ^", "expected a comparison after 'lat': == != < <= > >= ~ !~" },
	{ "lat 10ms", "    ^", "expected a comparison after 'lat': == != < <= > >= ~ !~" },
	{ "comm =~ x", "     ^", "write ~ instead of =~" },
	{ "pid == 1 && latt > 1", "            ^", NULL },
	{ "10ms < lat", "^", "a test begins with a column, as in pid == 1" },
	{ "'pid' == 1", "^", "expected a column, found '''" },
	{ "pid == 1 &&", "           ^", "a column is missing here, as in pid == 1" },
	{ "pid == 1 || ", "            ^", "a column is missing here, as in pid == 1" },
	{ "!", " ^", "a column is missing here, as in pid == 1" },
	{ "()", " ^", "expected a column, found ')'" },
	{ "(pid == 1", "^", "this '(' is never closed" },
	{ "pid == 1 && ((ret == 2) || fd == 3", "            ^", "this '(' is never closed" },
	{ "pid == 1)", "        ^", "this ')' closes nothing" },
	{ "(pid == 1))", "          ^", "this ')' closes nothing" },
	{ "(pid == 1 ret == 2)", "          ^", "expected && or || or ')' here" },
	{ "pid == 1 ret == 2", "         ^", "expected && or || here" },
	{ "pid == 1 and ret == 2", "         ^", "write && instead of 'and'" },
	{ "pid == 1 OR ret == 2", "         ^", "write || instead of 'OR'" },
	{ "pid == 1 & ret == 2", "         ^", "write && instead of '&'" },
	{ "lat > 10 ms", "         ^", "expected && or || here" },
	{ "lat > 10x", "      ^", "'10x' is not a duration; try 500ms, 10s or 2m" },
	{ "lat > 10K", "      ^", "'10K' is not a duration; try 500ms, 10s or 2m" },
	{ "pid == 10ms", "       ^", "'10ms' is not a number; try a whole number such as 10" },
	{ "size > 10ms", "       ^", "'10ms' is not a size; try 512, 64K or 1M" },
	{ "share > 5K", "        ^", "'5K' is not a percentage; try 50 or 12.5%" },
	{ "mode == 0999", "        ^", "'0999' is not an octal mode; try 0644" },
	{ "pid == -1", "       ^", "pid is never negative" },
	{ "ret == --1", "       ^", "'--1' is negative; try a whole number such as 10" },
	{ "ret == -", "       ^", "'-' is not a number; try a whole number such as 10" },
	{ "pid == ''", "       ^", "'' is not a number; try a whole number such as 10" },
	{ "pid == 18446744073709551616", "       ^",
	  "'18446744073709551616' is too large; try a whole number such as 10" },
	{ "err == ENOENTT", "       ^",
	  "'ENOENTT' is not the name of an error; did you mean "
	  "ENOENT?" },
	{ "err == xyzzyx", "       ^", "'xyzzyx' is not the name of an error" },
	{ "call == raed", "        ^", "'raed' is not a value of call; did you mean read?" },
	{ "call == nosuch", "        ^", "'nosuch' is not a value of call" },
	{ "user == no-such-user-here", "        ^",
	  "'no-such-user-here' is no such user; try a number or a user's name" },
	{ "comm > 'a'", "       ^", "'>' compares numbers, and comm is text; try ==, != or ~" },
	{ "err < ENOENT", "      ^", "'<' compares numbers, and err is text; try ==, != or ~" },
	{ "pid ~ 4*", "    ^", "'~' matches text, and pid is a number" },
	{ "lat !~ '1*'", "    ^", "'!~' matches text, and lat is a number" },
	{ "comm == 'abc", "        ^", "this quote is never closed" },
	{ "comm == \"abc' && pid == 1", "        ^", "this quote is never closed" },
	{ "comm == 'abc\\'", "        ^", "this quote is never closed" },
	{ "comm == 'a\\q'", "          ^", "'\\q' means nothing; write \\\\ for a backslash" },
	{ "comm == 'a\\x1'", "          ^", "\\x needs two hexadecimal digits, as in \\x1b" },
	{ "kstack == 1", "^", "'kstack' is a stack, which --where can't test" },
	{ "comm == a b", "          ^", "expected && or || here" },
	{ "pid == 1 == 2", "         ^", "expected && or || here" },
	{ "pid == 1 || ; ret", "            ^", "expected a column, found ';'" },
	/* What no row can be. */
	{ "comm == 'sixteen bytes or more'", "        ^",
	  "comm has at most 15 bytes (the kernel cuts longer ones); try comm ~ \"sixteen "
	  "bytes*\"" },
	{ "comm != 'sixteen bytes or more'", "        ^", NULL },
	{ "comm ~ 'sixteen bytes or more'", "       ^", NULL },
	{ "comm ~ '*sixteen ?ytes [o]r more*'", "       ^", NULL },
	{ "comm !~ 'sixteen bytes or more'", "        ^", NULL },
	{ "call ~ 'nosuch*'", "       ^", "no value of call is like 'nosuch*'" },
	{ "call !~ reed", "        ^", "no value of call is like 'reed'" },
	{ "err ~ 'ENOS?CH'", "      ^", "no value of err is like 'ENOS?CH'" },
	{ "flags == O_CREATE", "         ^",
	  "'O_CREATE' is none of the flags; did you mean O_CREAT?" },
	{ "flags != 'O_WRONLY|O_NOSUCH'", "         ^", NULL },
	{ "user ~ no-such-user-here", "       ^", "'no-such-user-here' is no such user" },
	{ "pid == 4294967296", "       ^", "pid is never more than 4294967295" },
	{ "level != 0x100", "         ^", "level is never more than 0xff" },
	{ "share == 700", "         ^", "share is never more than 655.4%" },
	/* Columns of the terminal, not bytes. */
	{ "comm == 'é€' && x", "                ^", NULL },
	{ "comm == '日本' && x", "                  ^", NULL },
	{ "comm ==\t'a' && x", "                ^", NULL },
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		char error[512], *line, *marks;

		if (where_compile(&sample_table, mistakes[i].text, error, sizeof(error)))
			fail_msg("'%s' was accepted", mistakes[i].text);
		line = strchr(error, '\n');
		assert_non_null(line);
		*line++ = '\0';
		marks = strchr(line, '\n');
		assert_non_null(marks);
		*marks++ = '\0';
		if (mistakes[i].message && strcmp(error, mistakes[i].message) != 0)
			fail_msg("'%s': %s", mistakes[i].text, error);
		if (!strchr(mistakes[i].text, '\t'))
			assert_string_equal(line, mistakes[i].text);
		if (strcmp(marks, mistakes[i].marks) != 0)
			fail_msg("%s\n%s\n%s\n%s (expected)", error, line, marks,
				 mistakes[i].marks);
	}
}

/* What looks like these and can be decided. */
static void test_possible(void **state)
{
	static const char *const texts[] = {
		"comm == 'fifteen bytes..'",
		"comm ~ '*[abcdefghijklmnop]?\\\\*sql*'",
		"call ~ 'w*'",
		"call ~ '1?'",
		"err ~ 'EN*'",
		"err ~ '5[0-9][0-9]'",
		"flags == 'O_WRONLY|O_CREAT|0x8000'",
		"flags ~ '*CREAT*'",
		"user ~ 'no-such-*'",
		"user ~ root",
		"pid < 4294967296",
		"share == 600",
		"name == 'a text of any length, for nothing bounds it'",
	};
	char error[512];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct where *w = where_compile(&sample_table, texts[i], error, sizeof(error));

		if (!w)
			fail_msg("%s", error);
		where_free(w);
	}
}

static void test_unknown_column(void **state)
{
	char error[512];

	(void)state;
	assert_null(where_compile(&sample_table, "latt > 1ms", error, sizeof(error)));
	assert_string_equal(error,
			    "no column 'latt' in sample; did you mean 'lat'? columns: time, pid, "
			    "user, comm, call, ret, fd, err, lat, size, delta, flags, mode, share, "
			    "cached, level, name, path, kstack\n"
			    "latt > 1ms\n"
			    "^");
}

static char *repeat(const char *piece, size_t times, const char *last)
{
	size_t len = strlen(piece);
	char *text = malloc(len * times + strlen(last) + 1);

	assert_non_null(text);
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * len, piece, len);
	strcpy(text + len * times, last);
	return text;
}

static void test_deep_nesting(void **state)
{
	struct sample row = sample_row();
	char error[512], *text = repeat("(", 100000, "pid == 1"), *inside, *closed;

	(void)state;
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	assert_memory_equal(error, "too many parentheses inside each other; at most 64\n", 51);
	assert_string_equal(strrchr(error, '\n'), "\n                                           ^");
	free(text);
	text = repeat("!(", 100000, "pid == 1");
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	free(text);
	/* 64 are fine. */
	closed = repeat(")", 64, "");
	inside = repeat("(", 64, "pid == 42");
	text = malloc(strlen(inside) + strlen(closed) + 1);
	assert_non_null(text);
	strcpy(stpcpy(text, inside), closed);
	assert_true(matches(text, &row));
	free(text);
	free(closed);
	free(inside);
	/* Inversions don't nest. */
	text = repeat("!", 100001, "(pid == 42)");
	assert_false(matches(text, &row));
	free(text);
}

static void test_long_input(void **state)
{
	struct sample row = sample_row();
	char error[512], *text;

	(void)state;
	/* 64 KiB that are right. */
	text = repeat("pid == 1 || ", 65536 / 12, "pid == 42");
	assert_true(matches(text, &row));
	free(text);
	text = repeat("pid == 42 && ", 65536 / 13, "pid == 1");
	assert_false(matches(text, &row));
	free(text);
	/* Literals that become longer than what was typed. */
	text = repeat("err==93||", 65536 / 9, "pid==42");
	assert_true(matches(text, &row));
	free(text);
	/* A mistake at the end: the text is cut around it. */
	text = repeat("pid == 1 || ", 65536 / 12, "pid == abc && ret == 1 && fd == 2 && pid == 7");
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	assert_string_equal(error,
			    "'abc' is not a number; try a whole number such as 10\n"
			    "... == 1 || pid == 1 || pid == 1 || pid == abc && ret == 1 && fd == 2 "
			    "&& ...\n"
			    "                                           ^");
	/* The caret is where the word is. */
	assert_int_equal(strrchr(error, '^') - strrchr(error, '\n'),
			 strstr(strchr(error, '\n'), "abc") - strchr(error, '\n'));
	free(text);
	/* One word of 64 KiB. */
	text = repeat("x", 65536, "");
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	assert_non_null(strchr(error, '^'));
	free(text);
	text = repeat("\xe6\x97\xa5", 65536 / 3, "\n\033[0m");
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	assert_null(strchr(error, '\033'));
	free(text);
	/* Continuation bytes that continue nothing: cut all the same. */
	text = repeat("\x9c", 65536, "\xff comm");
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	assert_true(strlen(error) < sizeof(error) - 1);
	assert_string_equal(strrchr(error, '\n'), "\n^");
	free(text);
	text = repeat("pid==1||", 100, "pid==\x9c\x9c\x9c\x9c\x9c\x9c\x9c\x9c\x9c\x9c\x9c");
	assert_null(where_compile(&sample_table, text, error, sizeof(error)));
	assert_non_null(strstr(error, "\\x9c\\x9c\\x9c\\x9c...\n"));
	free(text);
	/* A quote of 64 KiB in a comparison that holds nothing. */
	text = repeat("name == \"", 1, "");
	text = realloc(text, 70000);
	memset(text + 9, 'y', 65536);
	strcpy(text + 9 + 65536, "\"");
	assert_false(matches(text, &row));
	free(text);
}

/* However small the buffer, it holds a string. */
static void test_small_buffers(void **state)
{
	char error[64];

	(void)state;
	for (size_t size = 1; size <= sizeof(error); size++) {
		memset(error, 'x', sizeof(error));
		assert_null(where_compile(&sample_table, "latt > 1", error, size));
		assert_non_null(memchr(error, '\0', size));
	}
	where_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_errors_of_calls),
		cmocka_unit_test(test_time_counts_from_start),
		cmocka_unit_test(test_short_records),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_possible),
		cmocka_unit_test(test_unknown_column),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_long_input),
		cmocka_unit_test(test_small_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
