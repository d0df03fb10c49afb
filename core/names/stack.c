/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/stack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/utf8.h"
#include "core/names/elf_syms.h"
#include "core/names/ksyms.h"
#include "core/names/mapped.h"

#define PROCESS_SLOTS 128
#define SYMBOL_MAX    4096
#define FILES_MAX     256
#define BYTES_MAX     (256u << 20) /* of symbols; beyond, all are read anew */

/* A file whose symbols were read. Its number may be used again, so its times count, too. */
struct file_key {
	uint64_t dev, ino, size;
	int64_t changed_s, changed_ns;
};

struct file {
	struct file_key key;
	struct elf_syms *syms; /* NULL: none */
};

struct stack_names {
	struct ksyms *kernel;
	struct mapped processes[PROCESS_SLOTS];
	uint64_t used;
	struct file files[FILES_MAX];
	size_t n_files, bytes;
	bool told; /* that files can't be read */
	char buf[STACK_NAME_MAX];
};

struct stack_names *stack_names_open(void)
{
	struct stack_names *names = calloc(1, sizeof(*names));

	if (names)
		names->kernel = ksyms_open("/proc/kallsyms", "/proc/modules");
	if (names && !names->kernel) {
		free(names);
		return NULL;
	}
	return names;
}

static void forget(struct stack_names *names)
{
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		mapped_free(&names->processes[i]);
	for (size_t i = 0; i < names->n_files; i++)
		elf_syms_free(names->files[i].syms);
	names->n_files = names->bytes = 0;
}

void stack_names_close(struct stack_names *names)
{
	if (!names)
		return;
	forget(names);
	ksyms_close(names->kernel);
	free(names);
}

const char *stack_kernel_name(struct stack_names *names, uint64_t addr, bool plain)
{
	uint64_t start;
	const char *name = ksyms_find(names->kernel, addr, &start);

	if (!name)
		snprintf(names->buf, sizeof(names->buf), "0x%" PRIx64, addr);
	else if (plain)
		return name;
	else
		snprintf(names->buf, sizeof(names->buf), "%s+0x%" PRIx64, name, addr - start);
	return names->buf;
}

/* They differ between kernels; those without a name are programs of BPF. */
static bool is_hook(const char *name)
{
	static const char *const prefixes[] = { "bpf_", "__bpf_", "__traceiter_", "__do_trace_",
						"0x" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

size_t stack_hook_frames(struct stack_names *names, const uint64_t *frames, size_t n)
{
	size_t skip = 0;

	while (skip < n && is_hook(stack_kernel_name(names, frames[skip], true)))
		skip++;
	return skip < n ? skip : 0;
}

/* The mappings of @pid while it ran @program; NULL: not known. @again: an address wasn't there. */
static struct mapped *process_of(struct stack_names *names, uint32_t pid, uint64_t program,
				 bool again)
{
	struct mapped fresh, *p;
	bool known;

	p = mapped_place(names->processes, PROCESS_SLOTS, sizeof(*p), pid, program, &names->used,
			 &known);
	if (known) {
		mapped_look(p, again);
		return p;
	}
	if (!mapped_read(&fresh, pid, program))
		return NULL;
	fresh.used = p->used;
	mapped_free(p);
	*p = fresh;
	return p;
}

static const struct elf_syms *symbols_of_file(struct stack_names *names, int fd)
{
	struct file_key key;
	size_t bytes = 0;
	struct file *file;
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	key = (struct file_key){ st.st_dev, st.st_ino, (uint64_t)st.st_size, st.st_ctim.tv_sec,
				 st.st_ctim.tv_nsec };
	for (size_t i = 0; i < names->n_files; i++)
		if (!memcmp(&names->files[i].key, &key, sizeof(key)))
			return names->files[i].syms;
	file = &names->files[names->n_files++];
	*file = (struct file){ .key = key, .syms = elf_syms_read(fd, &bytes) };
	names->bytes += bytes;
	return file->syms;
}

/* Once: why there are addresses only. */
static void tell(struct stack_names *names, uint32_t pid, int error)
{
	if (names->told || (error != EPERM && error != EACCES))
		return;
	names->told = true;
	log_warn("files mapped by process %u can't be read (%s): needs CAP_CHECKPOINT_RESTORE and "
		 "CAP_DAC_READ_SEARCH; stacks show addresses",
		 pid, strerror(error));
}

/* The symbols of what is mapped there, if it is mapped there still. */
static const struct elf_syms *symbols_of(struct stack_names *names, const struct mapped *p,
					 struct mapping *map)
{
	int fd;

	if (map->looked)
		return map->symbols;
	map->looked = true;
	fd = mapping_open(p->pid, map);
	if (fd < 0) {
		tell(names, p->pid, errno);
		return NULL;
	}
	if (runs_program(p->pid, p->program))
		map->symbols = symbols_of_file(names, fd);
	close(fd);
	return map->symbols;
}

/* A file can name a function by megabytes. */
static void add_symbol(struct text_buf *to, const char *symbol, uint64_t into, bool plain)
{
	size_t len = strnlen(symbol, SYMBOL_MAX + 1);

	if (len > SYMBOL_MAX) {
		text_add(to, symbol, utf8_whole(symbol, SYMBOL_MAX));
		text_puts(to, "…");
	} else {
		text_add(to, symbol, len);
	}
	if (!plain)
		text_printf(to, "+0x%" PRIx64, into);
}

bool stack_user_name(struct stack_names *names, uint32_t pid, uint64_t program, uint64_t addr,
		     bool plain, struct text_buf *to)
{
	const struct elf_syms *syms;
	const char *symbol = NULL;
	struct mapping *map;
	struct mapped *p;
	uint64_t into = 0;

	if (names->n_files == FILES_MAX || names->bytes > BYTES_MAX)
		forget(names);
	p = process_of(names, pid, program, false);
	map = p ? mapped_find(p, addr) : NULL;
	if (p && !map) {
		p = process_of(names, pid, program, true);
		map = mapped_find(p, addr);
	}
	syms = map ? symbols_of(names, p, map) : NULL;
	if (syms)
		symbol = elf_syms_find(syms, addr - map->start + map->offset, &into);
	if (symbol)
		add_symbol(to, symbol, into, plain);
	else
		text_printf(to, "0x%" PRIx64, addr);
	if (map && p->names[map->name])
		text_printf(to, " (%s)", p->names + map->name);
	return map || !p;
}

void stack_names_learn(struct stack_names *names, uint32_t pid, uint64_t program)
{
	struct mapped *p;

	if (names->n_files > FILES_MAX / 2 || names->bytes > BYTES_MAX / 2)
		return; /* names asked for later will make room: nothing known is given up */
	p = process_of(names, pid, program, true);
	for (size_t i = 0; p && i < p->n && names->n_files < FILES_MAX; i++)
		symbols_of(names, p, &p->map[i]);
}
