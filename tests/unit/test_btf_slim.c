/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The small copy of a kernel's types: what is needed is there, under its own id, and whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static struct btf *slim_for(const struct kernel *k, const char *const *names)
{
	struct btf *local = btf__new_empty(), *slim;
	char path[32];
	int fd;

	for (; *names; names++)
		btf__add_struct(local, *names, 0);
	fd = btf_slim(local, k->btf);
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	slim = btf__parse(path, NULL);
	assert_non_null(slim);
	close(fd);
	btf__free(local);
	return slim;
}

static const char *name_of(const struct btf *btf, int id)
{
	return btf__name_by_offset(btf, btf__type_by_id(btf, (__u32)id)->name_off);
}

static void keeps_what_is_needed(void **state)
{
	struct kernel k = make_kernel();
	struct btf *slim = slim_for(&k, (const char *const[]){ "file___pre_v5", "ids", NULL });
	const struct btf_type *file = btf__type_by_id(slim, (__u32)k.file_id);

	(void)state;
	assert_int_equal(btf__type_cnt(slim), k.enum_id + 1);
	assert_string_equal(name_of(slim, k.file_id), "file");
	assert_int_equal(file->size, 48);
	assert_int_equal(btf_vlen(file), 3);
	assert_int_equal(btf_members(file)[1].type, k.ptr_id);
	assert_int_equal(btf_member_bit_offset(file, 2), 128);
	assert_string_equal(name_of(slim, k.inner_id), "inner");
	assert_string_equal(name_of(slim, k.alias_id), "inner_t");
	assert_true(btf_is_array(btf__type_by_id(slim, (__u32)k.array_id)));
	assert_true(btf_is_enum(btf__type_by_id(slim, (__u32)k.enum_id)));
	/* what a pointer points to isn't there, and no reference leads out of it */
	assert_true(btf_is_ptr(btf__type_by_id(slim, (__u32)k.ptr_id)));
	assert_int_equal(btf__type_by_id(slim, (__u32)k.ptr_id)->type, 0);
	btf__free(slim);
	btf__free(k.btf);
}

static void leaves_the_rest_empty(void **state)
{
	struct kernel k = make_kernel();
	struct btf *slim = slim_for(&k, (const char *const[]){ "file", "nosuch", NULL });

	(void)state;
	assert_true(btf_is_const(btf__type_by_id(slim, (__u32)k.unused_id)));
	assert_int_equal(btf__find_by_name_kind(slim, "unused", BTF_KIND_STRUCT), -ENOENT);
	btf__free(slim);
	/* names of nothing at all: an empty one */
	slim = slim_for(&k, (const char *const[]){ "nosuch", NULL });
	assert_int_equal(btf__type_cnt(slim), 1);
	btf__free(slim);
	btf__free(k.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_needed),
		cmocka_unit_test(leaves_the_rest_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
