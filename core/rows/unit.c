/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Values out of records. Records come from a ring buffer, a file or a fuzzer: nothing is trusted.
 */
#include "core/rows/unit.h"

#include <stdio.h>
#include <string.h>

#include "core/base/digits.h"
#include "core/base/utf8.h"
#include "core/names/cgroup.h"
#include "core/names/disk.h"
#include "core/names/ids.h"
#include "core/rows/syscalls.h"
#include "core/rows/unit_addr.h"
#include "core/rows/unit_args.h"
#include "core/rows/unit_path.h"

static void set_bytes(struct value *out, const char *p, size_t len)
{
	out->kind = V_BYTES;
	out->bytes.p = p;
	out->bytes.len = len;
}

static void set_int(struct value *out, int64_t i)
{
	out->kind = V_INT;
	out->i = i;
}

static void set_uint(struct value *out, uint64_t u)
{
	out->kind = V_UINT;
	out->u = u;
}

/* Are @len bytes at @off inside a record of @rec_len? */
static bool inside(size_t off, size_t len, size_t rec_len)
{
	return off <= rec_len && len <= rec_len - off;
}

#define LOAD(type, p)                                                                              \
	({                                                                                         \
		type v_;                                                                           \
		memcpy(&v_, p, sizeof(v_));                                                        \
		v_;                                                                                \
	})

/* One that fills its room and ends inside a letter was cut there: the kernel does it to comm. */
static void read_chars(const char *p, size_t size, char *scratch, struct value *out)
{
	size_t len = strnlen(p, size);

	if (len + 1 >= size && utf8_whole(p, len) < len && len < CUT_MAX)
		set_cut(out, p, len, scratch);
	else
		set_bytes(out, p, len);
}

static char *append(char *to, const char *s, size_t n)
{
	memcpy(to, s, n);
	return to + n;
}

static void read_cstr(const char *p, struct value *out)
{
	const char *s = LOAD(const char *, p);

	if (s)
		set_bytes(out, s, strlen(s));
}

static void read_vstr(const char *p, const char *rec, size_t rec_len, char *scratch,
		      struct value *out)
{
	struct vstr v = LOAD(struct vstr, p);
	size_t off = v.off & ~VSTR_CUT;

	if (!off || !inside(off, v.len, rec_len))
		return;
	if (v.off & VSTR_CUT && v.len < CUT_MAX)
		set_cut(out, rec + off, v.len, scratch);
	else
		set_bytes(out, rec + off, v.len);
}

static void read_vstack(const char *p, const char *rec, size_t rec_len, struct value *out)
{
	struct vstack v = LOAD(struct vstack, p);
	size_t len = v.len - v.len % sizeof(uint64_t);

	if (len && inside(v.off, v.len, rec_len))
		set_bytes(out, rec + v.off, len);
}

static void read_kept(const char *p, struct value *out)
{
	struct kept k = LOAD(struct kept, p);

	if (k.kind == V_INT)
		set_int(out, (int64_t)k.number);
	else if (k.kind == V_UINT)
		set_uint(out, k.number);
	else if (k.kind == V_BYTES)
		set_bytes(out, k.text, strlen(k.text));
}

/* Leaves @out alone (V_NONE) where there is no value. */
static void read_field(const struct field *f, const char *rec, size_t len, char *scratch,
		       struct value *out)
{
	const char *p = rec + f->off;

	switch (f->kind) {
	case F_NONE:
		return;
	case F_U8:
		return set_uint(out, LOAD(uint8_t, p));
	case F_U16:
		return set_uint(out, LOAD(uint16_t, p));
	case F_U32:
		return set_uint(out, LOAD(uint32_t, p));
	case F_U64:
		return set_uint(out, LOAD(uint64_t, p));
	case F_S8:
		return set_int(out, LOAD(int8_t, p));
	case F_S16:
		return set_int(out, LOAD(int16_t, p));
	case F_S32:
		return set_int(out, LOAD(int32_t, p));
	case F_S64:
		return set_int(out, LOAD(int64_t, p));
	case F_BOOL:
		return set_uint(out, LOAD(uint8_t, p) != 0);
	case F_CHARS:
		return read_chars(p, f->size, scratch, out);
	case F_CSTR:
		return read_cstr(p, out);
	case F_VSTR:
		return read_vstr(p, rec, len, scratch, out);
	case F_VPATH:
		return read_vpath(p, rec, len, scratch, out);
	case F_VSTACK:
		return read_vstack(p, rec, len, out);
	case F_KEPT:
	case F_KEPT_BOOL:
		return read_kept(p, out);
	case F_ADDR:
		return set_bytes(out, scratch, addr_format((const void *)p, scratch, ADDR_TEXT));
	case F_VARGS: /* args_value() */
		return;
	}
}

static void name_error(char *scratch, struct value *v)
{
	uint64_t err = v->kind == V_INT && v->i < 0 ? magnitude(v->i) : 0;
	const char *name;

	v->kind = V_NONE;
	if (!err)
		return;
	name = err <= INT32_MAX ? errno_name((int)err) : NULL;
	if (name)
		set_bytes(v, name, strlen(name));
	else
		set_bytes(v, scratch, put_u64(scratch, err));
}

