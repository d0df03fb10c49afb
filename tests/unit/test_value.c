/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* column_value(): every kind of field, whole, cut short and malformed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/rows/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct row {
	struct rec head;
	__u8 u8;
	__s8 s8;
	__u16 u16;
	__s16 s16;
	__u32 u32;
	__s32 s32;
	__u64 u64;
	__s64 s64;
	bool flag;
	char comm[8];
	const char *text;
	struct vstr name;
	struct vpath path;
	struct vstack stack;
	struct vargs args;
	char data[64];
};

static const char *const calls[] = { "read", "write", NULL };

static const struct flag_name flags[] = {
	{ 0, 3, "O_RDONLY" },	  { 1, 3, "O_WRONLY" },
	{ 2, 3, "O_RDWR" },	  { 0x101000, 0, "O_SYNC" },
	{ 0x1000, 0, "O_DSYNC" }, { 0x80000, 0x80000, "O_CLOEXEC" },
	{ 0, 0, NULL },
};

static const struct flag_name plain_flags[] = {
	{ 1, 0, "A" }, { 2, 0, "B" }, { 0, 0, "NONE" }, { 0, 0, NULL }
};

static char scratch[VALUE_SCRATCH];
static struct names names;

/* A copy with nothing behind it, so that a sanitizer sees every byte read beyond @len. */
static struct value value_of(const struct column *col, const void *rec, size_t len, char **keep)
{
	static char *last;
	struct value v = { .kind = 99 };

	free(last);
	last = malloc(len ? len : 1);
	memcpy(last, rec, len);
	column_value(&names, col, last, len, scratch, &v);
	if (keep)
		*keep = last;
	return v;
}

static void assert_bytes(const struct value *v, const char *want)
{
	assert_int_equal(v->kind, V_BYTES);
	assert_int_equal(v->bytes.len, strlen(want));
	assert_memory_equal(v->bytes.p, want, strlen(want));
}

static void numbers_keep_their_sign(void **state)
{
	struct row r = { .u8 = 255,
			 .s8 = -128,
			 .u16 = 65535,
			 .s16 = -32768,
			 .u32 = UINT32_MAX,
			 .s32 = INT32_MIN,
			 .u64 = UINT64_MAX,
			 .s64 = INT64_MIN,
			 .flag = true };
	const struct {
		struct field field;
		enum value_kind kind;
		uint64_t value;
	} cases[] = {
		{ FIELD(struct row, u8), V_UINT, 255 },
		{ FIELD(struct row, s8), V_INT, (uint64_t)-128 },
		{ FIELD(struct row, u16), V_UINT, 65535 },
		{ FIELD(struct row, s16), V_INT, (uint64_t)-32768 },
		{ FIELD(struct row, u32), V_UINT, UINT32_MAX },
		{ FIELD(struct row, s32), V_INT, (uint64_t)INT32_MIN },
		{ FIELD(struct row, u64), V_UINT, UINT64_MAX },
		{ FIELD(struct row, s64), V_INT, (uint64_t)INT64_MIN },
		{ FIELD(struct row, flag), V_UINT, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct column col = { .name = "x", .field = cases[i].field, .unit = U_COUNT };
		struct value v = value_of(&col, &r, sizeof(r), NULL);

		assert_int_equal(v.kind, cases[i].kind);
		assert_true(v.u == cases[i].value);
	}
}

/* A record may end before a field: then it has no value. */
static void short_records_have_no_value(void **state)
{
	static const struct field fields[] = { FIELD(struct row, u8),	FIELD(struct row, s64),
					       FIELD(struct row, comm), FIELD(struct row, text),
					       FIELD(struct row, name), FIELD(struct row, path),
					       FIELD(struct row, stack) };
	struct row r = { .comm = "full-up!", .text = "t", .u8 = 1 };

	(void)state;
	r.name = (struct vstr){ offsetof(struct row, data), 4 };
	r.path = (struct vpath){ .off = offsetof(struct row, data), .len = 4 };
	r.stack = (struct vstack){ offsetof(struct row, data), 8 };
	memset(r.data, 'd', sizeof(r.data));
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct column col = { .name = "x", .field = fields[i], .unit = U_TEXT };
		size_t needs = fields[i].off + fields[i].size;

		if (fields[i].kind >= F_VSTR)
			needs = offsetof(struct row, data) + (fields[i].kind == F_VSTACK ? 8 : 4);
		for (size_t len = 0; len <= sizeof(r); len++) {
			struct value v = value_of(&col, &r, len, NULL);

			assert_int_equal(v.kind != V_NONE, len >= needs);
		}
	}
}

