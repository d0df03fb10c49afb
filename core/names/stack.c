/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/stack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/log.h"
#include "core/names/libdw.h"

struct ksym {
	uint64_t addr;
	uint32_t name; /* offset into the text of kallsyms */
};

#define PROCESS_SLOTS 64

/* A process whose memory map has been read; Dwfl keeps its symbol tables. */
struct process {
	uint32_t pid;
	time_t read_at; /* its map may have changed since: exec, dlopen */
	Dwfl *dwfl;	/* NULL: it could not be read, or is gone */
};

struct stack_names {
	FILE *kallsyms; /* open until it has been read */
	char *text;
	struct ksym *syms;
	size_t n_syms;
	struct process processes[PROCESS_SLOTS];
	char buf[512];
};

struct stack_names *stack_names_open(bool kernel)
{
	struct stack_names *names = calloc(1, sizeof(*names));

	if (names && kernel)
		names->kallsyms = fopen("/proc/kallsyms", "re");
	return names;
}

void stack_names_close(struct stack_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		if (names->processes[i].dwfl)
			libdw()->dwfl_end(names->processes[i].dwfl);
	if (names->kallsyms)
		fclose(names->kallsyms);
	free(names->syms);
	free(names->text);
	free(names);
}

static int by_addr(const void *a, const void *b)
{
	const struct ksym *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static char *read_all(FILE *f, size_t *len)
{
	size_t cap = 1 << 20, n;
	char *text = malloc(cap);

	*len = 0;
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

/* Lines are "ffffffff81000000 T name\t[module]"; data symbols never are in a stack. */
static void parse_kallsyms(struct stack_names *names, size_t len)
{
	size_t cap = len / 32 + 16;
	char *p = names->text;

	names->syms = malloc(cap * sizeof(*names->syms));
	while (names->syms && *p && names->n_syms < cap) {
		char *end = strchr(p, '\n'), *kind;
		uint64_t addr = strtoull(p, &kind, 16);

		if (!end)
			break;
		if (kind[0] == ' ' && strchr("tTwW", kind[1]) && addr) {
			char *name = kind + 3;

			name[strcspn(name, "\t\n ")] = '\0';
			names->syms[names->n_syms++] =
				(struct ksym){ addr, (uint32_t)(name - names->text) };
		}
		p = end + 1;
	}
	if (names->syms)
		qsort(names->syms, names->n_syms, sizeof(*names->syms), by_addr);
}

static void load_kernel(struct stack_names *names)
{
	size_t len;

	names->text = read_all(names->kallsyms, &len);
	fclose(names->kallsyms);
	names->kallsyms = NULL;
	if (names->text)
		parse_kallsyms(names, len);
	if (!names->n_syms)
		log_warn(
			"kernel symbols are hidden (/proc/kallsyms shows zeros): needs CAP_SYSLOG, "
			"or kernel.kptr_restrict=0; stacks show addresses");
}

const char *stack_kernel_name(struct stack_names *names, uint64_t addr, bool plain)
{
	size_t lo = 0, hi;

	if (names->kallsyms)
		load_kernel(names);
	for (hi = names->n_syms; hi - lo > 1;) {
		size_t mid = lo + (hi - lo) / 2;

		if (names->syms[mid].addr <= addr)
			lo = mid;
		else
			hi = mid;
	}
	if (!names->n_syms || names->syms[lo].addr > addr)
		snprintf(names->buf, sizeof(names->buf), "0x%" PRIx64, addr);
	else if (plain)
		return names->text + names->syms[lo].name;
	else
		snprintf(names->buf, sizeof(names->buf), "%s+0x%" PRIx64,
			 names->text + names->syms[lo].name, addr - names->syms[lo].addr);
	return names->buf;
}

/* The memory map of @pid as it is now; NULL: it could not be read. */
static Dwfl *read_map(uint32_t pid)
{
	static Dwfl_Callbacks callbacks;
	const struct libdw *dw = libdw();
	Dwfl *dwfl;

	if (!dw)
		return NULL;
	callbacks.find_elf = dw->dwfl_linux_proc_find_elf;
	callbacks.find_debuginfo = dw->dwfl_standard_find_debuginfo;
	dwfl = dw->dwfl_begin(&callbacks);
	if (dwfl && (dw->dwfl_linux_proc_report(dwfl, (pid_t)pid) ||
		     dw->dwfl_report_end(dwfl, NULL, NULL))) {
		dw->dwfl_end(dwfl);
		return NULL;
	}
	return dwfl;
}

/* @again: an address wasn't there, so look whether the map has changed, once a second at most. */
static Dwfl *process_dwfl(struct stack_names *names, uint32_t pid, bool again)
{
	struct process *p = &names->processes[pid % PROCESS_SLOTS];
	Dwfl *fresh;

	if (p->pid == pid && !(again && p->read_at != time(NULL)))
		return p->dwfl;
	fresh = read_map(pid);
	if (p->pid == pid && !fresh)
		return p->dwfl; /* it is gone: what we know of it stays right */
	if (p->dwfl)
		libdw()->dwfl_end(p->dwfl);
	*p = (struct process){ pid, time(NULL), fresh };
	return fresh;
}

const char *stack_user_name(struct stack_names *names, uint32_t pid, uint64_t addr)
{
	Dwfl *dwfl = process_dwfl(names, pid, false);
	Dwfl_Module *module = dwfl ? libdw()->dwfl_addrmodule(dwfl, addr) : NULL;
	const char *file = NULL, *symbol = NULL;
	GElf_Off off = 0;
	GElf_Sym sym;

	if (!module) {
		dwfl = process_dwfl(names, pid, true);
		module = dwfl ? libdw()->dwfl_addrmodule(dwfl, addr) : NULL;
	}
	if (module) {
		const char *path =
			libdw()->dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

		file = path && strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		symbol = libdw()->dwfl_module_addrinfo(module, addr, &off, &sym, NULL, NULL, NULL);
	}
	if (symbol)
		snprintf(names->buf, sizeof(names->buf), "%s+0x%" PRIx64 " (%s)", symbol,
			 (uint64_t)off, file);
	else if (file)
		snprintf(names->buf, sizeof(names->buf), "0x%" PRIx64 " (%s)", addr, file);
	else
		snprintf(names->buf, sizeof(names->buf), "0x%" PRIx64, addr);
	return names->buf;
}
