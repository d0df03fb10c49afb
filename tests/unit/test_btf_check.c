// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Type information that somebody made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel/btf_check.h"

static const char names[] = "\0int\0task\0list";

enum { NO_NAME = 0, INT = 1, TASK = 5, LIST = 10 };

/* A file in the making: the header, types, names. */
struct made {
	struct btf_header header;
	uint32_t word[2000];
	uint32_t n;
};

static struct made begin(void)
{
	return (struct made){ .header = { .magic = BTF_MAGIC,
					  .version = BTF_VERSION,
					  .hdr_len = sizeof(struct btf_header) } };
}

#define INFO(kind, vlen) ((uint32_t)(kind) << 24 | (vlen))

static void add(struct made *m, uint32_t name, uint32_t info, uint32_t type, const uint32_t *more,
		uint32_t n)
{
	m->word[m->n++] = name;
	m->word[m->n++] = info;
	m->word[m->n++] = type;
	for (uint32_t i = 0; i < n; i++)
		m->word[m->n++] = more[i];
}

#define ADD(m, name, info, type, ...)                                                              \
	add(m, name, info, type, (const uint32_t[]){ __VA_ARGS__ },                                \
	    sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static const char *check(struct made *m)
{
	m->header.type_len = m->header.str_off = 4 * m->n;
	m->header.str_len = sizeof(names);
	memcpy(&m->word[m->n], names, sizeof(names));
	return btf_check(m, sizeof(m->header) + 4 * m->n + sizeof(names));
}

/* 1: int; 2: struct task { int list; struct task *task; }; 3: the pointer */
static struct made sound(void)
{
	struct made m = begin();

	ADD(&m, INT, INFO(BTF_KIND_INT, 0), 4, 32);
	ADD(&m, TASK, INFO(BTF_KIND_STRUCT, 2), 16, LIST, 1, 0, TASK, 3, 64);
	ADD(&m, NO_NAME, INFO(BTF_KIND_PTR, 0), 2);
	return m;
}

static void test_sound(void **state)
{
	struct made m = sound();

	(void)state;
	assert_null(check(&m));
	/* Each of the other kinds. */
	ADD(&m, TASK, INFO(BTF_KIND_TYPEDEF, 0), 2);
	ADD(&m, NO_NAME, INFO(BTF_KIND_ARRAY, 0), 0, 4, 1, 8);
	ADD(&m, LIST, INFO(BTF_KIND_ENUM, 1), 4, INT, 7);
	ADD(&m, LIST, INFO(BTF_KIND_ENUM64, 1), 8, INT, 7, 7);
	ADD(&m, NO_NAME, INFO(BTF_KIND_FUNC_PROTO, 2), 0, LIST, 3, NO_NAME, 0);
	ADD(&m, LIST, INFO(BTF_KIND_FUNC, 1), 8);
	ADD(&m, LIST, INFO(BTF_KIND_VAR, 0), 5, 1);
	ADD(&m, LIST, INFO(BTF_KIND_DATASEC, 1), 64, 10, 0, 64);
	ADD(&m, LIST, INFO(BTF_KIND_FWD, 0), 0);
	ADD(&m, LIST, INFO(BTF_KIND_FLOAT, 0), 8);
	ADD(&m, LIST, INFO(BTF_KIND_DECL_TAG, 0), 2, 0);
	ADD(&m, LIST, INFO(BTF_KIND_TYPE_TAG, 0), 3);
	ADD(&m, NO_NAME, INFO(BTF_KIND_CONST, 0), 0);
	assert_null(check(&m));
}

/* Each with one mistake, behind three types that are right. */
static const struct {
	uint32_t word[9], n;
	const char *why;
} wrong[] = {
	{ { NO_NAME, INFO(BTF_KIND_PTR, 0), 5 }, 3, "there isn't" },
	{ { NO_NAME, INFO(BTF_KIND_PTR, 0), UINT32_MAX }, 3, "there isn't" },
	{ { TASK, INFO(BTF_KIND_TYPEDEF, 0), 1000000 }, 3, "there isn't" },
	{ { TASK, INFO(BTF_KIND_STRUCT, 1), 8, LIST, 5, 0 }, 6, "there isn't" },
	{ { TASK, INFO(BTF_KIND_UNION, 1), 8, LIST, 0, 0 }, 6, "there isn't" },
	{ { NO_NAME, INFO(BTF_KIND_ARRAY, 0), 0, 1, 5, 8 }, 6, "there isn't" },
	{ { NO_NAME, INFO(BTF_KIND_FUNC_PROTO, 1), 0, LIST, 9 }, 5, "there isn't" },
	{ { NO_NAME, INFO(BTF_KIND_FUNC_PROTO, 0), 9 }, 3, "there isn't" },
	{ { LIST, INFO(BTF_KIND_FUNC, 0), 2 }, 3, "there isn't" },
	{ { LIST, INFO(BTF_KIND_VAR, 0), 9, 0 }, 4, "there isn't" },
	{ { LIST, INFO(BTF_KIND_DATASEC, 1), 4, 1, 0, 4 }, 6, "there isn't" },
	{ { LIST, INFO(BTF_KIND_DECL_TAG, 0), 7, 0 }, 4, "there isn't" },
	{ { sizeof(names), INFO(BTF_KIND_FWD, 0), 0 }, 3, "name beyond" },
	{ { UINT32_MAX, INFO(BTF_KIND_INT, 0), 4, 32 }, 4, "name beyond" },
	{ { TASK, INFO(BTF_KIND_STRUCT, 1), 8, 500, 1, 0 }, 6, "name beyond" },
	{ { TASK, INFO(BTF_KIND_ENUM, 1), 4, 500, 1 }, 5, "name beyond" },
	{ { TASK, INFO(BTF_KIND_ENUM64, 1), 8, 500, 1, 1 }, 6, "name beyond" },
	{ { NO_NAME, INFO(BTF_KIND_FUNC_PROTO, 1), 0, 500, 1 }, 5, "name beyond" },
	{ { INT, INFO(BTF_KIND_INT, 0), 4, 64 }, 4, "size" },
	{ { INT, INFO(BTF_KIND_INT, 0), 0, 0 }, 4, "size" },
	{ { TASK, INFO(BTF_KIND_ENUM, 0), 3 }, 3, "size" },
	{ { TASK, INFO(BTF_KIND_STRUCT, 1), 8, LIST, 1, 65 }, 6, "size" },
	{ { NO_NAME, INFO(0, 0), 0 }, 3, "unknown kind" },
	{ { NO_NAME, INFO(31, 0), 0 }, 3, "unknown kind" },
	{ { TASK, INFO(BTF_KIND_STRUCT, 2), 8, LIST, 1, 0 }, 6, "isn't whole" },
	{ { TASK, INFO(BTF_KIND_STRUCT, 65535), 8, LIST, 1, 0 }, 6, "isn't whole" },
	{ { TASK, INFO(BTF_KIND_INT, 0) }, 2, "isn't whole" },
	/* parts of themselves */
	{ { TASK, INFO(BTF_KIND_TYPEDEF, 0), 4 }, 3, "itself" },
	{ { TASK, INFO(BTF_KIND_STRUCT, 1), 8, LIST, 4, 0 }, 6, "itself" },
	{ { NO_NAME, INFO(BTF_KIND_ARRAY, 0), 0, 4, 1, 8 }, 6, "itself" },
	{ { NO_NAME, INFO(BTF_KIND_ARRAY, 0), 0, 1, 4, 8 }, 6, "itself" },
	{ { TASK, INFO(BTF_KIND_TYPEDEF, 0), 5, NO_NAME, INFO(BTF_KIND_CONST, 0), 4 },
	  6,
	  "itself" },
	{ { NO_NAME, INFO(BTF_KIND_TYPE_TAG, 0), 5, TASK, INFO(BTF_KIND_UNION, 1), 8, LIST, 4, 0 },
	  9,
	  "itself" },
};

static void test_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct made m = sound();
		const char *why;

		memcpy(&m.word[m.n], wrong[i].word, sizeof(wrong[i].word));
		m.n += wrong[i].n;
		why = check(&m);
		if (!why || !strstr(why, wrong[i].why))
			fail_msg("%zu: %s (expected: %s)", i, why ? why : "accepted", wrong[i].why);
	}
}