static void texts(void **state)
{
	struct column comm = { .name = "comm", FIELD(struct row, comm), U_TEXT };
	struct column text = { .name = "text", FIELD(struct row, text), U_TEXT };
	struct column name = { .name = "name", FIELD(struct row, name), U_PATH };
	struct row r = { .comm = "abc", .text = "hello" };
	struct value v;

	(void)state;
	v = value_of(&comm, &r, sizeof(r), NULL);
	assert_bytes(&v, "abc");
	memcpy(r.comm, "12345678", 8);
	v = value_of(&comm, &r, sizeof(r), NULL);
	assert_bytes(&v, "12345678");
	r.comm[0] = '\0';
	v = value_of(&comm, &r, sizeof(r), NULL);
	assert_bytes(&v, "");
	v = value_of(&text, &r, sizeof(r), NULL);
	assert_bytes(&v, "hello");
	r.text = NULL;
	assert_int_equal(value_of(&text, &r, sizeof(r), NULL).kind, V_NONE);
	assert_int_equal(value_of(&name, &r, sizeof(r), NULL).kind, V_NONE);
	memcpy(r.data, "ab\ncd", 5);
	r.name = (struct vstr){ offsetof(struct row, data), 5 };
	v = value_of(&name, &r, sizeof(r), NULL);
	assert_bytes(&v, "ab\ncd");
}

static void bad_offsets_have_no_value(void **state)
{
	static const struct vstr bad[] = {
		{ 0, sizeof(struct row) + 1 },
		{ sizeof(struct row), 1 },
		{ sizeof(struct row) - 1, 2 },
		{ UINT32_MAX, 1 },
		{ 1, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX },
		{ 0, 0 },
	};
	struct column name = { .name = "name", FIELD(struct row, name), U_TEXT };
	struct column path = { .name = "path", FIELD(struct row, path), U_PATH };
	struct column stack = { .name = "stack", FIELD(struct row, stack), U_STACK };
	struct row r = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		r.name = bad[i];
		assert_int_equal(value_of(&name, &r, sizeof(r), NULL).kind, V_NONE);
		r.path = (struct vpath){ .off = bad[i].off, .len = bad[i].len };
		assert_int_equal(value_of(&path, &r, sizeof(r), NULL).kind, V_NONE);
		r.path = (struct vpath){ .tail_off = bad[i].off, .tail_len = bad[i].len };
		assert_int_equal(value_of(&path, &r, sizeof(r), NULL).kind, V_NONE);
		r.stack = (struct vstack){ bad[i].off, bad[i].len };
		assert_int_equal(value_of(&stack, &r, sizeof(r), NULL).kind, V_NONE);
	}
}

struct path_case {
	const char *components; /* with their NULs */
	size_t len;
	unsigned flags;
	const char *tail;
	unsigned ino;
	const char *want; /* NULL: no value */
};

#define PARTS(s) s, sizeof(s) - 1

