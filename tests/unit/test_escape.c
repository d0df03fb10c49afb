/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/escape.h"
#include "core/base/utf8.h"
#include "tests/unit/json_check.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(s) s, sizeof(s) - 1

/* Both ends exact, so that a sanitizer sees any byte too many. */
static char *escaped(bool json, const char *src, size_t len, size_t *out_len, bool *valid)
{
	char *in = malloc(len ? len : 1), *out = malloc(ESCAPE_MAX * len + 1);

	memcpy(in, src, len);
	*out_len = json ? escape_json(out, in, len, valid) : escape_text(out, in, len);
	assert_true(*out_len <= ESCAPE_MAX * len);
	out[*out_len] = '\0';
	free(in);
	return out;
}

static const struct {
	const char *src;
	size_t len;
	const char *text;
} text_cases[] = {
	{ BYTES(""), "" },
	{ BYTES("plain/path name.txt"), "plain/path name.txt" },
	{ BYTES("quotes \" ' stay"), "quotes \" ' stay" },
	{ BYTES("a\nb"), "a\\nb" },
	{ BYTES("a\tb\rc"), "a\\tb\\rc" },
	{ BYTES("\a\b\v\f"), "\\a\\b\\v\\f" },
	{ BYTES("\x1b[31mred\x1b[0m"), "\\e[31mred\\e[0m" },
	{ BYTES("\0"), "\\x00" },
	{ BYTES("\x01\x1f\x7f"), "\\x01\\x1f\\x7f" },
	{ BYTES("back\\slash"), "back\\\\slash" },
	{ BYTES("\\x1b"), "\\\\x1b" },
	{ BYTES("caf\xc3\xa9"), "caf\xc3\xa9" },
	{ BYTES("\xe6\x96\x87\xe5\xad\x97"), "\xe6\x96\x87\xe5\xad\x97" },
	{ BYTES("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80" },
	{ BYTES("\xc2\x9b"
		"31m"),
	  "\\xc2\\x9b31m" },
	{ BYTES("\xc2\x85"), "\\xc2\\x85" },
	{ BYTES("\xc2\xa0"), "\xc2\xa0" },
	{ BYTES("\xc2\xad"), "\\u{00ad}" },
	{ BYTES("\xe2\x80\xae"
		"gpj.exe"),
	  "\\u{202e}gpj.exe" },
	{ BYTES("a\xe2\x80\x8b"
		"b"),
	  "a\\u{200b}b" },
	{ BYTES("\xe2\x80\xa8"), "\\u{2028}" },
	{ BYTES("\xe2\x81\xa6"), "\\u{2066}" },
	{ BYTES("\xef\xbb\xbf"), "\\u{feff}" },
	{ BYTES("\xf3\xa0\x80\x81"), "\\u{e0001}" },
	/* Unicode calls them ignorable: fillers, joiners, variation selectors, tags */
	{ BYTES("a\xcd\x8f"), "a\\u{034f}" },
	{ BYTES("\xe1\x85\x9f\xe1\x85\xa0"), "\\u{115f}\\u{1160}" },
	{ BYTES("\xe1\x9e\xb4\xe1\xa0\x8b"), "\\u{17b4}\\u{180b}" },
	{ BYTES("\xe3\x85\xa4\xef\xb8\x8f"), "\\u{3164}\\u{fe0f}" },
	{ BYTES("\xef\xbe\xa0\xef\xbf\xb0"), "\\u{ffa0}\\u{fff0}" },
	{ BYTES("\xf3\xa0\x82\x80\xf3\xa0\x84\x80"), "\\u{e0080}\\u{e0100}" },
	/* and their neighbours, which are seen */
	{ BYTES("\xcd\x8e\xcd\x90"), "\xcd\x8e\xcd\x90" },
	{ BYTES("\xe1\x85\x9e\xe1\x85\xa1"), "\xe1\x85\x9e\xe1\x85\xa1" },
	{ BYTES("\xef\xbf\xbc\xef\xbf\xbd"), "\xef\xbf\xbc\xef\xbf\xbd" },
	{ BYTES("\xf3\xa1\x80\x80"), "\xf3\xa1\x80\x80" },
	{ BYTES("\xff"), "\\xff" },
	{ BYTES("\xc3"), "\\xc3" },
	{ BYTES("\xc0\xaf"), "\\xc0\\xaf" },
	{ BYTES("\xe2\x80"), "\\xe2\\x80" },
	{ BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
	{ BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" },
	{ BYTES("\xf5\x80"), "\\xf5\\x80" },
	{ BYTES("1234567\n"), "1234567\\n" },
	{ BYTES("12345678\n12345678"), "12345678\\n12345678" },
	{ BYTES("1234567\xc3\xa9"), "1234567\xc3\xa9" },
};

static void text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(text_cases); i++) {
		size_t n;
		char *out = escaped(false, text_cases[i].src, text_cases[i].len, &n, NULL);

		assert_string_equal(out, text_cases[i].text);
		assert_int_equal(n, strlen(text_cases[i].text));
		free(out);
	}
}

/* Each special byte at each place of the eight that are looked at together. */
static void every_byte_at_every_place(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < 17; at++) {
			char src[17], want[64];
			size_t n, len;
			char *out;
			bool valid;

			memset(src, 'a', sizeof(src));
			src[at] = (char)c;
			out = escaped(false, src, sizeof(src), &n, NULL);
			len = (size_t)snprintf(want, sizeof(want), "%.*s", (int)at, src);
			if (c >= 0x20 && c < 0x7f && c != '\\')
				assert_int_equal(n, 17);
			else
				assert_int_equal(out[at], '\\');
			assert_memory_equal(out, want, len);
			assert_memory_equal(out + n - (16 - at), src + at + 1, 16 - at);
			free(out);
			out = escaped(true, src, sizeof(src), &n, &valid);
			assert_int_equal(valid, c < 0x80);
			assert_int_equal(n == 17, c >= 0x20 && c < 0x7f && c != '\\' && c != '"');
			assert_memory_equal(out + n - (16 - at), src + at + 1, 16 - at);
			free(out);
		}
	}
}