/* A chain of 300 names for one type is no loop, and nothing that a compiler writes. */
static void test_depth(void **state)
{
	(void)state;
	for (uint32_t n = BTF_DEPTH_MAX - 4; n < BTF_DEPTH_MAX + 50; n += 54) {
		struct made forth = begin(), back = begin();

		ADD(&forth, INT, INFO(BTF_KIND_INT, 0), 4, 32);
		for (uint32_t i = 1; i <= n; i++) {
			ADD(&forth, TASK, INFO(BTF_KIND_TYPEDEF, 0), i);
			ADD(&back, TASK, INFO(BTF_KIND_TYPEDEF, 0), i + 1);
		}
		ADD(&back, INT, INFO(BTF_KIND_INT, 0), 4, 32);
		assert_int_equal(!check(&forth), n < BTF_DEPTH_MAX);
		assert_int_equal(!check(&back), n < BTF_DEPTH_MAX);
	}
}

/* Cut anywhere, or with any word of the header changed: refused, and nothing is read beyond it. */
static void test_header(void **state)
{
	struct made m = sound();
	size_t size = sizeof(m.header) + 4 * m.n + sizeof(names);

	(void)state;
	assert_null(check(&m));
	for (size_t cut = 0; cut < size; cut++) {
		void *copy = malloc(cut + 1);

		assert_non_null(copy);
		memcpy(copy, &m, cut);
		assert_non_null(btf_check(copy, cut));
		free(copy);
	}
	for (size_t at = 0; at < sizeof(m.header); at++) {
		struct made changed = m;

		((uint8_t *)&changed)[at] ^= 0x81;
		assert_non_null(btf_check(&changed, size));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
