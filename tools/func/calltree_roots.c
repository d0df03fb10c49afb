/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Where the functions are that trees begin with. */
#include "tools/func/calltree.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/kernel/functions.h"

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Where functions begin with a landing pad the tracer's addresses are a few bytes behind theirs. */
#define PAD 16

bool graph_roots_have(const struct graph_roots *r, uint64_t func)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->address[middle] <= func)
			low = middle + 1;
		else
			high = middle;
	}
	return !r->n || (low && func - r->address[low - 1] <= PAD);
}

/* Adds the addresses of what @name, in one of its forms, means. */
static bool add_roots(struct graph_roots *r, FILE *kallsyms, const char *name)
{
	struct pattern pattern;
	struct functions found;
	char err[256];
	uint64_t *more;
	bool ok;

	if (!pattern_compile(&pattern, name, err, sizeof(err)))
		return false;
	rewind(kallsyms);
	/* which of them can be hooked is ftrace's business */
	ok = functions_read(kallsyms, NULL, &pattern, 1, &found);
	pattern_free(&pattern);
	if (!ok)
		return false;
	more = realloc(r->address, (r->n + found.n + 1) * sizeof(*more));
	for (size_t i = 0; more && i < found.n; i++)
		if (found.fn[i].address)
			more[r->n++] = found.fn[i].address;
	functions_free(&found);
	r->address = more ? more : r->address;
	return more;
}

bool graph_roots_find(struct graph_roots *r, const struct calltree_cfg *cfg)
{
	FILE *kallsyms = fopen("/proc/kallsyms", "re");
	char name[128];
	bool ok = true;

	for (uint32_t i = 0; kallsyms && i < cfg->n; i++)
		for (const char *const *form = graph_forms(cfg->functions[i]); *form; form++) {
			snprintf(name, sizeof(name), "%s%s", *form, cfg->functions[i]);
			ok &= add_roots(r, kallsyms, name);
		}
	if (kallsyms)
		fclose(kallsyms);
	if (r->n)
		qsort(r->address, r->n, sizeof(*r->address), by_number);
	if (!ok)
		log_error("out of memory");
	return ok;
}