static int hex_value(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Undoes escape_text(). */
static size_t unescape(char *to, const char *s, size_t len)
{
	static const char names[] = "abtnvfre\\", chars[] = "\a\b\t\n\v\f\r\x1b\\";
	char *start = to;

	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\\') {
			*to++ = s[i];
			continue;
		}
		i++;
		assert_true(i < len);
		if (s[i] == 'x') {
			assert_true(i + 2 < len);
			*to++ = (char)(hex_value(s[i + 1]) << 4 | hex_value(s[i + 2]));
			i += 2;
		} else if (s[i] == 'u') {
			uint32_t c = 0;

			for (i += 2; s[i] != '}'; i++)
				c = c << 4 | (uint32_t)hex_value(s[i]);
			to += json_put_utf8(to, c);
		} else {
			assert_non_null(strchr(names, s[i]));
			*to++ = chars[strchr(names, s[i]) - names];
		}
	}
	return (size_t)(to - start);
}

static void assert_harmless(const char *s, size_t len)
{
	assert_true(utf8_is_valid(s, len));
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		assert_true(c >= 0x20 && c != 0x7f);
		assert_false(c == 0xc2 && (unsigned char)s[i + 1] < 0xa0); /* C1 */
	}
	assert_null(strstr(s, "\xe2\x80\xae"));
	assert_null(strstr(s, "\xe2\x80\x8b"));
}

static void check_all(const char *src, size_t len)
{
	bool valid, really = utf8_is_valid(src, len);
	char *back = malloc(ESCAPE_MAX * len + 4), *out;
	struct json_reader r;
	char *quoted;
	size_t n, m;

	out = escaped(false, src, len, &n, NULL);
	assert_harmless(out, n);
	m = unescape(back, out, n);
	assert_int_equal(m, len);
	assert_memory_equal(back, src, len);
	free(out);

	out = escaped(true, src, len, &n, &valid);
	assert_int_equal(valid, really);
	assert_harmless(out, n);
	quoted = malloc(n + 2);
	quoted[0] = quoted[n + 1] = '"';
	memcpy(quoted + 1, out, n);
	r = (struct json_reader){ quoted, quoted + n + 2 };
	assert_true(json_string_value(&r, back, &m));
	assert_ptr_equal(r.p, r.end);
	if (really) {
		assert_int_equal(m, len);
		assert_memory_equal(back, src, len);
	} else {
		assert_non_null(memmem(back, m, "\xef\xbf\xbd", 3));
	}
	free(quoted);
	free(out);
	free(back);
}

