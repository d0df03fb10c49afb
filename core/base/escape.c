/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/escape.h"

#include <stdint.h>
#include <string.h>

#include "core/base/hidden_chars.h"
#include "core/base/utf8.h"

#define ONES (~0ull / 255)

static uint64_t load8(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Is any byte of @w zero? */
static bool has_zero(uint64_t w)
{
	return (w - ONES) & ~w & (ONES * 0x80);
}

/* Are all eight bytes of @w printable ASCII? */
static bool printable8(uint64_t w)
{
	return !(((w - ONES * 0x20) | w) & (ONES * 0x80)) && !has_zero(w ^ ONES * 0x7f);
}

static bool contains(uint64_t w, char c)
{
	return has_zero(w ^ ONES * (unsigned char)c);
}

/* ASCII that stands for itself: in text, and in a JSON string. */
static const bool plain_text[256] = { [' ' ... '['] = true, [']' ... '~'] = true };
static const bool plain_json[256] = { [' ' ... '!'] = true,
				      ['#' ... '['] = true,
				      [']' ... '~'] = true };

/* Allowed second bytes after @lead; the ends narrow what would be overlong or out of range. */
static void second_range(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	*high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
}

int utf8_decode(const char *s, size_t len, uint32_t *c)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low, high;
	int n;

	*c = u[0];
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return -1;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	*c = u[0] & (0xffu >> (n + 1));
	second_range(u[0], &low, &high);
	for (int i = 1; i < n; i++) {
		if ((size_t)i >= len || u[i] < low || u[i] > high)
			return -i;
		*c = *c << 6 | (u[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

size_t utf8_whole(const char *s, size_t len)
{
	uint32_t c;

	for (size_t n = 1; n <= 3 && n <= len; n++) {
		unsigned char lead = (unsigned char)s[len - n];

		if ((lead & 0xc0) == 0x80)
			continue;
		/* ill-formed as a whole, and it may begin a letter: only the rest is missing */
		if (lead >= 0xc2 && lead <= 0xf4 && utf8_decode(s + len - n, n, &c) == -(int)n)
			return len - n;
		return len;
	}
	return len;
}

/* Characters that show nothing, or turn or hide the text around them. */
static bool is_hidden(uint32_t c)
{
	for (size_t i = 0; i < sizeof(hidden_chars) / sizeof(hidden_chars[0]); i++)
		if (c <= hidden_chars[i].last)
			return c >= hidden_chars[i].first;
	return false;
}

static char hex_digit(unsigned v)
{
	return "0123456789abcdef"[v & 15];
}

static char *put_hex_byte(char *to, unsigned char c)
{
	to[0] = '\\';
	to[1] = 'x';
	to[2] = hex_digit(c >> 4);
	to[3] = hex_digit(c);
	return to + 4;
}

/* \n \t \e and the like, or \xNN */
static char *put_control(char *to, unsigned char c)
{
	static const char letters[] = "\a\b\t\n\v\f\r\x1b\\", names[] = "abtnvfre\\";
	const char *at = c ? strchr(letters, c) : NULL;

	if (!at)
		return put_hex_byte(to, c);
	to[0] = '\\';
	to[1] = names[at - letters];
	return to + 2;
}

/* \u{NNNN}, at least four digits */
static char *put_code_point(char *to, uint32_t c)
{
	int shift = c > 0xfffff ? 20 : c > 0xffff ? 16 : 12;

	memcpy(to, "\\u{", 3);
	to += 3;
	for (; shift >= 0; shift -= 4)
		*to++ = hex_digit(c >> shift);
	*to++ = '}';
	return to;
}

size_t escape_text(char *dst, const char *src, size_t len)
{
	char *to = dst;
	uint32_t c;

	for (size_t i = 0; i < len;) {
		int n;

		while (len - i >= 8 && printable8(load8(src + i)) &&
		       !contains(load8(src + i), '\\')) {
			memcpy(to, src + i, 8);
			to += 8;
			i += 8;
		}
		while (i < len && plain_text[(unsigned char)src[i]])
			*to++ = src[i++];
		if (i == len)
			break;
		if (!(src[i] & 0x80)) {
			to = put_control(to, (unsigned char)src[i++]);
			continue;
		}
		n = utf8_decode(src + i, len - i, &c);
		if (n < 0 || c < 0xa0) { /* not UTF-8, or C1 */
			for (int left = n < 0 ? -n : n; left > 0; left--)
				to = put_hex_byte(to, (unsigned char)src[i++]);
		} else if (is_hidden(c)) {
			to = put_code_point(to, c);
			i += (size_t)n;
		} else {
			memcpy(to, src + i, (size_t)n);
			to += n;
			i += (size_t)n;
		}
	}
	return (size_t)(to - dst);
}

static char *put_utf16_unit(char *to, unsigned v)
{
	to[0] = '\\';
	to[1] = 'u';
	for (int i = 0; i < 4; i++)
		to[2 + i] = hex_digit(v >> (12 - 4 * i));
	return to + 6;
}

/* Any character, as ASCII. */
static char *put_json_escape(char *to, uint32_t c)
{
	static const char letters[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
	const char *at = c && c < 0x80 ? strchr(letters, (int)c) : NULL;

	if (at) {
		to[0] = '\\';
		to[1] = names[at - letters];
		return to + 2;
	}
	if (c < 0x10000)
		return put_utf16_unit(to, c);
	to = put_utf16_unit(to, 0xd800 + ((c - 0x10000) >> 10));
	return put_utf16_unit(to, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

/*
 * JSON asks for escapes below U+0020 only. DEL, C1 and hidden characters get them too: the string
 * is the same to a parser, and harmless to whoever looks at the file on a terminal.
 */
static bool json_needs_escape(uint32_t c)
{
	return c < 0x20 || c == '"' || c == '\\' || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0xa0 && is_hidden(c));
}

size_t escape_json(char *dst, const char *src, size_t len, bool *was_valid)
{
	char *to = dst;
	uint32_t c;

	*was_valid = true;
	for (size_t i = 0; i < len;) {
		int n;

		while (len - i >= 8 && printable8(load8(src + i)) &&
		       !contains(load8(src + i), '\\') && !contains(load8(src + i), '"')) {
			memcpy(to, src + i, 8);
			to += 8;
			i += 8;
		}
		while (i < len && plain_json[(unsigned char)src[i]])
			*to++ = src[i++];
		if (i == len)
			break;
		n = utf8_decode(src + i, len - i, &c);
		if (n < 0) {
			*was_valid = false;
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			i += (size_t)-n;
			continue;
		}
		if (json_needs_escape(c)) {
			to = put_json_escape(to, c);
		} else {
			for (int j = 0; j < n; j++)
				*to++ = src[i + (size_t)j];
		}
		i += (size_t)n;
	}
	return (size_t)(to - dst);
}

size_t base64(char *dst, const char *src, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				     "0123456789+/";
	char *to = dst;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)(unsigned char)src[i] << 16;

		if (n > 1)
			v |= (uint32_t)(unsigned char)src[i + 1] << 8;
		if (n > 2)
			v |= (unsigned char)src[i + 2];
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*to++ = n > 2 ? digits[v & 63] : '=';
	}
	return (size_t)(to - dst);
}

size_t text_columns(const char *src, size_t len)
{
	size_t columns = 0;
	uint32_t c;

	for (size_t i = 0; i < len;) {
		int n;

		if (len - i >= 8 && !(load8(src + i) & (ONES * 0x80))) {
			columns += 8;
			i += 8;
			continue;
		}
		if (!(src[i] & 0x80)) {
			size_t start = i;

			while (i < len && !(src[i] & 0x80))
				i++;
			columns += i - start;
			continue;
		}
		n = utf8_decode(src + i, len - i, &c);
		columns += n < 0 ? 1 : char_columns(c);
		i += (size_t)(n < 0 ? -n : n);
	}
	return columns;
}
