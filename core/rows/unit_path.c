/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Paths and cut names out of records. */
#include "core/rows/unit_path.h"

#include <string.h>

#include "core/base/digits.h"
#include "core/base/utf8.h"

#define MARK "…" /* of what was longer */

static void set_bytes(struct value *out, const char *p, size_t len)
{
	out->kind = V_BYTES;
	out->bytes.p = p;
	out->bytes.len = len;
}

/* Are @len bytes at @off inside a record of @rec_len? */
static bool inside(size_t off, size_t len, size_t rec_len)
{
	return off <= rec_len && len <= rec_len - off;
}

static char *append(char *to, const char *s, size_t n)
{
	memcpy(to, s, n);
	return to + n;
}

void set_cut(struct value *out, const char *p, size_t len, char *scratch)
{
	char *to = append(scratch, p, utf8_whole(p, len));

	set_bytes(out, scratch, (size_t)(append(to, MARK, strlen(MARK)) - scratch));
}

/* The components at @src, leaf first and NUL-ended, as "root/../leaf". Returns the new end. */
static char *reverse_components(char *to, const char *src, size_t len)
{
	bool first = true;
	size_t end = len;

	while (end > 0) {
		size_t start;

		if (src[end - 1] == '\0') {
			end--;
			continue;
		}
		start = end;
		while (start > 0 && src[start - 1] != '\0')
			start--;
		if (!first)
			*to++ = '/';
		first = false;
		to = append(to, src + start, end - start);
		end = start;
	}
	return to;
}

/* As the kernel's d_path(): pipe:[123], anon_inode:[eventpoll], memfd:name. */
static void read_pseudo(const struct vpath *v, const char *rec, char *scratch, struct value *out)
{
	size_t len = strnlen(rec + v->off, v->len);
	char *to = scratch;

	if (len == 0)
		return;
	if (!v->ino && !memchr(rec + v->off, ':', len))
		to = append(to, "anon_inode:", strlen("anon_inode:"));
	to = append(to, rec + v->off, len);
	if (v->ino) {
		to = append(to, ":[", 2);
		to += put_u64(to, v->ino);
		*to++ = ']';
	}
	set_bytes(out, scratch, (size_t)(to - scratch));
}

/* How many @c the @len bytes at @s begin with. */
static size_t strspn_n(const char *s, size_t len, char c)
{
	size_t n = 0;

	while (n < len && s[n] == c)
		n++;
	return n;
}

/* As getcwd(2) marks a directory that is outside of the tree. */
#define UNREACHABLE "(unreachable)"

void read_vpath(const char *p, const char *rec, size_t rec_len, char *scratch, struct value *out)
{
	struct vpath v;
	char *to = scratch, *head;
	bool cut;

	memcpy(&v, p, sizeof(v));
	cut = v.tail_off & VSTR_CUT;
	v.tail_off &= ~VSTR_CUT;
	if (!inside(v.off, v.len, rec_len) || !inside(v.tail_off, v.tail_len, rec_len) ||
	    (uint64_t)v.len + v.tail_len > VALUE_SCRATCH - 64)
		return;
	if (v.flags & VPATH_AS_PASSED) {
		if (v.tail_off && cut)
			set_cut(out, rec + v.tail_off, v.tail_len, scratch);
		else if (v.tail_off)
			set_bytes(out, rec + v.tail_off, v.tail_len);
		return;
	}
	if (v.flags & VPATH_PSEUDO)
		return read_pseudo(&v, rec, scratch, out);
	if (v.flags & VPATH_UNREACHABLE)
		to = append(to, UNREACHABLE, strlen(UNREACHABLE));
	if (v.flags & VPATH_TRUNCATED)
		to = append(to, MARK "/", strlen(MARK "/"));
	else if (v.flags & VPATH_ABSOLUTE)
		*to++ = '/';
	head = to;
	to = reverse_components(to, rec + v.off, v.len);
	if (v.tail_len) {
		const char *tail = rec + v.tail_off;
		size_t slashes = strspn_n(tail, v.tail_len, '/');

		if (to != head)
			*to++ = '/';
		if (cut)
			v.tail_len = (uint32_t)utf8_whole(tail, v.tail_len);
		if (slashes < v.tail_len)
			to = append(to, tail + slashes, v.tail_len - slashes);
		to = append(to, MARK, cut ? strlen(MARK) : 0);
	}
	if (to == scratch)
		return;
	if (v.flags & VPATH_DELETED)
		to = append(to, " (deleted)", strlen(" (deleted)"));
	set_bytes(out, scratch, (size_t)(to - scratch));
}
