/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOT_TRACEABLE "the kernel doesn't list it as traceable: notrace, init or inlined code"

/* A line of either file: name and module (NULL: none), cut out of the line itself. */
static char *split_module(char *name, char **module)
{
	char *end = name + strcspn(name, " \t\n");

	*module = NULL;
	if (*end && *end != '\n') {
		char *open = strchr(end, '[');
		char *close = open ? strchr(open, ']') : NULL;

		if (close) {
			*close = '\0';
			*module = open + 1;
		}
	}
	*end = '\0';
	return name;
}

/* "vfs_get_tree.cold", "vfs_get_tree.cold.5": the unlikely half of a function, entered by jumps. */
static bool is_piece(const char *name)
{
	const char *cold = strstr(name, ".cold");

	return cold && (!cold[5] || cold[5] == '.');
}

static bool wanted(const char *name, const struct pattern *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pattern_is_function(&patterns[i]) && pattern_match(&patterns[i], name))
			return true;
	return false;
}

static bool add(struct functions *f, const char *name, const char *module, uint64_t address)
{
	struct function *fn;

	if (!(f->n & (f->n - 1))) { /* full at every power of two */
		struct function *more = realloc(f->fn, (f->n ? 2 * f->n : 1) * sizeof(*more));

		if (!more)
			return false;
		f->fn = more;
	}
	fn = &f->fn[f->n++];
	*fn = (struct function){ .name = strdup(name),
				 .module = module ? strdup(module) : NULL,
				 .address = address };
	return fn->name && (fn->module || !module);
}

/* Lines are "ffffffff81000000 T name\t[module]". */
static bool read_symbols(FILE *kallsyms, const struct pattern *patterns, size_t n,
			 struct functions *f)
{
	char *line = NULL;
	size_t cap = 0;
	bool ok = true;

	while (ok && getline(&line, &cap, kallsyms) > 0) {
		char *kind, *name, *module;
		uint64_t address = strtoull(line, &kind, 16);

		if (kind[0] != ' ' || !kind[1] || !strchr("tTwW", kind[1]) || kind[2] != ' ')
			continue;
		name = split_module(kind + 3, &module);
		if (!is_piece(name) && wanted(name, patterns, n)) {
			ok = add(f, name, module, address);
			f->hidden |= !address;
		}
	}
	free(line);
	return ok;
}

static int compare_module(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare(const void *left, const void *right)
{
	const struct function *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	if (!order)
		order = compare_module(a->module, b->module);
	return order ? order : (a->address > b->address) - (a->address < b->address);
}

static void free_function(struct function *fn)
{
	free(fn->name);
	free(fn->module);
}

/* Sorts; one address under one name is one function, however often it is listed. */
static void sort_functions(struct functions *f)
{
	size_t kept = 0;

	qsort(f->fn, f->n, sizeof(*f->fn), compare);
	for (size_t i = 0; i < f->n; i++) {
		if (kept && !compare(&f->fn[kept - 1], &f->fn[i]))
			free_function(&f->fn[i]);
		else
			f->fn[kept++] = f->fn[i];
	}
	f->n = kept;
}

/* The first function of that name and module; f->n: there is none. */
static size_t find(const struct functions *f, const char *name, const char *module)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(f->fn[mid].name, name);

		if (!order)
			order = compare_module(f->fn[mid].module, module);
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < f->n && !strcmp(f->fn[lo].name, name) && !compare_module(f->fn[lo].module, module))
		return lo;
	return f->n;
}

/*
 * Lines are "name" or "name [module]". Where several functions share a name and the kernel lists
 * it at all, each may be hooked: attaching will tell.
 */
static void mark_traceable(struct functions *f, FILE *traceable)
{
	char *line = NULL;
	size_t cap = 0;

	for (size_t i = 0; i < f->n; i++)
		f->fn[i].why = NOT_TRACEABLE;
	while (getline(&line, &cap, traceable) > 0) {
		char *module, *name = split_module(line, &module);

		for (size_t i = find(f, name, module); i < f->n && !strcmp(f->fn[i].name, name) &&
						       !compare_module(f->fn[i].module, module);
		     i++)
			f->fn[i].why = NULL;
	}
	free(line);
}

bool functions_read(FILE *kallsyms, FILE *traceable, const struct pattern *patterns, size_t n,
		    struct functions *out)
{
	*out = (struct functions){ 0 };
	if (!read_symbols(kallsyms, patterns, n, out)) {
		functions_free(out);
		return false;
	}
	if (out->n)
		sort_functions(out);
	out->unlisted = !traceable;
	if (traceable)
		mark_traceable(out, traceable);
	return true;
}

void functions_free(struct functions *f)
{
	for (size_t i = 0; i < f->n; i++)
		free_function(&f->fn[i]);
	free(f->fn);
	*f = (struct functions){ 0 };
}
