/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/cpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IDS_MAX	   (1U << 20) /* more than any kernel can be built for */
#define WAKE_LEAST 4096	      /* fewer bytes aren't worth a wake-up */

/* A number at *@p, which moves on. False: there is none. */
static bool read_id(const char **p, uint32_t *id)
{
	char *end;
	unsigned long n;

	if (**p < '0' || **p > '9')
		return false;
	n = strtoul(*p, &end, 10);
	*p = end;
	*id = (uint32_t)n;
	return n < IDS_MAX;
}

bool cpus_parse(const char *list, struct cpus *out)
{
	struct cpus cpus = { 0 };

	for (const char *p = list;;) {
		uint32_t first, last;

		if (!read_id(&p, &first))
			return false;
		last = first;
		if (*p == '-' && (p++, !read_id(&p, &last)))
			return false;
		if (last < first || first < cpus.ids)
			return false;
		cpus.n += last - first + 1;
		cpus.ids = last + 1;
		if (*p == ',') {
			p++;
			continue;
		}
		if (*p && *p != '\n')
			return false;
		*out = cpus;
		return true;
	}
}

struct cpus cpus_possible(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	struct cpus cpus = { 1, 1 };
	char list[4096];

	if (configured > 0)
		cpus.n = cpus.ids = (uint32_t)configured;
	if (f && fgets(list, sizeof(list), f))
		cpus_parse(list, &cpus);
	if (f)
		fclose(f);
	return cpus;
}

uint64_t cpus_wake_bytes(uint64_t buffer, uint32_t n, uint64_t *wake_data)
{
	uint64_t all = buffer / 8, each = all / (n ? n : 1);

	*wake_data = each < WAKE_LEAST && all >= WAKE_LEAST ? all : 0;
	return *wake_data ? WAKE_LEAST : each;
}
