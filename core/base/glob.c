// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/base/glob.h"

/* The byte of a set at @p, which a backslash may precede; advances @p past it. */
static unsigned char set_byte(const char **p, const char *end)
{
	if (**p == '\\' && *p + 1 < end)
		(*p)++;
	return (unsigned char)*(*p)++;
}

/*
 * Matches @c against the set that begins after the "[" at @p. Returns what follows the set, or
 * NULL if it is never closed.
 */
static const char *match_set(const char *p, const char *end, unsigned char c, bool *matched)
{
	bool negated = p < end && (*p == '!' || *p == '^');
	bool hit = false, first = true;

	if (negated)
		p++;
	for (; p < end && (first || *p != ']'); first = false) {
		unsigned char low = set_byte(&p, end), high = low;

		if (p + 1 < end && p[0] == '-' && p[1] != ']') {
			p++;
			high = set_byte(&p, end);
		}
		hit |= low <= c && c <= high;
	}
	if (p >= end)
		return NULL;
	*matched = hit != negated;
	return p + 1;
}

/* Matches one byte. Returns what follows the element at @p, or NULL if it doesn't match. */
static const char *match_one(const char *p, const char *end, unsigned char c)
{
	const char *next;
	bool matched = false;

	switch (*p) {
	case '?':
		return p + 1;
	case '[':
		next = match_set(p + 1, end, c, &matched);
		if (next)
			return matched ? next : NULL;
		break;
	case '\\':
		if (p + 1 < end)
			p++;
		break;
	}
	return (unsigned char)*p == c ? p + 1 : NULL;
}

bool glob_match(const char *pat, size_t plen, const char *s, size_t slen)
{
	const char *end = pat + plen, *s_end = s + slen;
	const char *star = NULL, *star_s = NULL; /* after the last "*", and where it ends now */

	while (s < s_end) {
		const char *next;

		if (pat < end && *pat == '*') {
			star = ++pat;
			star_s = s;
			continue;
		}
		next = pat < end ? match_one(pat, end, (unsigned char)*s) : NULL;
		if (next) {
			pat = next;
			s++;
		} else if (star) {
			/* Only the last star needs to be tried again: that keeps it polynomial. */
			pat = star;
			s = ++star_s;
		} else {
			return false;
		}
	}
	while (pat < end && *pat == '*')
		pat++;
	return pat == end;
}

size_t glob_element(const char *pat, size_t plen)
{
	const char *end = NULL;
	bool matched;

	if (*pat == '[')
		end = match_set(pat + 1, pat + plen, 0, &matched);
	else if (*pat == '\\' && plen > 1)
		end = pat + 2;
	return end ? (size_t)(end - pat) : 1;
}

size_t glob_shortest(const char *pat, size_t plen)
{
	size_t n = 0, len;

	for (; plen; pat += len, plen -= len) {
		len = glob_element(pat, plen);
		n += *pat != '*';
	}
	return n;
}

bool glob_is_plain(const char *pat, size_t plen)
{
	size_t len;

	for (; plen; pat += len, plen -= len) {
		len = glob_element(pat, plen);
		if (*pat == '*' || *pat == '?' || (*pat == '[' && len > 1))
			return false;
	}
	return true;
}
