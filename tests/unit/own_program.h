/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What tells the program that this process runs from others: program_id(). */
#ifndef IOSONDE_TESTS_OWN_PROGRAM_H
#define IOSONDE_TESTS_OWN_PROGRAM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t own_program(void)
{
	FILE *f = fopen("/proc/self/stat", "r");
	unsigned long long v[52] = { 0 };
	char line[4096], *p;

	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	p = strrchr(line, ')') + sizeof(" S"); /* fields 2 and 3 */
	for (int i = 4; i < 52; i++)
		v[i] = strtoull(p, &p, 10);
	return program_id(v[26], v[27], v[28], v[48]);
}

#endif