/* All ones: the row stands for what found no room in a table. */
static bool is_other(const struct column *col, const struct value *v)
{
	return (col->flags & COL_KEY) && col->field.size &&
	       v->u == NAME_OTHERS >> (64 - 8 * col->field.size);
}

static void name_enum(const struct column *col, char *scratch, struct value *v)
{
	uint64_t i = 0;

	if (v->kind == V_INT && v->i < 0)
		return set_bytes(v, scratch, put_i64(scratch, v->i));
	if (is_other(col, v)) {
		v->kind = V_NONE;
		return;
	}
	while (col->names && i < v->u && col->names[i])
		i++;
	if (col->names && i == v->u && col->names[i])
		set_bytes(v, col->names[i], strlen(col->names[i]));
	else
		set_bytes(v, scratch, put_u64(scratch, v->u));
}

static bool flag_set(const struct flag_name *f, uint64_t bits, uint64_t rest)
{
	uint64_t mask = f->mask ? f->mask : f->value;

	if (!mask) /* the name of nothing at all */
		return bits == 0;
	/* The second test keeps a part (O_DSYNC) quiet after its whole (O_SYNC) was named. */
	return (bits & mask) == f->value && (rest & f->value) == f->value;
}

static void name_flags(const struct column *col, char *scratch, struct value *v)
{
	unsigned width = col->field.size * 8;
	uint64_t bits = width < 64 ? v->u & ((1ull << width) - 1) : v->u, rest = bits;
	char *to = scratch, *end = scratch + VALUE_SCRATCH - DIGITS_MAX;

	if (is_other(col, v)) {
		v->kind = V_NONE;
		return;
	}
	for (const struct flag_name *f = col->flag_names; f && f->name; f++) {
		size_t len;

		if (!flag_set(f, bits, rest))
			continue;
		len = strlen(f->name);
		if (len >= (size_t)(end - to))
			continue;
		if (to != scratch)
			*to++ = '|';
		to = append(to, f->name, len);
		rest &= ~f->value;
	}
	if (rest) {
		if (to != scratch)
			*to++ = '|';
		to += put_hex(to, rest);
	}
	if (to == scratch) {
		v->kind = V_NONE; /* no bit is set, and none of the names is for that */
		return;
	}
	set_bytes(v, scratch, (size_t)(to - scratch));
}

/* A path that was sent once, by its id. */
static void name_path(const struct names *names, struct value *v)
{
	const char *name;
	size_t len;

	if (v->kind == V_UINT && v->u == NAME_OTHERS)
		set_bytes(v, "(others)", strlen("(others)"));
	else if (v->kind == V_UINT && names && name_of_id(&names->ids, v->u, &name, &len))
		set_bytes(v, name, len);
	else
		v->kind = V_NONE;
}

/* Makes a count a rate, in thousandths per second: the row ends with the interval's length. */
static void per_second(const void *rec, size_t len, struct value *v)
{
	uint64_t span_ns;

	if (v->kind != V_UINT || len < sizeof(span_ns)) {
		v->kind = V_NONE;
		return;
	}
	memcpy(&span_ns, (const char *)rec + len - sizeof(span_ns), sizeof(span_ns));
	if (!span_ns)
		v->kind = V_NONE;
	else
		v->u = (uint64_t)((unsigned __int128)v->u * 1000000000000ULL / span_ns);
}

/* Makes a sum a mean, or a part of it hundredths of a percent. */
static void in_proportion(const struct column *col, const void *rec, size_t len, struct value *v)
{
	bool percent = col->unit == U_PERCENT || col->unit == U_SHARE;
	struct value of = { V_NONE };

	if (inside(col->of.off, col->of.size, len))
		read_field(&col->of, rec, len, NULL, &of);
	if (v->kind != V_UINT || of.kind != V_UINT || !of.u)
		v->kind = V_NONE;
	else if (col->part)
		column_part(col, rec, len, 10000, &v->u);
	else
		v->u = (uint64_t)((unsigned __int128)v->u * (percent ? 10000 : 1) / of.u);
}

bool column_part(const struct column *col, const void *rec, size_t len, uint64_t units,
		 uint64_t *out)
{
	const struct column *first = col - (col->part - 1);
	struct value of = { V_NONE };
	uint64_t rest[PARTS_MAX], floors = 0, mine = 0, above = 0;
	unsigned __int128 all = 0, scaled;
	unsigned n = 0, me = col->part - 1;

	if (inside(col->of.off, col->of.size, len))
		read_field(&col->of, rec, len, NULL, &of);
	if (of.kind != V_UINT || !of.u)
		return false;
	for (; n < PARTS_MAX && first[n].part == n + 1; n++) {
		struct value v = { V_NONE };

		if (inside(first[n].field.off, first[n].field.size, len))
			read_field(&first[n].field, rec, len, NULL, &v);
		if (v.kind != V_UINT)
			return false;
		scaled = (unsigned __int128)v.u * units;
		all += scaled;
		floors += (uint64_t)(scaled / of.u);
		rest[n] = (uint64_t)(scaled % of.u);
		if (n == me)
			mine = (uint64_t)(scaled / of.u);
	}
	/* what flooring took away goes to those that lost most */
	for (unsigned i = 0; i < n; i++)
		above += rest[i] > rest[me] || (i < me && rest[i] == rest[me]);
	*out = mine + (above < (uint64_t)((all + of.u / 2) / of.u) - floors);
	return true;
}

