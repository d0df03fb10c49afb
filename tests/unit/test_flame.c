// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Flame graphs: where frames lie, how wide they are, and that no name gets out of its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/flame.h"

static void plain(void *ctx, uint64_t value, char *buf, size_t size)
{
	(void)ctx;
	snprintf(buf, size, "%" PRIu64, value);
}

static void add(struct folded *f, uint64_t value, size_t n, const char *const *frames)
{
	struct text_buf line = { 0 };

	for (size_t i = 0; i < n; i++)
		folded_frame(&line, frames[i], strlen(frames[i]));
	folded_add(f, text_cstr(&line), line.len, value);
	text_free(&line);
}

#define ADD(f, value, ...)                                                                         \
	add(f, value, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *),                    \
	    (const char *[]){ __VA_ARGS__ })

static const char *draw(struct folded *f, const char *title, struct text_buf *svg)
{
	const struct flame flame = { title, plain, NULL };

	folded_sort(f);
	assert_true(flame_draw(&flame, f, svg));
	return text_cstr(svg);
}

/* The line of the frame whose title begins so. */
static void assert_frame(const char *svg, const char *title, const char *parts, double x,
			 double width)
{
	const char *at = strstr(svg, title), *rect, *begin;
	double at_x, at_width;
	unsigned y;

	assert_non_null(at);
	for (begin = at; begin > svg && begin[-1] != '\n'; begin--)
		;
	assert_memory_equal(begin, parts, strlen(parts));
	rect = strstr(at, "<rect ");
	assert_int_equal(
		sscanf(rect, "<rect x=\"%lf\" y=\"%u\" width=\"%lf\"", &at_x, &y, &at_width), 3);
	assert_true(at_x > x - 0.06 && at_x < x + 0.06);
	assert_true(at_width > width - 0.06 && at_width < width + 0.06);
}

/* The largest callee first, each above its caller, as wide as its share of 1,180. */
static void layout(void **state)
{
	struct folded f = { 0 };
	struct text_buf svg = { 0 };
	const char *s;

	(void)state;
	ADD(&f, 10, "main", "a");
	ADD(&f, 30, "main", "b", "c");
	ADD(&f, 20, "main", "b");
	ADD(&f, 40, "other");
	s = draw(&f, "t", &svg);
	assert_frame(s, "<title>all: 100, 100.00%</title>",
		     "<g class=\"f\" data-x=\"0\" data-w=\"100\">", 10, 1180);
	assert_frame(s, "<title>main: 60, 60.00%</title>",
		     "<g class=\"f\" data-x=\"0\" data-w=\"60\">", 10, 708);
	assert_frame(s, "<title>b: 50, 50.00%</title>",
		     "<g class=\"f\" data-x=\"0\" data-w=\"50\">", 10, 590);
	assert_frame(s, "<title>a: 10, 10.00%</title>",
		     "<g class=\"f\" data-x=\"50\" data-w=\"10\">", 600, 118);
	assert_frame(s, "<title>other: 40, 40.00%</title>",
		     "<g class=\"f\" data-x=\"60\" data-w=\"40\">", 718, 472);
	text_free(&svg);
	folded_free(&f);
}

static size_t count(const char *in, const char *what)
{
	size_t n = 0;

	for (; (in = strstr(in, what)); in++)
		n++;
	return n;
}

/* Nothing of a name or title is markup, or ends the script. */
static void hostile_names(void **state)
{
	struct folded f = { 0 };
	struct text_buf svg = { 0 };
	const char *s;

	(void)state;
	ADD(&f, 1, "</title><script>alert(1)</script>", "\x1b[31m]]>", "a\xff\"'&",
	    "x\xef\xbf\xbf");
	s = draw(&f, "</text><script>&\n\x01\xc0", &svg);
	assert_int_equal(count(s, "<script"), 1);
	assert_int_equal(count(s, "]]>"), 1);
	assert_int_equal(count(s, "</title>"), 5);
	assert_non_null(strstr(s, "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;: 1, "));
	assert_non_null(strstr(s, "<title>a\\xff&quot;'&amp;: 1, "));
	assert_non_null(strstr(s, "<title>x?: 1, "));
	assert_non_null(strstr(s, ">&lt;/text&gt;&lt;script&gt;&amp;\\n\\x01\\xc0</text>"));
	assert_null(strchr(s, '\x1b'));
	text_free(&svg);
	folded_free(&f);
}

#define U1 "\xc3\xa4"
#define U4 U1 U1 U1 U1

/* A name that doesn't fit is cut between letters; what is too narrow to be seen isn't there. */
static void narrow(void **state)
{
	struct folded f = { 0 };
	struct text_buf svg = { 0 };
	const char *s;

	(void)state;
	ADD(&f, 1200, U4 U4 U1 U1 U1);
	ADD(&f, 950, "fifteen");
	ADD(&f, 20000, "wide");
	ADD(&f, 1, "unseen");
	s = draw(&f, "t", &svg);
	assert_null(strstr(s, "unseen"));
	assert_non_null(strstr(s, ">fift..</text>"));
	assert_non_null(strstr(s, ">" U4 U1 U1 "..</text>"));
	text_free(&svg);
	folded_free(&f);
}

static void nothing(void **state)
{
	struct folded f = { 0 };
	struct text_buf svg = { 0 };

	(void)state;
	assert_int_equal(count(draw(&f, "t", &svg), "class=\"f\""), 0);
	text_free(&svg);
	folded_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(narrow),
		cmocka_unit_test(nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
