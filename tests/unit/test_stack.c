/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Addresses to names: from made-up lists of kernel symbols, and from this program's own mappings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "bpf/shared.h"
#include "core/names/elf_syms.h"
#include "core/names/ksyms.h"
#include "core/names/mapped.h"
#include "tests/unit/own_program.h"

static char symbols[] = "/tmp/iosonde-symbols-XXXXXX", modules[] = "/tmp/iosonde-modules-XXXXXX";

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void says(struct ksyms *k, uint64_t addr, const char *want)
{
	uint64_t start = 0;
	const char *name = ksyms_find(k, addr, &start);

	if (!want) {
		assert_null(name);
		return;
	}
	assert_non_null(name);
	assert_string_equal(name, want);
	assert_true(start && start <= addr);
}

#define KERNEL                                                                                     \
	"ffffffff81000000 T first\n"                                                               \
	"ffffffff81000100 t second\n"                                                              \
	"ffffffff81000100 T second_by_another_name\n"                                              \
	"ffffffff81000200 D data\n"
#define ONE_AT(page)                                                                               \
	"ffffffffc00" page "000 t one_in\t[one]\n"                                                 \
	"ffffffffc00" page "080 t one_out\t[one]\n"
#define TWO                                                                                        \
	"ffffffffc0012000 t two_in\t[two]\n"                                                       \
	"ffffffffc0012040 t two_out\t[two]\n"

static void modules_come_and_go(void **state)
{
	struct ksyms *k;

	(void)state;
	put(symbols, KERNEL ONE_AT("10"));
	put(modules, "one 4096 0 - Live 0xffffffffc0010000\n");
	k = ksyms_open(symbols, modules);
	assert_non_null(k);
	says(k, 0xffffffff81000050, "first");
	says(k, 0xffffffff81000123, "second");
	says(k, 0xffffffff81000208, NULL); /* data runs nowhere */
	says(k, 0xffffffff80000000, NULL);
	says(k, 0xffffffffc0010010, "one_in");
	says(k, 0xffffffffc0010ff0, "one_out");
	says(k, 0xffffffffc0012008, NULL); /* nobody's, though something is below */
	put(symbols, KERNEL ONE_AT("10") TWO);
	put(modules,
	    "two 4096 0 - Live 0xffffffffc0012000\none 4096 0 - Live 0xffffffffc0010000\n");
	usleep(120000);
	says(k, 0xffffffffc0012008, "two_in");
	says(k, 0xffffffffc0010010, "one_in");
	put(symbols, KERNEL TWO); /* one is unloaded */
	put(modules, "two 4096 0 - Live 0xffffffffc0012000\n");
	usleep(120000);
	says(k, 0xffffffffc0010ff0, NULL);
	says(k, 0xffffffffc0012050, "two_out");
	ksyms_close(k);
}

static void another_module_in_the_same_place(void **state)
{
	struct ksyms *k;

	(void)state;
	put(symbols, KERNEL ONE_AT("12"));
	put(modules, "one 4096 0 - Live 0xffffffffc0012000\n");
	k = ksyms_open(symbols, modules);
	says(k, 0xffffffffc0012010, "one_in");
	put(symbols, KERNEL TWO);
	put(modules, "two 4096 0 - Live 0xffffffffc0012000\n");
	usleep(120000);
	says(k, 0xffffffffc0012010, "two_in");
	ksyms_close(k);
}

static void programs_of_bpf_come_later(void **state)
{
	struct ksyms *k;

	(void)state;
	put(symbols, KERNEL "ffffffffc0020000 t bpf_prog_1\t[bpf]\n"
			    "ffffffffc0021000 t bpf_prog_3\t[bpf]\n");
	put(modules, "");
	k = ksyms_open(symbols, modules);
	says(k, 0xffffffffc0020010, "bpf_prog_1");
	put(symbols, KERNEL "ffffffffc0020000 t bpf_prog_1\t[bpf]\n"
			    "ffffffffc0020100 t bpf_prog_2\t[bpf]\n"
			    "ffffffffc0021000 t bpf_prog_3\t[bpf]\n");
	usleep(120000);
	says(k, 0xffffffffc0020110, "bpf_prog_2");
	ksyms_close(k);
}