unsigned column_keep(const struct column *col)
{
	if (col->keep)
		return col->keep;
	if (col->flags & (COL_KEY | COL_WIDE | COL_LATENCY))
		return KEEP;
	switch (col->unit) {
	case U_ERRNO:
	case U_ARGS:
		return KEEP;
	case U_SYSCALL:
		return KEEP_SOME + 3;
	case U_TEXT:
		return KEEP_SOME + 2;
	case U_PATH:
	case U_ID:
	case U_ENUM:
		return KEEP_SOME + 1;
	case U_DISK:
	case U_CGROUP:
		return KEEP_SOME - 1;
	case U_FLAGS:
		return KEEP_SOME - 2;
	case U_CLOCK:
	case U_USER:
	case U_FD:
	case U_OCTAL:
	case U_HEX:
		return KEEP_SOME - 3;
	default:
		return KEEP_SOME;
	}
}

static bool is_blank(const struct column *col, const struct value *v)
{
	if (col->unit == U_ADDR)
		return v->bytes.len == 2; /* "::" */
	if (v->kind == V_BYTES)
		return !v->bytes.len;
	return v->kind != V_NONE && !v->u;
}

static void name_syscall(char *scratch, struct value *v)
{
	bool compat = v->u & 1;
	const char *name;
	char *to = scratch;

	if (v->u == SYSCALL_NONE) {
		v->kind = V_NONE;
		return;
	}
	if (v->u == SYSCALL_OTHERS)
		return set_bytes(v, "(others)", strlen("(others)"));
	name = syscall_name((int64_t)v->u >> 1, compat);
	if (name)
		to = append(to, name, strlen(name));
	else
		to += put_i64(to, (int64_t)v->u >> 1);
	if (compat)
		to = append(to, " (32-bit)", strlen(" (32-bit)"));
	set_bytes(v, scratch, (size_t)(to - scratch));
}

static void name_kernel_object(struct names *names, const struct column *col, struct value *v)
{
	const char *name;

	if (!v->u) {
		v->kind = V_NONE;
		return;
	}
	if (is_other(col, v))
		name = "(others)";
	else if (col->unit == U_DISK)
		name = disk_name(&names->disks, (uint32_t)v->u);
	else
		name = cgroup_name(&names->cgroups, v->u);
	set_bytes(v, name, strlen(name));
}

void column_value(struct names *names, const struct column *col, const void *rec, size_t len,
		  char *scratch, struct value *out)
{
	out->kind = V_NONE;
	if (!inside(col->field.off, col->field.size, len))
		return;
	if (col->render)
		return col->render(rec, len, scratch, out);
	if (col->unit == U_ARGS && col->field.kind == F_VARGS)
		return args_value(col, rec, len, scratch, out);
	read_field(&col->field, rec, len, scratch, out);
	if (col->of.kind != F_NONE)
		in_proportion(col, rec, len, out);
	if ((col->flags & COL_OPTIONAL) && out->kind == V_INT && out->i < 0)
		out->kind = V_NONE;
	if ((col->flags & COL_BLANK) && is_blank(col, out))
		out->kind = V_NONE;
	if ((col->flags & COL_OPTIONAL) && out->kind == V_UINT && out->u == UINT64_MAX)
		out->kind = V_NONE;
	if (out->kind != V_INT && out->kind != V_UINT)
		return;
	switch (col->unit) {
	case U_FD:
	case U_OCTAL:
		if (out->kind == V_INT && out->i < 0)
			out->kind = V_NONE;
		break;
	case U_ERRNO:
		name_error(scratch, out);
		break;
	case U_ENUM:
		name_enum(col, scratch, out);
		break;
	case U_FLAGS:
		name_flags(col, scratch, out);
		break;
	case U_PATH:
		name_path(names, out);
		break;
	case U_RATE:
		per_second(rec, len, out);
		break;
	case U_SYSCALL:
		name_syscall(scratch, out);
		break;
	case U_DISK:
	case U_CGROUP:
		name_kernel_object(names, col, out);
		break;
	default:
		break;
	}
}

bool unit_is_text(enum unit unit)
{
	switch (unit) {
	case U_TEXT:
	case U_PATH:
	case U_ERRNO:
	case U_ENUM:
	case U_FLAGS:
	case U_DISK:
	case U_CGROUP:
	case U_SYSCALL:
	case U_ARGS:
	case U_STACK:
	case U_ADDR:
		return true;
	default:
		return false;
	}
}
