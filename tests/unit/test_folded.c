// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "core/rows/folded.h"

static void add(struct folded *f, const char *line, uint64_t value)
{
	folded_add(f, line, strlen(line), value);
}

static void assert_line(const struct folded *f, size_t i, const char *text, uint64_t value)
{
	assert_true(i < f->n);
	assert_int_equal(f->line[i].len, strlen(text));
	assert_memory_equal(f->line[i].text, text, strlen(text));
	assert_int_equal(f->line[i].value, value);
}

/* A name can hold anything: it stays one frame of one line. */
static void test_frame(void **state)
{
	struct text_buf to = { 0 };

	(void)state;
	folded_frame(&to, "a;b", 3);
	folded_frame(&to, "new\nline", 8);
	assert_string_equal(text_cstr(&to), "a:b;new\\nline");
	text_free(&to);
}

/* Equal stacks are one; a prefix comes first, and a frame whose name another one begins with too.
 */
static void test_sort(void **state)
{
	struct folded f = { 0 };

	(void)state;
	add(&f, "a;b", 1);
	add(&f, "a b;c", 2);
	add(&f, "a;b;c", 4);
	add(&f, "a", 8);
	add(&f, "a;b", 16);
	folded_sort(&f);
	assert_int_equal(f.n, 4);
	assert_line(&f, 0, "a", 8);
	assert_line(&f, 1, "a;b", 17);
	assert_line(&f, 2, "a;b;c", 4);
	assert_line(&f, 3, "a b;c", 2);
	assert_int_equal(folded_total(&f), 31);
	folded_free(&f);
}

/* From the outermost call on, by the whole name; the others are counted. */
static void test_root(void **state)
{
	struct folded f = { 0 };

	(void)state;
	add(&f, "x;read;loop;read;copy", 1);
	add(&f, "y;read;loop;read;copy", 2);
	add(&f, "x;vfs_read", 4);
	add(&f, "x;readv;copy", 8);
	folded_root(&f, "read");
	folded_sort(&f);
	assert_int_equal(f.n, 1);
	assert_line(&f, 0, "read;loop;read;copy", 3);
	assert_int_equal(f.outside, 12);
	folded_free(&f);
}

struct seen {
	char text[512];
	size_t n;
	const char *stop; /* below it nothing is asked for */
};

static bool see(void *ctx, const struct folded_node *node)
{
	struct seen *s = ctx;

	s->n += (size_t)snprintf(s->text + s->n, sizeof(s->text) - s->n, "%u %.*s %u %u\n",
				 node->depth, (int)node->len, node->name, (unsigned)node->value,
				 (unsigned)node->self);
	return !s->stop || strlen(s->stop) != node->len || memcmp(s->stop, node->name, node->len);
}

static void test_tree(void **state)
{
	struct folded f = { 0 };
	struct seen all = { 0 }, cut = { .stop = "b" };

	(void)state;
	add(&f, "a;b;c", 1);
	add(&f, "a;bb", 10);
	add(&f, "a;b", 2);
	add(&f, "a;b;d", 3);
	folded_sort(&f);
	assert_true(folded_tree(&f, see, &all));
	assert_string_equal(all.text,
			    "0 all 16 0\n1 a 16 0\n2 bb 10 10\n2 b 6 2\n3 d 3 3\n3 c 1 1\n");
	assert_true(folded_tree(&f, see, &cut));
	assert_string_equal(cut.text, "0 all 16 0\n1 a 16 0\n2 bb 10 10\n2 b 6 2\n");
	folded_free(&f);
}

static void test_nothing(void **state)
{
	struct folded f = { 0 };
	struct seen all = { 0 };

	(void)state;
	folded_root(&f, "read");
	folded_sort(&f);
	assert_true(folded_tree(&f, see, &all));
	assert_string_equal(all.text, "0 all 0 0\n");
	folded_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame),	cmocka_unit_test(test_sort),
		cmocka_unit_test(test_root),	cmocka_unit_test(test_tree),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
