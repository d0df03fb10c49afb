/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Arguments by name: what expressions become, and what is said of those that mean nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "core/kernel/args.h"
#include "core/kernel/pattern.h"

struct kernel {
	struct btf *btf;
	struct arg_proto proto;
};

static void member(struct btf *btf, const char *name, int type, uint32_t byte)
{
	btf__add_field(btf, name, type, byte * 8, 0);
}

/*
 * int look(struct node *node, u16 size, const char *name, char *buf, bool on, enum way way,
 *	    kuid_t owner): a struct of one member is that.
 */
static struct kernel make_kernel(void)
{
	struct btf *btf = btf__new_empty();
	int s32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int u16 = btf__add_int(btf, "short unsigned int", 2, 0);
	int u32 = btf__add_int(btf, "unsigned int", 4, 0);
	int chr = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	int yes = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	int chars = btf__add_array(btf, s32, chr, 16), numbers = btf__add_array(btf, s32, u16, 8);
	int text = btf__add_ptr(btf, btf__add_const(btf, chr)), room = btf__add_ptr(btf, chr);
	int way, uid, kuid, no_name, node, to_node, proto;

	way = btf__add_enum(btf, "way", 4);
	btf__add_enum_value(btf, "NO_WAY", 0);
	btf__add_enum_value(btf, "ONE_WAY", 1);
	uid = btf__add_typedef(btf, "uid_t", u32);
	kuid = btf__add_struct(btf, NULL, 4);
	btf__add_field(btf, "val", uid, 0, 0);
	kuid = btf__add_typedef(btf, "kuid_t", kuid);
	no_name = btf__add_struct(btf, NULL, 8);
	member(btf, "hidden", s32, 4);
	node = btf__add_struct(btf, "node", 88);
	to_node = node + 9; /* checked below */
	member(btf, "next", to_node, 0);
	member(btf, "comm", chars, 8);
	member(btf, "slots", numbers, 24);
	member(btf, "", no_name, 40);
	member(btf, "label", room, 48);
	btf__add_field(btf, "low", u32, 56 * 8, 3);
	btf__add_field(btf, "high", s32, 56 * 8 + 3, 13);
	member(btf, "s_flags", u32, 64);
	member(btf, "owner", kuid, 72);
	while (btf__type_cnt(btf) < (uint32_t)to_node)
		btf__add_int(btf, "filler", 1, 0);
	assert_int_equal(btf__add_ptr(btf, node), to_node);
	proto = btf__add_func_proto(btf, s32);
	btf__add_func_param(btf, "node", to_node);
	btf__add_func_param(btf, "size", u16);
	btf__add_func_param(btf, "name", text);
	btf__add_func_param(btf, "buf", room);
	btf__add_func_param(btf, "on", yes);
	btf__add_func_param(btf, "way", way);
	btf__add_func_param(btf, "number", s32);
	btf__add_func(btf, "look", BTF_FUNC_STATIC, proto);

	struct kernel k = { .btf = btf };

	assert_true(args_of_function(btf, "look", &k.proto));
	assert_int_equal(k.proto.n, 7);
	return k;
}

static struct arg resolve(const struct kernel *k, const char *text)
{
	struct arg a;
	char err[256];

	if (!arg_resolve(&k->proto, text, &a, err, sizeof(err)))
		fail_msg("%s: %s", text, err);
	return a;
}

/* As it was passed: in a register, with its size and sign. */
static void what_is_passed(void **state)
{
	struct kernel k = make_kernel();
	struct arg a = resolve(&k, "size");

	(void)state;
	assert_int_equal(a.walk.kind, ARG_VALUE);
	assert_int_equal(a.slot, 1);
	assert_int_equal(arg_number(&a, 0xffff0000fffeULL).number, 0xfffe);
	a = resolve(&k, "arg7");
	assert_int_equal((int64_t)arg_number(&a, 0x1234fffffffeULL).number, -2);
	assert_int_equal(arg_number(&a, 0x1234fffffffeULL).kind, V_INT);
	a = resolve(&k, "on");
	assert_int_equal(a.field, F_KEPT_BOOL);
	a = resolve(&k, "way");
	assert_int_equal(a.unit, U_FLAGS);
	assert_int_equal(arg_enum_names(k.btf, a.names, NULL, 0), 2);
	a = resolve(&k, "node");
	assert_int_equal(a.unit, U_HEX);
	assert_int_equal(a.walk.kind, ARG_VALUE);
	/* a string, and room for one */
	a = resolve(&k, "name");
	assert_int_equal(a.walk.kind, ARG_STRING);
	assert_int_equal(a.walk.n, 0);
	a = resolve(&k, "buf");
	assert_int_equal(a.unit, U_HEX);
	arg_of_return(&k.proto, &a);
	assert_true(a.is_signed);
	assert_int_equal(a.bits, 32);
	btf__free(k.btf);
}

