/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The small copy of a kernel's types: what is needed is there, and whole; the kernel's own numbers
 * are told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/kernel/btf_slim.h"

struct kernel {
	struct btf *btf;
	int u64_id, unused_id, inner_id, ptr_id, alias_id, array_id, file_id, enum_id, target_id;
};

/* struct file { inner_t inner; struct target *link; u64 room[4]; }, and others around it. */
static struct kernel make_kernel(void)
{
	struct kernel k = { .btf = btf__new_empty() };

	k.u64_id = btf__add_int(k.btf, "u64", 8, 0);
	k.unused_id = btf__add_struct(k.btf, "unused", 8);
	btf__add_field(k.btf, "x", k.u64_id, 0, 0);
	k.inner_id = btf__add_struct(k.btf, "inner", 8);
	btf__add_field(k.btf, "a", k.u64_id, 0, 0);
	k.ptr_id = btf__add_ptr(k.btf, 9);
	k.alias_id = btf__add_typedef(k.btf, "inner_t", k.inner_id);
	k.array_id = btf__add_array(k.btf, k.u64_id, k.u64_id, 4);
	k.file_id = btf__add_struct(k.btf, "file", 48);
	btf__add_field(k.btf, "inner", k.alias_id, 0, 0);
	btf__add_field(k.btf, "link", k.ptr_id, 64, 0);
	btf__add_field(k.btf, "room", k.array_id, 128, 0);
	k.enum_id = btf__add_enum(k.btf, "ids", 4);
	btf__add_enum_value(k.btf, "ID_ONE", 1);
	k.target_id = btf__add_struct(k.btf, "target", 8);
	btf__add_field(k.btf, "y", k.u64_id, 0, 0);
	assert_int_equal(k.target_id, 9);
	return k;
}

/* The copy for structs of these names, whose local numbers are 1 and so on; @ids: the kernel's. */
static struct btf *slim_for(const struct kernel *k, const char *const *names, uint32_t **ids)
{
	struct btf *local = btf__new_empty(), *slim;
	char path[32];
	int fd;

	for (; *names; names++)
		btf__add_struct(local, *names, 0);
	fd = btf_slim(local, k->btf, ids);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	slim = btf__parse(path, NULL);
	assert_non_null(slim);
	close(fd);
	btf__free(local);
	return slim;
}

static const struct btf_type *named(const struct btf *btf, const char *name, uint32_t kind)
{
	int id = btf__find_by_name_kind(btf, name, kind);

	assert_true(id > 0);
	return btf__type_by_id(btf, (__u32)id);
}

static void keeps_what_is_needed(void **state)
{
	struct kernel k = make_kernel();
	uint32_t *ids;
	struct btf *slim =
		slim_for(&k, (const char *const[]){ "file___pre_v5", "ids", NULL }, &ids);
	const struct btf_type *file = named(slim, "file", BTF_KIND_STRUCT), *member[3];

	(void)state;
	assert_int_equal(file->size, 48);
	assert_int_equal(btf_vlen(file), 3);
	for (int i = 0; i < 3; i++)
		member[i] = btf__type_by_id(slim, btf_members(file)[i].type);
	assert_int_equal(btf_member_bit_offset(file, 2), 128);
	assert_ptr_equal(member[0], named(slim, "inner_t", BTF_KIND_TYPEDEF));
	assert_ptr_equal(btf__type_by_id(slim, member[0]->type),
			 named(slim, "inner", BTF_KIND_STRUCT));
	assert_true(btf_is_array(member[2]));
	assert_int_equal(btf_array(member[2])->nelems, 4);
	assert_ptr_equal(btf__type_by_id(slim, btf_array(member[2])->type),
			 named(slim, "u64", BTF_KIND_INT));
	assert_int_equal(btf_vlen(named(slim, "ids", BTF_KIND_ENUM)), 1);
	/* what a pointer points to isn't there, and no reference leads out of it */
	assert_true(btf_is_ptr(member[1]));
	assert_int_equal(member[1]->type, 0);
	free(ids);
	btf__free(slim);
	btf__free(k.btf);
}

static void leaves_out_the_rest(void **state)
{
	struct kernel k = make_kernel();
	uint32_t *ids;
	struct btf *slim = slim_for(&k, (const char *const[]){ "file", "nosuch", NULL }, &ids);

	(void)state;
	assert_int_equal(btf__type_cnt(slim),
			 1 + 6); /* u64, inner, inner_t, pointer, array, file */
	assert_int_equal(btf__find_by_name_kind(slim, "unused", BTF_KIND_STRUCT), -ENOENT);
	free(ids);
	btf__free(slim);
	/* names of nothing at all: an empty one */
	slim = slim_for(&k, (const char *const[]){ "nosuch", NULL }, &ids);
	assert_int_equal(btf__type_cnt(slim), 1);
	free(ids);
	btf__free(slim);
	btf__free(k.btf);
}

static void tells_the_kernels_numbers(void **state)
{
	struct kernel k = make_kernel();
	uint32_t *ids;
	struct btf *slim = slim_for(
		&k, (const char *const[]){ "target___v6", "nosuch", "file", "ids", NULL }, &ids);

	(void)state;
	assert_int_equal(ids[1], k.target_id);
	assert_int_equal(ids[2], 0);
	assert_int_equal(ids[3], k.file_id);
	assert_int_equal(ids[4], 0); /* a struct here, an enum there */
	free(ids);
	btf__free(slim);
	btf__free(k.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_needed),
		cmocka_unit_test(leaves_out_the_rest),
		cmocka_unit_test(tells_the_kernels_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