static const struct path_case path_cases[] = {
	{ PARTS("c\0b\0a\0"), VPATH_ABSOLUTE, "", 0, "/a/b/c" },
	{ PARTS("c\0b\0a"), VPATH_ABSOLUTE, "", 0, "/a/b/c" },
	{ PARTS("c\0b\0a\0"), 0, "", 0, "a/b/c" },
	{ PARTS("c\0b\0a\0"), VPATH_TRUNCATED, "", 0, "…/a/b/c" },
	{ PARTS("c\0b\0a\0"), VPATH_TRUNCATED | VPATH_ABSOLUTE, "", 0, "…/a/b/c" },
	{ PARTS("c\0b\0a\0"), VPATH_ABSOLUTE | VPATH_DELETED, "", 0, "/a/b/c (deleted)" },
	{ PARTS("b\0a\0"), VPATH_ABSOLUTE, "x/y", 0, "/a/b/x/y" },
	{ PARTS("b\0a\0"), VPATH_ABSOLUTE | VPATH_DELETED, "x", 0, "/a/b/x (deleted)" },
	{ PARTS("b\0a\0"), VPATH_ABSOLUTE | VPATH_UNREACHABLE, "x", 0, "(unreachable)/a/b/x" },
	{ PARTS(""), VPATH_ABSOLUTE | VPATH_UNREACHABLE, "", 0, "(unreachable)/" },
	{ PARTS(""), VPATH_ABSOLUTE, "", 0, "/" },
	{ PARTS(""), VPATH_ABSOLUTE, "etc/passwd", 0, "/etc/passwd" },
	{ PARTS(""), VPATH_ABSOLUTE, "//etc//passwd", 0, "/etc//passwd" },
	{ PARTS("jail\0"), VPATH_ABSOLUTE, "/etc/passwd", 0, "/jail/etc/passwd" },
	{ PARTS(""), VPATH_TRUNCATED, "x", 0, "…/x" },
	{ PARTS(""), 0, "x/y", 0, "x/y" },
	{ PARTS(""), 0, "", 0, NULL },
	{ PARTS("\0\0\0"), 0, "", 0, NULL },
	{ PARTS("\0c\0\0\0a\0\0"), VPATH_ABSOLUTE, "", 0, "/a/c" },
	{ PARTS("leaf\n\xff\0dir\0"), VPATH_ABSOLUTE, "", 0, "/dir/leaf\n\xff" },
	{ PARTS("pipe\0"), VPATH_PSEUDO, "", 123, "pipe:[123]" },
	{ PARTS("socket"), VPATH_PSEUDO, "", UINT32_MAX, "socket:[4294967295]" },
	{ PARTS("[eventpoll]\0"), VPATH_PSEUDO, "", 0, "anon_inode:[eventpoll]" },
	{ PARTS("memfd:x\0y\0"), VPATH_PSEUDO, "", 0, "memfd:x" },
	{ PARTS("\0"), VPATH_PSEUDO, "", 5, NULL },
	{ PARTS(""), VPATH_PSEUDO, "", 5, NULL },
	{ PARTS(""), VPATH_AS_PASSED, "//etc//passwd", 0, "//etc//passwd" },
	{ PARTS("c\0"), VPATH_AS_PASSED | VPATH_DELETED, "x", 0, "x" },
	{ PARTS(""), VPATH_AS_PASSED, "", 0, "" },
};

static void paths(void **state)
{
	struct column col = { .name = "path", FIELD(struct row, path), U_PATH };

	(void)state;
	for (size_t i = 0; i < COUNT(path_cases); i++) {
		const struct path_case *c = &path_cases[i];
		struct row r = { 0 };
		struct value v;
		size_t tail = strlen(c->tail), at = sizeof(r) - c->len - tail;

		/* At the very end, where a byte too many shows */
		memcpy((char *)&r + at, c->components, c->len);
		memcpy((char *)&r + at + c->len, c->tail, tail);
		r.path = (struct vpath){ (__u32)at,   (__u32)c->len,	    c->flags,
					 (__u32)tail, (__u32)(at + c->len), c->ino };
		v = value_of(&col, &r, sizeof(r), NULL);
		if (c->want)
			assert_bytes(&v, c->want);
		else
			assert_int_equal(v.kind, V_NONE);
	}
}

/* The longest that the kernel side makes: 2047 components and a tail of PATH_MAX. */
static void longest_path(void **state)
{
	struct column col = { .name = "path", FIELD(struct row, path), U_PATH };
	size_t size = sizeof(struct row) + 2 * PATH_LEN;
	char *big = calloc(1, size);
	struct row *r = (struct row *)big;
	struct value v;

	(void)state;
	for (unsigned i = 0; i < PATH_LEN; i++)
		big[sizeof(*r) + i] = i % 2 ? '\0' : 'a';
	memset(big + sizeof(*r) + PATH_LEN, 't', PATH_LEN);
	r->path = (struct vpath){ sizeof(*r),
				  PATH_LEN,
				  VPATH_TRUNCATED | VPATH_DELETED,
				  PATH_LEN,
				  sizeof(*r) + PATH_LEN,
				  0 };
	v = value_of(&col, big, size, NULL);
	assert_int_equal(v.kind, V_BYTES);
	assert_int_equal(v.bytes.len, strlen("…/") + PATH_LEN - 1 + 1 + PATH_LEN + 10);
	assert_memory_equal(v.bytes.p, "…/a/a/", 8);
	free(big);
}

