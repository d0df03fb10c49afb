/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The kernel's numbers of types are written into each command's programs, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "core/kernel/image_ids.h"
#include "core/kernel/ladder.h"
#include "core/tool.h"

/* So large that no other number of the code is one of these by chance. */
#define KERNELS_OWN 0x5a000000

struct image {
	void *elf;
	size_t size;
	struct bpf_object *obj;
};

static struct image open_image(const struct tool *tool, bool rdonly_cast)
{
	struct image i = { 0 };

	i.elf = image_unpack(tool->image, rdonly_cast, &i.size);
	assert_non_null(i.elf);
	i.obj = image_open(tool->name, i.elf, i.size, NULL);
	assert_non_null(i.obj);
	return i;
}

static void open_again(struct image *i, const struct tool *tool)
{
	bpf_object__close(i->obj);
	i->obj = image_open(tool->name, i->elf, i->size, NULL);
	assert_non_null(i->obj);
}

static void close_image(struct image *i)
{
	bpf_object__close(i->obj);
	free(i->elf);
}

/* How many bytes of the two differ. */
static size_t count_changed(const struct image *a, const struct image *b)
{
	size_t n = 0;

	assert_int_equal(a->size, b->size);
	for (size_t i = 0; i < a->size; i++)
		n += ((char *)a->elf)[i] != ((char *)b->elf)[i];
	return n;
}

static uint32_t *number_all(const struct image *i)
{
	__u32 cnt = btf__type_cnt(bpf_object__btf(i->obj));
	uint32_t *ids = calloc(cnt, sizeof(*ids));

	assert_non_null(ids);
	for (__u32 id = 1; id < cnt; id++)
		ids[id] = KERNELS_OWN + id;
	return ids;
}

/* In instructions that name one of @i's structs. */
static size_t count_numbers(const struct image *i)
{
	const struct btf *btf = bpf_object__btf(i->obj);
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program(prog, i->obj)
	{
		const struct bpf_insn *insn = bpf_program__insns(prog);

		for (size_t at = 0; at < bpf_program__insn_cnt(prog); at++) {
			uint32_t id = (uint32_t)insn[at].imm - KERNELS_OWN;

			if (id < btf__type_cnt(btf))
				n += btf_is_composite(btf__type_by_id(btf, id));
		}
	}
	return n;
}

/* Those whose rows come from elsewhere have no programs. */
static size_t next_image(size_t t)
{
	while (catalogue[t] && !catalogue[t]->image)
		t++;
	return t;
}

static void numbers_are_written(void **state)
{
	size_t numbers = 0;

	(void)state;
	for (size_t t = next_image(0); catalogue[t]; t = next_image(t + 1)) {
		struct image i = open_image(catalogue[t], true);
		uint32_t *ids = number_all(&i);

		assert_true(image_settle_ids(i.elf, bpf_object__btf(i.obj), ids));
		open_again(&i, catalogue[t]);
		numbers += count_numbers(&i);
		/* once is enough: nothing is left to be settled */
		memset(ids, 0, btf__type_cnt(bpf_object__btf(i.obj)) * sizeof(*ids));
		assert_true(image_settle_ids(i.elf, bpf_object__btf(i.obj), ids));
		open_again(&i, catalogue[t]);
		free(ids);
		close_image(&i);
	}
	assert_true(numbers > 100);
}

/* What the kernel lacks is left to libbpf; an object that names no type is as it was. */
static void the_rest_is_left(void **state)
{
	(void)state;
	for (size_t t = next_image(0); catalogue[t]; t = next_image(t + 1)) {
		for (int cast = 0; cast < 2; cast++) {
			struct image i = open_image(catalogue[t], cast);
			struct image before = open_image(catalogue[t], cast);
			uint32_t *ids = number_all(&i);

			if (cast || !catalogue[t]->image->plain)
				memset(ids, 0,
				       btf__type_cnt(bpf_object__btf(i.obj)) * sizeof(*ids));
			assert_true(image_settle_ids(i.elf, bpf_object__btf(i.obj), ids));
			assert_int_equal(count_changed(&i, &before), 0);
			free(ids);
			close_image(&before);
			close_image(&i);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written),
		cmocka_unit_test(the_rest_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
