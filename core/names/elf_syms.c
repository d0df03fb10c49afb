/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/elf_syms.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION_MAX  (256u << 20) /* larger symbol tables are passed over */
#define SEGMENTS_MAX 64
#define BUILD_ID_MAX 64
#define DEBUG_DIR    "/usr/lib/debug/.build-id" /* the system's, which only root writes to */
#define STEPS_BACK   16				/* functions inside others, to be looked through */

struct elf_sym {
	uint64_t addr, size;
	uint32_t name; /* offset into the names */
	uint32_t rank; /* of several at one address the one with the highest is shown */
};

struct segment {
	uint64_t offset, size, addr;
};

struct elf_syms {
	struct elf_sym *syms;
	size_t n;
	char *names;
	size_t names_len;
	struct segment segments[SEGMENTS_MAX];
	size_t n_segments;
};

void elf_syms_free(struct elf_syms *e)
{
	if (!e)
		return;
	free(e->syms);
	free(e->names);
	free(e);
}

static int by_addr(const void *a, const void *b)
{
	const struct elf_sym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static uint32_t rank_of(const GElf_Sym *sym)
{
	switch (GELF_ST_BIND(sym->st_info)) {
	case STB_GLOBAL:
		return 2;
	case STB_WEAK:
		return 1;
	default:
		return 0;
	}
}

static bool is_function(const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && sym->st_shndx != SHN_UNDEF &&
	       sym->st_size && sym->st_name;
}

static void add_segments(struct elf_syms *e, Elf *elf)
{
	size_t n = 0;

	if (elf_getphdrnum(elf, &n))
		return;
	for (size_t i = 0; i < n && e->n_segments < SEGMENTS_MAX; i++) {
		GElf_Phdr p;

		if (gelf_getphdr(elf, (int)i, &p) && p.p_type == PT_LOAD)
			e->segments[e->n_segments++] =
				(struct segment){ p.p_offset, p.p_filesz, p.p_vaddr };
	}
}

/* The section's contents if it is of a size to be read; NULL: none. */
static Elf_Data *contents(Elf_Scn *section, GElf_Shdr *head)
{
	if (!section || !gelf_getshdr(section, head) || head->sh_size > SECTION_MAX ||
	    head->sh_flags & SHF_COMPRESSED)
		return NULL;
	return elf_getdata(section, NULL);
}

/* Takes the functions of a symbol table. False: it can't be read, or has none. */
static bool add_table(struct elf_syms *e, Elf *elf, Elf_Scn *section)
{
	GElf_Shdr head, names_head;
	Elf_Data *data = contents(section, &head), *names;
	size_t count;

	if (!data || !head.sh_entsize)
		return false;
	names = contents(elf_getscn(elf, head.sh_link), &names_head);
	count = data->d_size / head.sh_entsize;
	if (!names || !names->d_size || count > INT32_MAX)
		return false;
	e->names = malloc(names->d_size + 1);
	e->syms = malloc((count + 1) * sizeof(*e->syms));
	if (!e->names || !e->syms)
		return false;
	memcpy(e->names, names->d_buf, names->d_size);
	e->names[names->d_size] = '\0';
	e->names_len = names->d_size;
	for (size_t i = 0; i < count; i++) {
		GElf_Sym sym;

		if (gelf_getsym(data, (int)i, &sym) && is_function(&sym) &&
		    sym.st_name < names->d_size)
			e->syms[e->n++] = (struct elf_sym){ sym.st_value, sym.st_size, sym.st_name,
							    rank_of(&sym) };
	}
	return e->n != 0;
}

static Elf_Scn *section_of_type(Elf *elf, unsigned type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr head;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &head) && head.sh_type == type)
			return section;
	return NULL;
}

static bool add_symbols(struct elf_syms *e, Elf *elf, unsigned type)
{
	if (add_table(e, elf, section_of_type(elf, type)))
		return true;
	free(e->syms);
	free(e->names);
	e->syms = NULL;
	e->names = NULL;
	e->n = e->names_len = 0;
	return false;
}

/* The path at which the system keeps the symbols of the file, by its build id: digits alone. */
static bool debug_path(Elf *elf, char *path, size_t size)
{
	Elf_Scn *section = NULL;
	GElf_Shdr head;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Nhdr note;
		size_t name, desc;
		int n;

		if (!gelf_getshdr(section, &head) || head.sh_type != SHT_NOTE)
			continue;
		data = contents(section, &head);
		if (!data || !gelf_getnote(data, 0, &note, &name, &desc) ||
		    note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof("GNU") ||
		    memcmp((char *)data->d_buf + name, "GNU", sizeof("GNU")) != 0 ||
		    note.n_descsz < 2 || note.n_descsz > BUILD_ID_MAX)
			continue;
		n = snprintf(path, size, DEBUG_DIR "/");
		for (size_t i = 0; i < note.n_descsz; i++)
			n += snprintf(path + n, size - (size_t)n, i == 1 ? "/%02x" : "%02x",
				      ((unsigned char *)data->d_buf)[desc + i]);
		snprintf(path + n, size - (size_t)n, ".debug");
		return true;
	}
	return false;
}

/* Opens what is a regular file of root's; -1: it isn't, or isn't there. */
static int open_debug(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool add_debug(struct elf_syms *e, Elf *elf)
{
	char path[sizeof(DEBUG_DIR) + 2 * BUILD_ID_MAX + 16];
	int fd = debug_path(elf, path, sizeof(path)) ? open_debug(path) : -1;
	Elf *debug = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
	bool found = debug && elf_kind(debug) == ELF_K_ELF && add_symbols(e, debug, SHT_SYMTAB);

	if (debug)
		elf_end(debug);
	if (fd >= 0)
		close(fd);
	return found;
}

struct elf_syms *elf_syms_read(int fd, size_t *bytes)
{
	struct elf_syms *e = NULL;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	elf = elf_begin(fd, ELF_C_READ, NULL); /* no mapping: the file may shrink meanwhile */
	if (elf && elf_kind(elf) == ELF_K_ELF)
		e = calloc(1, sizeof(*e));
	if (e) {
		add_segments(e, elf);
		if (!add_symbols(e, elf, SHT_SYMTAB) && !add_debug(e, elf))
			add_symbols(e, elf, SHT_DYNSYM);
		if (e->n)
			qsort(e->syms, e->n, sizeof(*e->syms), by_addr);
		*bytes = sizeof(*e) + e->n * sizeof(*e->syms) + e->names_len;
	}
	if (elf)
		elf_end(elf);
	return e;
}

static bool address_of(const struct elf_syms *e, uint64_t offset, uint64_t *addr)
{
	for (size_t i = 0; i < e->n_segments; i++) {
		const struct segment *s = &e->segments[i];

		if (offset >= s->offset && offset - s->offset < s->size) {
			*addr = s->addr + (offset - s->offset);
			return true;
		}
	}
	return false;
}

const char *elf_syms_find(const struct elf_syms *e, uint64_t offset, uint64_t *into)
{
	size_t lo = 0, hi = e->n;
	uint64_t addr;

	if (!e->n || !address_of(e, offset, &addr))
		return NULL;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (e->syms[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t steps = 0; lo > 0 && steps < STEPS_BACK; steps++) {
		const struct elf_sym *sym = &e->syms[--lo];

		if (addr - sym->addr < sym->size) {
			*into = addr - sym->addr;
			return e->names + sym->name;
		}
	}
	return NULL;
}
