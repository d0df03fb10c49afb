/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/rows/call_text.h"

#include <string.h>

#include "core/base/digits.h"

char *put_str(char *to, const char *s)
{
	size_t n = strlen(s);

	memcpy(to, s, n);
	return to + n;
}

char *put_flags(char *to, const struct flag_name *names, uint64_t bits)
{
	const char *start = to;

	for (; names->name; names++) {
		if (!(bits & names->value))
			continue;
		if (to != start)
			*to++ = '|';
		to = put_str(to, names->name);
		bits &= ~names->value;
	}
	if (bits && to != start)
		*to++ = '|';
	return bits || to == start ? to + put_hex(to, bits) : to;
}
