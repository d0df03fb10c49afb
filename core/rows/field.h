/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Where a value sits in a record, and what C type it has. FIELD() takes all of it from the struct
 * itself, so that a column or option can't drift from the data it describes.
 */
#ifndef IOSONDE_FIELD_H
#define IOSONDE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/shared.h"

enum field_kind {
	F_NONE, /* no field: the end of a table */
	F_U8,
	F_U16,
	F_U32,
	F_U64,
	F_S8,
	F_S16,
	F_S32,
	F_S64,
	F_BOOL,
	F_CHARS, /* char[], NUL-terminated unless full */
	F_CSTR,	 /* const char *, rows built in user space only; NULL is "no value" */
	F_VSTR,
	F_VPATH,
	F_VSTACK,
	F_VARGS,
	F_ADDR,
	F_KEPT,	     /* struct kept */
	F_KEPT_BOOL, /* the same, of a bool */
};

/*
 * A number that was read out of another record before, rows built in user space only. Unlike the
 * other kinds it knows by itself whether there is one.
 */
struct kept {
	union {
		uint64_t number;
		const char *text; /* instead of a number; static */
	};
	uint32_t kind; /* enum value_kind */
	uint32_t reserved;
};

struct field {
	uint32_t off;
	uint32_t size;
	enum field_kind kind;
};

/* clang-format off */
#define FIELD_KIND(x) _Generic((x),                                                               \
	__u8: F_U8, __u16: F_U16, __u32: F_U32, __u64: F_U64, uint64_t: F_U64,                    \
	__s8: F_S8, __s16: F_S16, __s32: F_S32, __s64: F_S64, int64_t: F_S64,                     \
	bool: F_BOOL, char *: F_CHARS, const char *: F_CSTR,                                      \
	struct vstr: F_VSTR, struct vpath: F_VPATH, struct vstack: F_VSTACK, struct vargs: F_VARGS, \
	struct net_addr: F_ADDR,                                                                  \
	struct kept: F_KEPT)
/* clang-format on */

static inline bool field_is_bool(const struct field *f)
{
	return f->kind == F_BOOL || f->kind == F_KEPT_BOOL;
}

#ifndef FIELD /* cppcheck takes the null pointer below for an access */
#define FIELD(type, member)                                                                        \
	{                                                                                          \
		.off = offsetof(type, member), .size = sizeof(((type *)0)->member),                \
		.kind = FIELD_KIND(((type *)0)->member)                                            \
	}
#endif

/* Is the member @f of @cfg, the tool's, set? */
static inline bool field_is_set(const void *cfg, const struct field *f)
{
	const unsigned char *p = (const unsigned char *)cfg + f->off;

	for (uint32_t i = 0; i < f->size; i++)
		if (p[i])
			return true;
	return false;
}

#endif