static void hidden_symbols(void **state)
{
	struct ksyms *k;

	(void)state;
	put(symbols, "0000000000000000 T first\n");
	k = ksyms_open(symbols, "/nonexistent");
	says(k, 0xffffffff81000050, NULL);
	ksyms_close(k);
	k = ksyms_open("/nonexistent", "/nonexistent");
	says(k, 0xffffffff81000050, NULL);
	ksyms_close(k);
}

__attribute__((noinline)) int a_function_to_find(int x)
{
	return 3 * x + (int)getpid();
}

static void own_functions_have_names(void **state)
{
	uint64_t program = own_program(), addr = (uint64_t)&a_function_to_find, into = 99;
	struct mapping *map;
	struct elf_syms *syms;
	struct mapped m;
	size_t bytes;
	const char *name;
	int fd;

	(void)state;
	assert_true(runs_program((uint32_t)getpid(), program));
	assert_false(runs_program((uint32_t)getpid(), program + 1));
	assert_false(mapped_read(&m, (uint32_t)getpid(), program + 1)); /* before an exec */
	assert_true(mapped_read(&m, (uint32_t)getpid(), program));
	map = mapped_find(&m, addr);
	assert_non_null(map);
	assert_null(mapped_find(&m, 8));
	assert_string_equal(m.names + map->name, "test_stack");
	fd = mapping_open((uint32_t)getpid(), map);
	assert_true(fd >= 0);
	syms = elf_syms_read(fd, &bytes);
	assert_non_null(syms);
	name = elf_syms_find(syms, addr - map->start + map->offset + 1, &into);
	assert_non_null(name);
	assert_string_equal(name, "a_function_to_find");
	assert_int_equal(into, 1);
	elf_syms_free(syms);
	close(fd);
	mapped_free(&m);
}

/* What is mapped is read, whatever stands there by its name; and nothing that isn't a file. */
static void only_regular_files(void **state)
{
	struct mapping none = { .ino = 1, .major = 0xfff, .minor = 0xfff };

	(void)state;
	assert_int_equal(mapping_open((uint32_t)getpid(), &none), -1);
	none = (struct mapping){ 0 };
	assert_int_equal(mapping_open((uint32_t)getpid(), &none), -1);
}

/* Files that were made to do harm: bytes of this one changed at random, and cut. */
static void broken_files(void **state)
{
	int self = open("/proc/self/exe", O_RDONLY), fd = memfd_create("broken", 0);
	size_t size, bytes;
	uint32_t seed = 1;
	struct stat st;
	char *data;

	(void)state;
	assert_int_equal(fstat(self, &st), 0);
	size = (size_t)st.st_size;
	data = malloc(size);
	assert_int_equal(pread(self, data, size, 0), size);
	for (int round = 0; round < 300; round++) {
		uint64_t into;
		struct elf_syms *syms;

		assert_int_equal(pwrite(fd, data, size, 0), size);
		for (int i = 0; i < 8; i++) {
			char byte;
			size_t at;

			seed = seed * 1664525 + 1013904223;
			byte = (char)(seed >> 24);
			at = seed >> 8 & 0x7ff; /* the head, or the table of sections */
			at = seed & 128 ? at % 64 : size - 1 - at;
			assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
		}
		assert_int_equal(ftruncate(fd, (off_t)(round % 3 ? size : size / 2 + seed % 512)),
				 0);
		syms = elf_syms_read(fd, &bytes);
		if (syms)
			for (uint64_t at = 0; at < size; at += 997)
				elf_syms_find(syms, at, &into);
		elf_syms_free(syms);
	}
	free(data);
	close(fd);
	close(self);
}

static int make_files(void **state)
{
	(void)state;
	return mkstemp(symbols) < 0 || mkstemp(modules) < 0;
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(symbols) || unlink(modules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modules_come_and_go),
		cmocka_unit_test(another_module_in_the_same_place),
		cmocka_unit_test(programs_of_bpf_come_later),
		cmocka_unit_test(hidden_symbols),
		cmocka_unit_test(own_functions_have_names),
		cmocka_unit_test(only_regular_files),
		cmocka_unit_test(broken_files),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
