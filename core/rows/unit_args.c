/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/rows/unit_args.h"

#include <string.h>

#include "core/base/utf8.h"

#define MORE "..."

bool args_open(struct args *args, const struct column *col, const void *rec, size_t len)
{
	struct vargs v;

	if (col->field.off > len || len - col->field.off < sizeof(v))
		return false;
	memcpy(&v, (const char *)rec + col->field.off, sizeof(v));
	if (!v.off || v.off > len || v.len > len - v.off)
		return false;
	args->at = (const char *)rec + v.off;
	args->end = args->at + v.len;
	args->left = v.max ? v.max : UINT32_MAX;
	args->cut = v.flags & VARGS_MORE;
	args->quoted = v.flags & VARGS_QUOTED;
	return true;
}

bool args_next(struct args *args, const char **arg, size_t *len)
{
	if (args->at == args->end)
		return false;
	if (!args->left) {
		args->cut = true;
		return false;
	}
	args->left--;
	*arg = args->at;
	*len = strnlen(args->at, (size_t)(args->end - args->at));
	args->at += *len;
	if (args->at < args->end)
		args->at++; /* the NUL; an argument that was cut has none */
	else if (args->cut)
		*len = utf8_whole(*arg, *len);
	return true;
}

static char *put_quoted(char *to, const char *arg, size_t len)
{
	*to++ = '"';
	for (size_t i = 0; i < len; i++) {
		if (arg[i] == '"' || arg[i] == '\\')
			*to++ = '\\';
		*to++ = arg[i];
	}
	*to++ = '"';
	return to;
}

void args_value(const struct column *col, const void *rec, size_t len, char *scratch,
		struct value *out)
{
	char *to = scratch, *limit = scratch + VALUE_SCRATCH - sizeof(" " MORE);
	struct args args;
	const char *arg;
	size_t n;

	out->kind = V_NONE;
	if (!args_open(&args, col, rec, len))
		return;
	while (args_next(&args, &arg, &n)) {
		if (to + 2 * n + 3 > limit) { /* longer than any that programs send */
			args.cut = true;
			break;
		}
		if (to != scratch)
			*to++ = ' ';
		if (args.quoted) {
			to = put_quoted(to, arg, n);
		} else {
			memcpy(to, arg, n);
			to += n;
		}
	}
	if (args.cut) {
		if (to != scratch)
			*to++ = ' ';
		memcpy(to, MORE, sizeof(MORE) - 1);
		to += sizeof(MORE) - 1;
	}
	out->kind = V_BYTES;
	out->bytes.p = scratch;
	out->bytes.len = (size_t)(to - scratch);
}
