/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A strict reader of JSON (RFC 8259) for tests: it shares no code with what it checks. UTF-8 is
 * checked by the C library's iconv.
 */
#ifndef IOSONDE_TESTS_JSON_CHECK_H
#define IOSONDE_TESTS_JSON_CHECK_H

#include <iconv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline bool utf8_is_valid(const char *s, size_t len)
{
	iconv_t cd = iconv_open("UTF-32LE", "UTF-8");
	size_t room = 4 * len + 4, left = len;
	char *out = malloc(room), *to = out, *from = (char *)s;
	bool ok = iconv(cd, &from, &left, &to, &room) != (size_t)-1 && left == 0;

	iconv_close(cd);
	free(out);
	return ok;
}

/* Where the reader is; NULL after a mistake. */
struct json_reader {
	const char *p, *end;
};

static inline bool json_eat(struct json_reader *r, const char *word)
{
	size_t n = strlen(word);

	if (!r->p || (size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

static inline int json_hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF", *at = strchr(digits, p[i]);

		if (!p[i] || !at)
			return -1;
		v = v * 16 + (int)((at - digits) % 16);
	}
	return v;
}

static inline size_t json_put_utf8(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* What follows "\u"; a surrogate must have its other half. */
static inline bool json_unicode(struct json_reader *r, char **to)
{
	int c = r->end - r->p < 4 ? -1 : json_hex4(r->p), low;

	if (c < 0 || (c >= 0xdc00 && c < 0xe000))
		return false;
	r->p += 4;
	if (c >= 0xd800 && c < 0xdc00) {
		if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
			return false;
		low = json_hex4(r->p + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		r->p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	*to += json_put_utf8(*to, (uint32_t)c);
	return true;
}

/* Reads a string into @to (room for all that is left), decoded. */
static inline bool json_string_value(struct json_reader *r, char *to, size_t *len)
{
	static const char names[] = "\"\\/bfnrt", chars[] = "\"\\/\b\f\n\r\t";
	char *start = to;

	if (!json_eat(r, "\""))
		return false;
	while (r->p < r->end && *r->p != '"') {
		const char *at;

		if ((unsigned char)*r->p < 0x20)
			return false;
		if (*r->p != '\\') {
			*to++ = *r->p++;
			continue;
		}
		if (++r->p == r->end)
			return false;
		if (*r->p == 'u') {
			r->p++;
			if (!json_unicode(r, &to))
				return false;
			continue;
		}
		at = *r->p ? strchr(names, *r->p) : NULL;
		if (!at)
			return false;
		*to++ = chars[at - names];
		r->p++;
	}
	*len = (size_t)(to - start);
	return json_eat(r, "\"");
}

static inline bool json_digits(struct json_reader *r)
{
	const char *start = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return r->p > start;
}

static inline bool json_number_value(struct json_reader *r)
{
	json_eat(r, "-");
	if (!json_eat(r, "0") && !json_digits(r))
		return false;
	return !json_eat(r, ".") || json_digits(r);
}

static inline bool json_value(struct json_reader *r)
{
	char *room;
	size_t len;
	bool ok;

	if (json_eat(r, "null") || json_eat(r, "true") || json_eat(r, "false"))
		return true;
	if (r->p < r->end && *r->p == '"') {
		room = malloc((size_t)(r->end - r->p));
		ok = json_string_value(r, room, &len);
		free(room);
		return ok;
	}
	if (json_eat(r, "[")) {
		if (json_eat(r, "]"))
			return true;
		do {
			if (!json_value(r))
				return false;
		} while (json_eat(r, ","));
		return json_eat(r, "]");
	}
	return json_number_value(r);
}

/* Is @line (without its newline) one object, flat but for arrays, with no key twice? */
static inline bool json_is_flat_object(const char *line, size_t len)
{
	struct json_reader r = { line, line + len };
	char keys[64][64];
	size_t n = 0, key_len;

	if (!utf8_is_valid(line, len) || !json_eat(&r, "{"))
		return false;
	do {
		if (n == 64 || (size_t)(r.end - r.p) < 3 || !memchr(r.p + 1, '"', 60) ||
		    !json_string_value(&r, keys[n], &key_len))
			return false;
		keys[n][key_len] = '\0';
		for (size_t i = 0; i < n; i++)
			if (strcmp(keys[i], keys[n]) == 0)
				return false;
		n++;
		if (!json_eat(&r, ":") || !json_value(&r))
			return false;
	} while (json_eat(&r, ","));
	return json_eat(&r, "}") && r.p == r.end;
}

#endif