/* Whatever the numbers say: no byte outside of the record, none outside of the scratch. */
static void random_paths_stay_inside(void **state)
{
	static const struct column cols[] = {
		{ "path", FIELD(struct row, path), U_PATH },
		{ "name", FIELD(struct row, name), U_TEXT },
		{ "stack", FIELD(struct row, stack), U_STACK },
	};
	unsigned values = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		size_t size = sizeof(struct row) + (i % 4 == 0 ? 3 * VALUE_SCRATCH : 100);
		unsigned char buf[sizeof(struct row) + 3 * VALUE_SCRATCH];
		struct row *r = (struct row *)buf;
		__u32 *words[] = { &r->path.off,      &r->path.len,	 &r->path.flags,
				   &r->path.tail_len, &r->path.tail_off, &r->path.ino,
				   &r->name.off,      &r->name.len,	 &r->stack.off,
				   &r->stack.len };
		size_t len;

		if (i % 4 == 0 && i % 400 != 0)
			continue; /* the large ones are slow */
		memset(buf, i % 3 ? 'x' : 0, size);
		for (size_t w = 0; w < COUNT(words); w++)
			*words[w] = (__u32)random() % (unsigned)(size + size / 8);
		if (i % 7 == 0)
			*words[(unsigned)random() % COUNT(words)] = (__u32)random() * 4u;
		len = (size_t)random() % (size + 1);
		for (size_t c = 0; c < COUNT(cols); c++) {
			char *rec;
			struct value v = value_of(&cols[c], buf, len, &rec);

			if (v.kind == V_NONE)
				continue;
			values++;
			assert_true((v.bytes.p >= rec && v.bytes.p + v.bytes.len <= rec + len) ||
				    (v.bytes.p == scratch && v.bytes.len <= sizeof(scratch)));
		}
	}
	assert_true(values > 1000);
}

struct args_case {
	const char *bytes; /* with their NULs */
	size_t len;
	unsigned max, flags;
	const char *want;
};

static const struct args_case args_cases[] = {
	{ PARTS("ls\0-l\0a b\0"), 20, 0, "ls -l a b" },
	{ PARTS("ls\0-l\0a b\0"), 3, 0, "ls -l a b" },
	{ PARTS("ls\0-l\0a b\0"), 2, 0, "ls -l ..." },
	{ PARTS("ls\0-l\0cu"), 0, VARGS_MORE, "ls -l cu ..." },
	{ PARTS("a \"b\\\0\0"), 20, VARGS_QUOTED, "\"a \\\"b\\\\\" \"\"" },
	{ PARTS("\0"), 20, 0, "" },
	{ PARTS(""), 20, VARGS_MORE, "..." },
	{ PARTS(""), 20, 0, "" },
};

static void argument_lists(void **state)
{
	struct column col = { .name = "args", FIELD(struct row, args), U_ARGS };
	struct value v;

	(void)state;
	for (size_t i = 0; i < COUNT(args_cases); i++) {
		const struct args_case *c = &args_cases[i];
		struct row r = { 0 };
		size_t at = sizeof(r) - c->len;

		memcpy((char *)&r + at, c->bytes, c->len);
		r.args = (struct vargs){ (__u32)at, (__u32)c->len, c->max, c->flags };
		v = value_of(&col, &r, sizeof(r), NULL);
		assert_bytes(&v, c->want);
		r.args.len++; /* beyond the end */
		assert_int_equal(value_of(&col, &r, sizeof(r), NULL).kind, V_NONE);
	}
}

static void system_calls(void **state)
{
	struct column col = { .name = "call", FIELD(struct row, u64), U_SYSCALL };
	struct row r = { .u64 = SYSCALL_IN_RECORD(100000, 0) };
	struct value v = value_of(&col, &r, sizeof(r), NULL);

	(void)state;
	assert_bytes(&v, "100000");
	r.u64 = SYSCALL_IN_RECORD(-1, 0);
	v = value_of(&col, &r, sizeof(r), NULL);
	assert_bytes(&v, "-1");
	r.u64 = SYSCALL_IN_RECORD(3, 1);
	v = value_of(&col, &r, sizeof(r), NULL);
	assert_bytes(&v, "read (32-bit)");
	r.u64 = SYSCALL_NONE;
	assert_int_equal(value_of(&col, &r, sizeof(r), NULL).kind, V_NONE);
}

static struct value value_with(enum unit unit, struct field field, const struct row *r)
{
	struct column col = { .name = "x", field, unit };

	col.names = calls;
	col.flag_names = flags;
	return value_of(&col, r, sizeof(*r), NULL);
}

