/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What takes much memory for a moment takes few page faults, and gives the memory back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/heap.h"

#define PAGE   4096
#define PIECE  ((size_t)5 << 20)
#define PIECES 3

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static long resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long size = 0, resident = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return resident;
}

static int huge_pages(void)
{
	char modes[64] = "[never]";
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

	if (file) {
		assert_non_null(fgets(modes, sizeof(modes), file));
		fclose(file);
	}
	return !strstr(modes, "[never]");
}

/* Is there memory that the kernel may fill up to a huge page later, behind our back? */
static int promised_pages(void)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	char line[512];
	int found = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmFlags:", 8) && strstr(line, " hg"))
			found++;
	fclose(file);
	return found;
}

/*
 * As loading does: pieces of some MiB, one of which is freed in between and taken again. Returns
 * what stays behind them.
 */
static void *use_memory(void)
{
	char *piece[PIECES];
	void *kept;

	for (size_t i = 0; i < PIECES; i++) {
		piece[i] = malloc(PIECE);
		assert_non_null(piece[i]);
		memset(piece[i], 1, PIECE);
		if (i == 1) {
			free(piece[0]);
			piece[0] = malloc(PIECE);
			assert_non_null(piece[0]);
			memset(piece[0], 2, PIECE);
		}
	}
	kept = malloc(100);
	for (size_t i = 0; i < PIECES; i++)
		free(piece[i]);
	return kept;
}

static void few_faults(void **state)
{
	long before, few, resident = resident_pages();
	void *kept;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its malloc() is another one, and keeps what is freed */
#endif
	heap_expect_much();
	before = faults();
	kept = use_memory();
	few = faults() - before;
	heap_give_back();
	assert_true(resident_pages() < resident + 200);
	assert_int_equal(promised_pages(), 0);
	if (huge_pages())
		assert_true(few < 100);
	else /* what was freed is used again, at least */
		assert_true(few < (long)(PIECES * PIECE / PAGE) + 100);
	free(kept);
}

static void again(void **state)
{
	void *kept;

	(void)state;
	heap_expect_much();
	heap_expect_much();
	kept = use_memory();
	heap_give_back();
	heap_give_back();
	assert_int_equal(promised_pages(), 0);
	free(kept);
	free(use_memory());
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(few_faults), cmocka_unit_test(again) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