static void all_pairs(void **state)
{
	char src[3] = "..x";

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		for (unsigned b = 0; b < 256; b++) {
			src[0] = (char)a;
			src[1] = (char)b;
			check_all(src, 2);
			if (a >= 0x80)
				check_all(src, 3);
		}
	}
}

static void random_bytes(void **state)
{
	static const char *const pieces[] = { "\xe2\x80",
					      "\xf0\x9f\x98\x80",
					      "\xed\xa0\x80",
					      "\xc2",
					      "\x9b",
					      "abcdefghij",
					      "\x1b[",
					      "\"",
					      "\\",
					      "\xf3\xa0\x80\x81",
					      "\xe2\x80\xae",
					      "\xe0\x80",
					      "\xf4\x8f\xbf\xbf",
					      "\xef\xbf\xbf" };
	char src[128];

	(void)state;
	srandom(7);
	for (int i = 0; i < 20000; i++) {
		size_t len = 0, limit = (size_t)random() % 100;

		while (len < limit) {
			if (random() % 2) {
				const char *p = pieces[(size_t)random() % COUNT(pieces)];

				memcpy(src + len, p, strlen(p));
				len += strlen(p);
			} else {
				src[len++] = (char)random();
			}
		}
		check_all(src, len);
	}
}

static void every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c < 0x110000; c++) {
		uint32_t back;
		char s[4];
		size_t n;

		if (c >= 0xd800 && c < 0xe000)
			continue;
		n = json_put_utf8(s, c);
		assert_int_equal(utf8_decode(s, n, &back), n);
		assert_int_equal(back, c);
		for (size_t cut = 1; cut < n; cut++)
			assert_int_equal(utf8_decode(s, cut, &back), -(int)cut);
	}
}