static void returns_are_descriptors_or_errors(void **state)
{
	static const struct field s32 = FIELD(struct row, s32), s64 = FIELD(struct row, s64);
	struct column optional = { "x", FIELD(struct row, s64), U_BYTES, .flags = COL_OPTIONAL };
	struct value v;

	(void)state;
	v = value_with(U_FD, s32, &(struct row){ .s32 = 3 });
	assert_int_equal(v.kind, V_INT);
	assert_int_equal(v.i, 3);
	assert_int_equal(value_with(U_FD, s32, &(struct row){ .s32 = -2 }).kind, V_NONE);
	assert_int_equal(value_with(U_ERRNO, s32, &(struct row){ .s32 = 3 }).kind, V_NONE);
	assert_int_equal(value_with(U_ERRNO, s32, &(struct row){ .s32 = 0 }).kind, V_NONE);
	v = value_with(U_ERRNO, s32, &(struct row){ .s32 = -2 });
	assert_bytes(&v, "ENOENT");
	v = value_with(U_ERRNO, s64, &(struct row){ .s64 = -512 });
	assert_bytes(&v, "ERESTARTSYS");
	v = value_with(U_ERRNO, s64, &(struct row){ .s64 = -4000 });
	assert_bytes(&v, "4000");
	v = value_with(U_ERRNO, s64, &(struct row){ .s64 = INT64_MIN });
	assert_bytes(&v, "9223372036854775808");
	assert_int_equal(value_with(U_OCTAL, s32, &(struct row){ .s32 = -1 }).kind, V_NONE);
	assert_int_equal(value_with(U_OCTAL, s32, &(struct row){ .s32 = 0644 }).i, 0644);
	assert_int_equal(
		value_of(&optional, &(struct row){ .s64 = -1 }, sizeof(struct row), NULL).kind,
		V_NONE);
	assert_int_equal(
		value_of(&optional, &(struct row){ .s64 = 0 }, sizeof(struct row), NULL).kind,
		V_INT);
}

static void enums(void **state)
{
	static const struct field u32 = FIELD(struct row, u32), s32 = FIELD(struct row, s32);
	struct column bare = { .name = "x", FIELD(struct row, u32), U_ENUM };
	struct value v;

	(void)state;
	v = value_with(U_ENUM, u32, &(struct row){ .u32 = 0 });
	assert_bytes(&v, "read");
	v = value_with(U_ENUM, u32, &(struct row){ .u32 = 1 });
	assert_bytes(&v, "write");
	v = value_with(U_ENUM, u32, &(struct row){ .u32 = 2 });
	assert_bytes(&v, "2");
	v = value_with(U_ENUM, u32, &(struct row){ .u32 = UINT32_MAX });
	assert_bytes(&v, "4294967295");
	v = value_with(U_ENUM, s32, &(struct row){ .s32 = -1 });
	assert_bytes(&v, "-1");
	v = value_of(&bare, &(struct row){ .u32 = 5 }, sizeof(struct row), NULL);
	assert_bytes(&v, "5");
}

static void flags_by_name(void **state)
{
	static const struct {
		uint32_t bits;
		const char *want;
	} cases[] = {
		{ 0, "O_RDONLY" },
		{ 1, "O_WRONLY" },
		{ 2, "O_RDWR" },
		{ 3, "0x3" },
		{ 0x80000, "O_RDONLY|O_CLOEXEC" },
		{ 0x80001, "O_WRONLY|O_CLOEXEC" },
		{ 0x101000, "O_RDONLY|O_SYNC" },
		{ 0x1000, "O_RDONLY|O_DSYNC" },
		{ 0x100000, "O_RDONLY|0x100000" },
		{ 0x80000000, "O_RDONLY|0x80000000" },
	};
	struct column plain = {
		.name = "x", FIELD(struct row, u32), U_FLAGS, .flag_names = plain_flags
	};
	struct column bare = { .name = "x", FIELD(struct row, u32), U_FLAGS };
	struct value v;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		v = value_with(U_FLAGS, (struct field)FIELD(struct row, u32),
			       &(struct row){ .u32 = cases[i].bits });
		assert_bytes(&v, cases[i].want);
		v = value_with(U_FLAGS, (struct field)FIELD(struct row, s32),
			       &(struct row){ .s32 = (int32_t)cases[i].bits });
		assert_bytes(&v, cases[i].want);
	}
	v = value_of(&plain, &(struct row){ .u32 = 0 }, sizeof(struct row), NULL);
	assert_bytes(&v, "NONE");
	v = value_of(&plain, &(struct row){ .u32 = 7 }, sizeof(struct row), NULL);
	assert_bytes(&v, "A|B|0x4");
	v = value_of(&bare, &(struct row){ .u32 = 0 }, sizeof(struct row), NULL);
	assert_int_equal(v.kind, V_NONE);
	v = value_of(&bare, &(struct row){ .u32 = 5 }, sizeof(struct row), NULL);
	assert_bytes(&v, "0x5");
}

