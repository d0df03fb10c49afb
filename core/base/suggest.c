// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/base/suggest.h"

#include <ctype.h>
#include <string.h>

#include "core/base/escape.h"

/* Longer words have no near neighbours among names. */
#define WORD_MAX 63

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions
 * and swaps of neighbours. Case doesn't count. Both words have at most WORD_MAX bytes.
 */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *reuse = before;

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1,
				       last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = reuse;
	}
	return last[b_len];
}

const char *suggest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strlen(word), best_distance = len / 3 ? len / 3 : 1;
	const char *best = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t candidate_len = candidates[i] ? strlen(candidates[i]) : 0, d;

		if (candidate_len == 0 || candidate_len > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], candidate_len);
		/* A single letter is one substitution from every other: not a likeness. */
		if (d >= len && d >= candidate_len)
			continue;
		if (d < best_distance || (d == best_distance && !best)) {
			best = candidates[i];
			best_distance = d;
		}
	}
	return best;
}

const char *shown(char buf[SHOWN_MAX], const char *s, size_t len)
{
	size_t out = 0;
	bool cut = false;
	const size_t room = SHOWN_MAX - 4;

	while (len > 0) {
		char piece[4 * ESCAPE_MAX];
		size_t n = 1, piece_len;

		/* A character at a time, so that none is cut in two. */
		while (n < len && n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80)
			n++;
		piece_len = escape_text(piece, s, n);
		if (out + piece_len > room) {
			cut = true;
			break;
		}
		memcpy(buf + out, piece, piece_len);
		out += piece_len;
		s += n;
		len -= n;
	}
	memcpy(buf + out, cut ? "..." : "\0\0\0", 4);
	return buf;
}
