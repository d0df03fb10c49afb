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

#include <zlib.h>

#include "out/flame.h"
#include "out/flame_export.h"

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

/* The frame with that title has that colour. */
static void assert_fill(const char *svg, const char *title, const char *fill)
{
	const char *at = strstr(svg, title);

	assert_non_null(at);
	at = strstr(at, "fill=\"");
	assert_memory_equal(at + 6, fill, strlen(fill));
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

/* Half of it before: red, half as pale as it can be; what had more is blue; what wasn't there, deep
 * red. */
static void changes_have_colours(void **state)
{
	struct folded now = { 0 }, before = { 0 };
	struct flame flame = { "t", plain, NULL, &before };
	struct text_buf svg = { 0 };

	(void)state;
	ADD(&now, 40, "a", "more");
	ADD(&now, 20, "a", "less");
	ADD(&now, 40, "a", "new");
	ADD(&before, 2, "a", "more");
	ADD(&before, 4, "a", "less");
	ADD(&before, 4, "a", "gone");
	folded_sort(&now);
	folded_sort(&before);
	assert_true(flame_draw(&flame, &now, &svg));
	assert_non_null(strstr(text_cstr(&svg), "<title>a: 100, 100.00%, was 100.00%</title>"));
	assert_fill(svg.data, "more: 40, 40.00%, was 20.00%", "rgb(245,150,150)");
	assert_fill(svg.data, "less: 20, 20.00%, was 40.00%", "rgb(150,150,245)");
	assert_fill(svg.data, "new: 40, 40.00%, was 0.00%", "rgb(245,55,55)");
	assert_null(strstr(svg.data, "gone"));
	text_free(&svg);
	folded_free(&now);
	folded_free(&before);
}

static const struct flame_export exported = { "a \"b\"", "count", false, 7 };

static void for_speedscope(void **state)
{
	struct folded f = { 0 };
	struct text_buf out = { 0 };

	(void)state;
	ADD(&f, 3, "main", "x\"y", "main");
	ADD(&f, 4, "main");
	folded_sort(&f);
	assert_true(speedscope_write(&exported, &f, &out));
	assert_non_null(strstr(text_cstr(&out), "\"name\":\"a \\\"b\\\"\",\"shared\":{\"frames\":["
						"{\"name\":\"main\"},{\"name\":\"x\\\"y\"}]},"));
	assert_non_null(strstr(out.data, "\"unit\":\"none\",\"startValue\":0,\"endValue\":7,"
					 "\"samples\":[[0],[0,1,0]],\"weights\":[4,3]}]}"));
	text_free(&out);
	folded_free(&f);
}

static void for_pprof(void **state)
{
	/* sample_type {1, 2}, sample {location 2, 1; value 300}, function and location 1 and 2 ...
	 */
	static const unsigned char begin[] = { 0x0a, 4,	   0x08, 1,    0x10, 2,	   0x12, 7,
					       0x08, 2,	   0x08, 1,    0x10, 0xac, 0x02, 0x2a,
					       6,    0x08, 1,	 0x10, 4,    0x18, 4,	 0x22,
					       6,    0x08, 1,	 0x22, 2,    0x08, 1 };
	unsigned char plain_bytes[512];
	struct folded f = { 0 };
	struct text_buf out = { 0 };
	z_stream z = { 0 };

	(void)state;
	ADD(&f, 300, "main", "inner");
	folded_sort(&f);
	assert_true(pprof_write(&exported, &f, &out));
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (Bytef *)out.data;
	z.avail_in = (uInt)out.len;
	z.next_out = plain_bytes;
	z.avail_out = sizeof(plain_bytes);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_true(z.total_out > sizeof(begin));
	assert_memory_equal(plain_bytes, begin, sizeof(begin));
	inflateEnd(&z);
	text_free(&out);
	folded_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(narrow),
		cmocka_unit_test(nothing),
		cmocka_unit_test(changes_have_colours),
		cmocka_unit_test(for_speedscope),
		cmocka_unit_test(for_pprof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
