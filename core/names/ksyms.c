/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * kallsyms has no sizes, and modules and BPF programs come and go. So a symbol is believed to reach
 * up to the next one of its own module (or of the kernel itself), the last one to the end of its
 * page; the table is read anew when the list of modules is another one, and for addresses of BPF
 * programs that it wasn't yet asked for.
 */
#include "core/names/ksyms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/log.h"

#define PAGE	  4096
#define BPF	  "bpf"
#define NONE	  UINT32_MAX
#define BPF_KNOWN 256

struct ksym {
	uint64_t addr;
	uint32_t name;	 /* offset into the text of kallsyms */
	uint32_t module; /* likewise; NONE: the kernel itself */
	bool code;
};

struct ksyms {
	FILE *kallsyms, *modules;
	char *text;
	struct ksym *syms;
	size_t n;
	uint64_t modules_hash;
	int64_t read_ns, looked_ns;    /* when the table was read, and the list of modules */
	uint64_t bpf_known[BPF_KNOWN]; /* addresses that the table was read for, or after */
};

struct ksyms *ksyms_open(const char *kallsyms, const char *modules)
{
	struct ksyms *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->kallsyms = fopen(kallsyms, "re");
	k->modules = fopen(modules, "re");
	return k;
}

void ksyms_close(struct ksyms *k)
{
	if (!k)
		return;
	if (k->kallsyms)
		fclose(k->kallsyms);
	if (k->modules)
		fclose(k->modules);
	free(k->syms);
	free(k->text);
	free(k);
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

#define LOOK_NS 100000000LL /* how old a look at what may have changed can be */

/* By address; of several names of one, the first that kallsyms has is the last. */
static int by_addr(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name > y->name ? -1 : x->name < y->name;
}

/* The whole file, from its beginning, as a string; NULL without memory. */
static char *read_all(FILE *f, size_t *len)
{
	size_t cap = 1 << 20, n;
	char *text = malloc(cap);

	*len = 0;
	rewind(f);
	while (text && (n = fread(text + *len, 1, cap - *len - 1, f)) > 0) {
		char *more;

		*len += n;
		if (cap - *len > 1)
			continue;
		cap *= 2;
		more = realloc(text, cap);
		if (!more)
			free(text);
		text = more;
	}
	if (text)
		text[*len] = '\0';
	return text;
}

/* "ffffffff81000000 T name\t[module]" up to @end, which becomes a NUL. False: shows no address. */
static bool parse_line(struct ksyms *k, char *line, char *end, struct ksym *sym)
{
	char *kind, *name, *module;

	*end = '\0';
	sym->addr = strtoull(line, &kind, 16);
	if (!sym->addr || kind[0] != ' ' || !kind[1] || kind[2] != ' ')
		return false;
	sym->code = strchr("tTwW", kind[1]);
	name = kind + 3;
	module = strchr(name, '[');
	name[strcspn(name, "\t ")] = '\0';
	sym->name = (uint32_t)(name - k->text);
	sym->module = NONE;
	if (module) {
		module[strcspn(module, "]")] = '\0';
		sym->module = (uint32_t)(module + 1 - k->text);
	}
	return true;
}

/* All symbols, data too: they show where another one begins. */
static void parse(struct ksyms *k, size_t len)
{
	size_t cap = len / 32 + 16;
	char *p = k->text, *end;

	k->n = 0;
	free(k->syms);
	k->syms = malloc(cap * sizeof(*k->syms));
	for (; k->syms && k->n < cap && (end = strchr(p, '\n')); p = end + 1)
		if (parse_line(k, p, end, &k->syms[k->n]))
			k->n++;
	if (k->syms)
		qsort(k->syms, k->n, sizeof(*k->syms), by_addr);
}

/* What changes when a module comes or goes, or another takes its place. */
static uint64_t modules_hash(struct ksyms *k)
{
	uint64_t hash = 1;
	char line[1024], name[64], addr[32];

	if (!k->modules)
		return 0;
	rewind(k->modules);
	while (fgets(line, sizeof(line), k->modules)) {
		if (sscanf(line, "%63s %*s %*s %*s %*s %31s", name, addr) != 2)
			continue;
		for (const char *c = name; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3ULL;
		hash = (hash ^ strtoull(addr, NULL, 16)) * 0x100000001b3ULL;
	}
	return hash;
}

static void read_table(struct ksyms *k)
{
	size_t len;
	bool first = !k->read_ns;

	free(k->text);
	k->n = 0;
	k->modules_hash = modules_hash(k);
	k->text = k->kallsyms ? read_all(k->kallsyms, &len) : NULL;
	if (k->text)
		parse(k, len);
	memset(k->bpf_known, 0, sizeof(k->bpf_known));
	/* reading takes seconds on some machines: who asks next must not find it long ago */
	k->read_ns = k->looked_ns = now_ns();
	if (!k->n && first)
		log_warn("kernel symbols are hidden (/proc/kallsyms shows zeros): needs "
			 "CAP_SYSLOG, or kernel.kptr_restrict=0; stacks show addresses");
}

static const struct ksym *below(const struct ksyms *k, uint64_t addr)
{
	size_t lo = 0, hi = k->n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->syms[mid].addr <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return k->n && k->syms[lo].addr <= addr ? &k->syms[lo] : NULL;
}

static bool same_module(const struct ksyms *k, const struct ksym *a, const struct ksym *b)
{
	if (a->module == NONE || b->module == NONE)
		return a->module == b->module;
	return !strcmp(k->text + a->module, k->text + b->module);
}

/* Is @addr, behind @sym and before the next one, in @sym for certain? */
static bool reaches(const struct ksyms *k, const struct ksym *sym, uint64_t addr)
{
	const struct ksym *next = sym + 1;

	if (!sym->code)
		return false;
	if (next < k->syms + k->n && same_module(k, sym, next))
		return true;
	return addr / PAGE == sym->addr / PAGE;
}

static bool is_bpf(const struct ksyms *k, const struct ksym *sym)
{
	return sym && sym->module != NONE && !strcmp(k->text + sym->module, BPF);
}

/* What the table says of a BPF program is right if it was read a moment ago, or for @addr before.
 */
static void know_bpf(struct ksyms *k, uint64_t addr)
{
	uint64_t *known = &k->bpf_known[(addr ^ addr >> 12) % BPF_KNOWN];

	if (*known != addr && now_ns() - k->read_ns > LOOK_NS)
		read_table(k);
	*known = addr;
}

/* Reads the table anew if modules have come or gone. */
static bool modules_are_others(struct ksyms *k)
{
	int64_t now = now_ns();

	if (now - k->looked_ns < LOOK_NS)
		return false;
	k->looked_ns = now;
	if (modules_hash(k) == k->modules_hash)
		return false;
	read_table(k);
	return true;
}

const char *ksyms_find(struct ksyms *k, uint64_t addr, uint64_t *start)
{
	const struct ksym *sym;

	if (!k->read_ns)
		read_table(k);
	sym = below(k, addr);
	if (is_bpf(k, sym)) {
		know_bpf(k, addr);
		sym = below(k, addr);
	} else if (!sym || sym->module != NONE || !reaches(k, sym, addr)) {
		if (modules_are_others(k))
			sym = below(k, addr);
	}
	if (!sym || !reaches(k, sym, addr))
		return NULL;
	*start = sym->addr;
	return k->text + sym->name;
}