static void stacks(void **state)
{
	struct column col = { .name = "stack", FIELD(struct row, stack), U_STACK };
	struct row r = { 0 };
	struct value v;

	(void)state;
	r.stack = (struct vstack){ offsetof(struct row, data), 24 };
	v = value_of(&col, &r, sizeof(r), NULL);
	assert_int_equal(v.kind, V_BYTES);
	assert_int_equal(v.bytes.len, 24);
	r.stack.len = 23; /* half an address is none */
	v = value_of(&col, &r, sizeof(r), NULL);
	assert_int_equal(v.bytes.len, 16);
	r.stack.len = 7;
	assert_int_equal(value_of(&col, &r, sizeof(r), NULL).kind, V_NONE);
}

/* A table's row: a count in it, and at its end how long the interval was. */
static void rates_are_per_second(void **state)
{
	struct {
		__u64 count, ts_ns, span_ns;
	} row = { 3, 77, 8000000000 };
	const struct column col = { .name = "read", .field = { 0, 8, F_U64 }, .unit = U_RATE };
	struct value v = value_of(&col, &row, sizeof(row), NULL);

	(void)state;
	assert_int_equal(v.kind, V_UINT);
	assert_int_equal(v.u, 375);
	row.count = 1ULL << 62;
	row.span_ns = 1ULL << 62;
	assert_int_equal(value_of(&col, &row, sizeof(row), NULL).u, 1000000000000ULL);
	row.span_ns = 0;
	assert_int_equal(value_of(&col, &row, sizeof(row), NULL).kind, V_NONE);
	assert_int_equal(value_of(&col, &row, 4, NULL).kind, V_NONE);
}

static void values_in_proportion(void **state)
{
	struct {
		__u64 part, whole;
	} row = { 1, 3 };
	struct column col = {
		.name = "random", .field = { 0, 8, F_U64 }, .unit = U_PERCENT, .of = { 8, 8, F_U64 }
	};

	(void)state;
	assert_int_equal(value_of(&col, &row, sizeof(row), NULL).u, 3333);
	col.unit = U_NSEC;
	row.part = UINT64_MAX;
	assert_int_equal(value_of(&col, &row, sizeof(row), NULL).u, UINT64_MAX / 3);
	row.whole = 0;
	assert_int_equal(value_of(&col, &row, sizeof(row), NULL).kind, V_NONE);
	row.whole = 1;
	assert_int_equal(value_of(&col, &row, 8, NULL).kind, V_NONE);
}

static void blank_is_no_value(void **state)
{
	struct {
		__u32 pid;
		char comm[16];
	} row = { 0, "" };
	struct column pid = { .name = "pid", .field = { 0, 4, F_U32 }, .unit = U_ID };
	struct column comm = { .name = "comm", .field = { 4, 16, F_CHARS }, .unit = U_TEXT };

	(void)state;
	assert_int_equal(value_of(&pid, &row, sizeof(row), NULL).kind, V_UINT);
	assert_int_equal(value_of(&comm, &row, sizeof(row), NULL).kind, V_BYTES);
	pid.flags = comm.flags = COL_BLANK;
	assert_int_equal(value_of(&pid, &row, sizeof(row), NULL).kind, V_NONE);
	assert_int_equal(value_of(&comm, &row, sizeof(row), NULL).kind, V_NONE);
	row.pid = 7;
	row.comm[0] = 'a';
	assert_int_equal(value_of(&pid, &row, sizeof(row), NULL).u, 7);
	assert_int_equal(value_of(&comm, &row, sizeof(row), NULL).bytes.len, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_per_second),
		cmocka_unit_test(values_in_proportion),
		cmocka_unit_test(blank_is_no_value),
		cmocka_unit_test(numbers_keep_their_sign),
		cmocka_unit_test(short_records_have_no_value),
		cmocka_unit_test(texts),
		cmocka_unit_test(bad_offsets_have_no_value),
		cmocka_unit_test(paths),
		cmocka_unit_test(longest_path),
		cmocka_unit_test(random_paths_stay_inside),
		cmocka_unit_test(returns_are_descriptors_or_errors),
		cmocka_unit_test(argument_lists),
		cmocka_unit_test(system_calls),
		cmocka_unit_test(enums),
		cmocka_unit_test(flags_by_name),
		cmocka_unit_test(stacks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
