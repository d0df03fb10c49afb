// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/kernel/functions.h"

static const struct {
	const char *pattern, *name;
	bool matches;
} cases[] = {
	{ "vfs_read", "vfs_read", true },
	{ "vfs_read", "vfs_readv", false },
	{ "vfs_*", "vfs_read", true },
	{ "vfs_*", "do_vfs_ioctl", false },
	{ "*vfs_*", "do_vfs_ioctl", true },
	{ "^vfs_", "vfs_read", true },
	{ "^vfs_", "do_vfs_ioctl", false },
	{ "/^vfs_(read|write)$/", "vfs_write", true },
	{ "/^vfs_(read|write)$/", "vfs_writev", false },
	{ "/vfs/", "do_vfs_ioctl", true },
	{ "block:*", "block:block_rq_issue", true },
	{ "/", "vfs_read", false }, /* not a pair of slashes: a glob */
	{ "//", "vfs_read", false },
};

static void test_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern p;
		char err[256] = "";

		assert_true(pattern_compile(&p, cases[i].pattern, err, sizeof(err)));
		if (pattern_match(&p, cases[i].name) != cases[i].matches)
			fail_msg("%s on %s", cases[i].pattern, cases[i].name);
		pattern_free(&p);
	}
}

static void test_bad_patterns(void **state)
{
	static const char *const bad[] = { "", "/(/", "/[a/", "^*(" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pattern p;
		char err[256] = "";

		assert_false(pattern_compile(&p, bad[i], err, sizeof(err)));
		assert_true(strlen(err) > 10);
		assert_null(strchr(err, '\n'));
	}
}

static const char symbols[] = "ffffffff81000010 T vfs_read\n"
			      "ffffffff81000020 t vfs_helper\n"
			      "ffffffff81000030 t vfs_helper\n"
			      "ffffffff81000030 t vfs_helper\n" /* twice: one function */
			      "ffffffff81000040 t vfs_helper\t[xfs]\n"
			      "ffffffff81000050 t vfs_read.cold\n"
			      "ffffffff81000060 t vfs_open.cold.12\n"
			      "ffffffff81000070 t vfs_open.part.0\n"
			      "ffffffff81000080 D vfs_data\n"
			      "ffffffff81000090 r vfs_table\n"
			      "ffffffff810000a0 W vfs_weak\n"
			      "ffffffff810000b0 T __vfs_init\n"
			      "ffffffff810000c0 T do_sync\n"
			      "nonsense\n"
			      "\n"
			      "ffffffff810000d0 T vfs_last"; /* no line end */

static const char listed[] = "vfs_read\n"
			     "vfs_helper\n"
			     "vfs_open.part.0\n"
			     "vfs_helper [ext4]\n" /* of another module */
			     "do_sync\n"
			     "vfs_weak\n"
			     "__ftrace_invalid_address___64\n"
			     "vfs_last\n";

static struct functions read_both(const char *traceable, const char *pattern)
{
	FILE *k = fmemopen((void *)(uintptr_t)symbols, strlen(symbols), "r");
	FILE *t = traceable ? fmemopen((void *)(uintptr_t)traceable, strlen(traceable), "r") : NULL;
	struct functions f;
	struct pattern p;
	char err[256];

	assert_true(pattern_compile(&p, pattern, err, sizeof(err)));
	assert_true(functions_read(k, t, &p, 1, &f));
	pattern_free(&p);
	fclose(k);
	if (t)
		fclose(t);
	return f;
}

struct want {
	const char *name, *module;
	uint64_t address;
	bool hookable;
};

static void expect(const struct functions *f, const struct want *want, size_t n)
{
	assert_int_equal(f->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(f->fn[i].name, want[i].name);
		if (want[i].module)
			assert_string_equal(f->fn[i].module, want[i].module);
		else
			assert_null(f->fn[i].module);
		assert_int_equal(f->fn[i].address, want[i].address);
		assert_int_equal(!f->fn[i].why, want[i].hookable);
	}
}

static void test_functions(void **state)
{
	static const struct want want[] = {
		{ "__vfs_init", NULL, 0xffffffff810000b0, false },
		{ "vfs_helper", NULL, 0xffffffff81000020, true },
		{ "vfs_helper", NULL, 0xffffffff81000030, true },
		{ "vfs_helper", "xfs", 0xffffffff81000040, false },
		{ "vfs_last", NULL, 0xffffffff810000d0, true },
		{ "vfs_open.part.0", NULL, 0xffffffff81000070, true },
		{ "vfs_read", NULL, 0xffffffff81000010, true },
		{ "vfs_weak", NULL, 0xffffffff810000a0, true },
	};
	struct functions f = read_both(listed, "*vfs_*");

	(void)state;
	expect(&f, want, sizeof(want) / sizeof(want[0]));
	assert_false(f.hidden);
	functions_free(&f);
	assert_int_equal(f.n, 0);
}

static void test_without_list(void **state)
{
	static const struct want want[] = { { "__vfs_init", NULL, 0xffffffff810000b0, true } };
	struct functions f = read_both(NULL, "/^__vfs/");

	(void)state;
	expect(&f, want, 1);
	functions_free(&f);
}

static void test_none(void **state)
{
	struct functions f = read_both(listed, "xfs_*");

	(void)state;
	assert_int_equal(f.n, 0);
	functions_free(&f);
}

static void test_hidden(void **state)
{
	static char zeros[] = "0000000000000000 T vfs_read\n0000000000000000 T vfs_write\n";
	FILE *k = fmemopen(zeros, sizeof(zeros) - 1, "r");
	struct functions f;
	struct pattern p;
	char err[256];

	(void)state;
	assert_true(pattern_compile(&p, "vfs_*", err, sizeof(err)));
	assert_true(functions_read(k, NULL, &p, 1, &f));
	assert_int_equal(f.n, 2);
	assert_true(f.hidden);
	functions_free(&f);
	fclose(k);
}

/* What the library would take gigabytes, minutes, or all of the stack for. */
static void test_bounds(void **state)
{
	static const char *const never[] = { "/a{1,32767}{1,32767}/", "/((a{1,100}){100})/",
					     "/(a*)*\\1/", "/a{99999999999999999999}/",
					     "/(a{500}|b{3})/" };
	static const char *const fine[] = { "/^vfs_{1,3}(read|write){2}$/", "/a{,9}b{3,}/",
					    "/[()]{2}/", "/\\(\\{/" };
	char many[40000], err[512];
	struct pattern p;

	(void)state;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (pattern_compile(&p, never[i], err, sizeof(err)))
			fail_msg("%s", never[i]);
		assert_true(strlen(err) < 200);
		pattern_free(&p);
	}
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (!pattern_compile(&p, fine[i], err, sizeof(err)))
			fail_msg("%s", err);
		pattern_free(&p);
	}
	for (size_t n = 65; n < sizeof(many) - 3; n *= 3) {
		memset(many, '(', n);
		many[0] = '^';
		strcpy(many + n, "x");
		assert_false(pattern_compile(&p, many, err, sizeof(err)));
		assert_null(strstr(err, "memory"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),     cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_bounds),	     cmocka_unit_test(test_functions),
		cmocka_unit_test(test_without_list), cmocka_unit_test(test_none),
		cmocka_unit_test(test_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