static void what_it_points_to(void **state)
{
	struct kernel k = make_kernel();
	struct arg a = resolve(&k, "node->next->next->slots[3]");

	(void)state;
	assert_int_equal(a.walk.kind, ARG_NUMBER);
	assert_int_equal(a.walk.n, 2);
	assert_int_equal(a.walk.step[1], 0);
	assert_int_equal(a.walk.off, 30);
	assert_int_equal(a.walk.size, 2);
	a = resolve(&k, "node.hidden"); /* in a struct without a name, and by a dot */
	assert_int_equal(a.walk.off, 44);
	a = resolve(&k, "node[2].comm");
	assert_int_equal(a.walk.off, 2 * 88 + 8);
	assert_int_equal(a.walk.kind, ARG_STRING);
	assert_int_equal(a.walk.size, 16);
	a = resolve(&k, "node->label");
	assert_int_equal(a.walk.kind, ARG_STRING);
	assert_int_equal(a.walk.n, 1);
	assert_int_equal(a.walk.step[0], 48);
	a = resolve(&k, "*node->label");
	assert_int_equal(a.walk.kind, ARG_NUMBER);
	assert_int_equal(a.walk.size, 1);
	a = resolve(&k, "node->low");
	assert_int_equal(arg_number(&a, 0xfd).number, 5);
	a = resolve(&k, "node->s_flags");
	assert_int_equal(a.unit, U_HEX);
	a = resolve(&k, "node->owner");
	assert_int_equal(a.unit, U_USER);
	assert_int_equal(a.walk.off, 72);
	btf__free(k.btf);
}

static void what_means_nothing(void **state)
{
	static const char *const texts[][2] = {
		{ "", "name" },
		{ "nothing", "there are node, size" },
		{ "arg8", "no argument" },
		{ "arg0", "no argument" },
		{ "size->x", "no pointer" },
		{ "node->nothing", "struct node has no member" },
		{ "node->comm->x", "no pointer" },
		{ "node->slots", "[0]" },
		{ "node[0]", "name a member" },
		{ "node->slots[99999999999]", "out of reach" },
		{ "node->", "can stand here" },
		{ "node->slots[1", "]" },
		{ "node->next->next->next->next->next->next->next->next->next->next->next->next->"
		  "next->next",
		  "more than" },
	};
	struct kernel k = make_kernel();

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct arg a;
		char err[256];

		if (arg_resolve(&k.proto, texts[i][0], &a, err, sizeof(err)))
			fail_msg("%s means something", texts[i][0]);
		if (!strstr(err, texts[i][1]))
			fail_msg("%s: %s", texts[i][0], err);
	}
	btf__free(k.btf);
}

/* As tracefs has it, with types of C's; without it, words. */
static void system_calls(void **state)
{
	char format[] = "name: sys_enter_look\nID: 1\nformat:\n"
			"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
			"\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
			"\tfield:struct node * to;\toffset:16;\tsize:8;\tsigned:0;\n"
			"\tfield:const char * what;\toffset:24;\tsize:8;\tsigned:0;\n"
			"\tfield:unsigned int size;\toffset:32;\tsize:8;\tsigned:0;\n"
			"\tfield:nothing_t odd;\toffset:40;\tsize:8;\tsigned:0;\n";
	struct kernel k = make_kernel();
	FILE *f = fmemopen(format, strlen(format), "r");
	struct arg a;

	(void)state;
	args_of_call(k.btf, "look", f, &k.proto);
	fclose(f);
	assert_int_equal(k.proto.n, 4);
	a = resolve(&k, "to->slots[0]");
	assert_int_equal(a.walk.off, 24);
	assert_int_equal(resolve(&k, "what").walk.kind, ARG_STRING);
	a = resolve(&k, "size");
	assert_int_equal(a.slot, 2);
	assert_int_equal(a.bits, 32);
	assert_int_equal(resolve(&k, "odd").unit, U_HEX);
	args_of_call(k.btf, "look", NULL, &k.proto);
	assert_int_equal(k.proto.n, 6);
	assert_int_equal(resolve(&k, "arg6").slot, 5);
	btf__free(k.btf);
}

/* A name and what stands in parentheses behind it. */
static void patterns(void **state)
{
	static const char *const refused[] = { "a(int b)", "a \"%d\", b", "r::a", "a(b == 1)",
					       "a(b)(c)" };
	struct pattern p;
	char err[512];

	(void)state;
	assert_true(pattern_take(&p, "vfs_*( file->f_path , *pos,a[0] )", err, sizeof(err)));
	assert_string_equal(p.text, "vfs_*");
	assert_int_equal(p.args_len, strlen(" file->f_path , *pos,a[0] "));
	assert_true(pattern_match(&p, "vfs_read"));
	pattern_free(&p);
	assert_true(pattern_take(&p, "/^vfs_(read|write)$/(count)", err, sizeof(err)));
	assert_true(pattern_match(&p, "vfs_read"));
	assert_memory_equal(p.args, "count", p.args_len);
	pattern_free(&p);
	assert_true(pattern_take(&p, "/^vfs_(read|write)$/", err, sizeof(err)));
	assert_null(p.args);
	pattern_free(&p);
	assert_true(pattern_take(&p, "t:a:b()", err, sizeof(err)));
	assert_true(p.tracepoint && p.args && !p.args_len);
	pattern_free(&p);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (pattern_take(&p, refused[i], err, sizeof(err)))
			fail_msg("%s was taken", refused[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_passed),     cmocka_unit_test(what_it_points_to),
		cmocka_unit_test(what_means_nothing), cmocka_unit_test(system_calls),
		cmocka_unit_test(patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