/* The examples of the Unicode standard, tables 3-8 to 3-11: one U+FFFD per maximal subpart. */
static void replaces_as_unicode_recommends(void **state)
{
	static const struct {
		const char *src, *want;
	} cases[] = {
		{ "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82"
		  "A",
		  "????????A" },
		{ "\xed\xa0\x80\xed\xbf\xbf\xed\xaf"
		  "A",
		  "????????A" },
		{ "\xf4\x91\x92\x93\xff"
		  "A\x80\xbf"
		  "B",
		  "?????A??B" },
		{ "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf"
		  "A",
		  "????A" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char got[32] = "";
		size_t n, g = 0;
		bool valid;
		char *out = escaped(true, cases[i].src, strlen(cases[i].src), &n, &valid);

		for (size_t at = 0; at < n; at++) {
			if (strncmp(out + at, "\xef\xbf\xbd", 3) == 0) {
				got[g++] = '?';
				at += 2;
			} else {
				got[g++] = out[at];
			}
		}
		assert_string_equal(got, cases[i].want);
		free(out);
	}
}

static void json(void **state)
{
	static const struct {
		const char *src;
		size_t len;
		const char *want;
	} cases[] = {
		{ BYTES(""), "" },
		{ BYTES("a\"b\\c/d"), "a\\\"b\\\\c/d" },
		{ BYTES("\b\f\n\r\t"), "\\b\\f\\n\\r\\t" },
		{ BYTES("\0\x1f\x7f"), "\\u0000\\u001f\\u007f" },
		{ BYTES("\xc3\xa9"), "\xc3\xa9" },
		{ BYTES("\xc2\x9b"), "\\u009b" },
		{ BYTES("\xe2\x80\xae"), "\\u202e" },
		{ BYTES("\xf3\xa0\x80\x81"), "\\udb40\\udc01" },
		{ BYTES("a\xff"), "a\xef\xbf\xbd" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n;
		bool valid;
		char *out = escaped(true, cases[i].src, cases[i].len, &n, &valid);

		assert_string_equal(out, cases[i].want);
		free(out);
	}
}

static void base64_vectors(void **state)
{
	static const struct {
		const char *src;
		size_t len;
		const char *want;
	} cases[] = {
		{ BYTES(""), "" },
		{ BYTES("f"), "Zg==" },
		{ BYTES("fo"), "Zm8=" },
		{ BYTES("foo"), "Zm9v" },
		{ BYTES("foob"), "Zm9vYg==" },
		{ BYTES("fooba"), "Zm9vYmE=" },
		{ BYTES("foobar"), "Zm9vYmFy" },
		{ BYTES("\xff\xfe\xfd"), "//79" },
		{ BYTES("\xfb\xef\xbe"), "++++" },
		{ BYTES("\0"), "AA==" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t room = 4 * ((cases[i].len + 2) / 3);
		char *out = malloc(room ? room : 1);

		assert_int_equal(base64(out, cases[i].src, cases[i].len), room);
		assert_int_equal(room, strlen(cases[i].want));
		assert_memory_equal(out, cases[i].want, room);
		free(out);
	}
}

static void columns(void **state)
{
	static const struct {
		const char *src;
		size_t columns;
	} cases[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "12345678", 8 },
		{ "123456789", 9 },
		{ "caf\xc3\xa9", 4 },
		{ "cafe\xcc\x81", 4 },		   /* combining acute */
		{ "\xe6\x96\x87\xe5\xad\x97", 4 }, /* two ideographs */
		{ "\xed\x95\x9c", 2 },		   /* a Hangul syllable */
		{ "\xef\xbc\xa1", 2 },		   /* full-width A */
		{ "\xef\xbd\xb1", 1 },		   /* half-width katakana */
		{ "\xf0\x9f\x98\x80", 2 },	   /* an emoji */
		{ "…", 1 },
		{ "▇", 1 },
		{ "\xcf\x80", 1 },
		{ "12345678\xe6\x96\x87"
		  "12345678",
		  18 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(text_columns(cases[i].src, strlen(cases[i].src)),
				 cases[i].columns);
	assert_int_equal(text_columns("\xff\xe2\x80", 3), 2);
	for (uint32_t c = 0x20; c < 0x7f; c++)
		assert_int_equal(char_columns(c), 1);
	assert_int_equal(char_columns(0x2fffd), 2);
	assert_int_equal(char_columns(0x10ffff), 1);
}

/* What is left of a text that was cut there: whole letters, and bytes that are none. */
static void whole_letters(void **state)
{
	static const struct {
		const char *src;
		size_t len, whole;
	} cases[] = {
		{ BYTES(""), 0 },
		{ BYTES("abc"), 3 },
		{ BYTES("a\xc3\xa9"), 3 },
		{ BYTES("a\xc3"), 1 },
		{ BYTES("a\xe6\x96\x87"), 4 },
		{ BYTES("a\xe6\x96"), 1 },
		{ BYTES("a\xe6"), 1 },
		{ BYTES("\xf0\x9f\x98"), 0 },
		{ BYTES("a\xff"), 2 },
		{ BYTES("a\x96"), 2 },
		{ BYTES("a\xc3\xc3"), 2 },
		{ BYTES("a\xe0\x80"), 3 },
		{ BYTES("\x96\x96\x96\x96"), 4 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(utf8_whole(cases[i].src, cases[i].len), cases[i].whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(every_byte_at_every_place),
		cmocka_unit_test(all_pairs),
		cmocka_unit_test(random_bytes),
		cmocka_unit_test(every_character),
		cmocka_unit_test(replaces_as_unicode_recommends),
		cmocka_unit_test(json),
		cmocka_unit_test(base64_vectors),
		cmocka_unit_test(columns),
		cmocka_unit_test(whole_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
