/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/names/elf_image.h"

#include <gelf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADS_MAX   (64u << 10) /* a file's heads lie within so much */
#define PRESENT_MAX (128u << 20)
#define FILE_MAX    (8ull << 30)
#define PAGE	    4096 /* of the least that there is */

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER ELFDATA2LSB
#else
#define ORDER ELFDATA2MSB
#endif

static bool read_whole(int fd, char *to, size_t size, uint64_t offset)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = pread(fd, to + at, size - at, (off_t)(offset + at));

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Reads the file's part at @offset into its place. */
static bool take(struct elf_image *image, int fd, uint64_t offset, uint64_t size)
{
	if (offset > image->size || size > image->size - offset || size > PRESENT_MAX)
		return false;
	image->present += size;
	return read_whole(fd, image->at + offset, size, offset);
}

/* Is it a program or library of our own kind of machine? Takes its sections away. */
static bool take_heads(struct elf_image *image)
{
	Elf64_Ehdr *e = (Elf64_Ehdr *)image->at;

	if (image->size < sizeof(*e) || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_ident[EI_DATA] != ORDER ||
	    e->e_machine != MACHINE || e->e_phentsize != sizeof(Elf64_Phdr) ||
	    e->e_phnum == PN_XNUM || (e->e_type != ET_EXEC && e->e_type != ET_DYN) ||
	    e->e_phoff % sizeof(uint64_t))
		return false;
	if (e->e_phoff > image->size || e->e_phnum * sizeof(Elf64_Phdr) > image->size - e->e_phoff)
		return false;
	e->e_shoff = 0;
	e->e_shnum = e->e_shstrndx = 0;
	return true;
}

static const Elf64_Phdr *segments(const struct elf_image *image, size_t *n)
{
	const Elf64_Ehdr *e = (const Elf64_Ehdr *)image->at;

	*n = e->e_phnum;
	return (const Elf64_Phdr *)(image->at + e->e_phoff);
}

/*
 * The section that has the tables, where nothing else leads to them: static programs. Read here,
 * for libelf takes in as much as the file says, and anybody can write one.
 */
static bool section_of_frames(int fd, Elf64_Shdr *found)
{
	static const char wanted[] = ".eh_frame";
	char name[sizeof(wanted)];
	Elf64_Shdr names;
	Elf64_Ehdr e;

	if (!read_whole(fd, (char *)&e, sizeof(e), 0) || e.e_shentsize != sizeof(names) ||
	    e.e_shstrndx >= e.e_shnum ||
	    !read_whole(fd, (char *)&names, sizeof(names),
			e.e_shoff + e.e_shstrndx * sizeof(names)))
		return false;
	for (size_t i = 0; i < e.e_shnum; i++) {
		if (!read_whole(fd, (char *)found, sizeof(*found), e.e_shoff + i * sizeof(*found)))
			return false;
		if (found->sh_flags & SHF_ALLOC && !(found->sh_flags & SHF_COMPRESSED) &&
		    found->sh_type != SHT_NOBITS &&
		    read_whole(fd, name, sizeof(name), names.sh_offset + found->sh_name) &&
		    !memcmp(name, wanted, sizeof(wanted)))
			return true;
	}
	return false;
}

/* Makes that section, behind the file's own bytes, the only one there is. */
static void put_section(struct elf_image *image, const Elf64_Shdr *frames)
{
	static const char names[] = "\0.eh_frame\0.shstrtab";
	struct {
		Elf64_Shdr section[3];
		char names[sizeof(names)];
	} *own = (void *)(image->at + image->size);
	Elf64_Ehdr *e = (Elf64_Ehdr *)image->at;

	own->section[1] = (Elf64_Shdr){ .sh_name = 1,
					.sh_type = SHT_PROGBITS,
					.sh_flags = SHF_ALLOC,
					.sh_addr = frames->sh_addr,
					.sh_offset = frames->sh_offset,
					.sh_size = frames->sh_size,
					.sh_addralign = 8 };
	own->section[2] = (Elf64_Shdr){ .sh_name = 11,
					.sh_type = SHT_STRTAB,
					.sh_offset = (size_t)(own->names - image->at),
					.sh_size = sizeof(names),
					.sh_addralign = 1 };
	memcpy(own->names, names, sizeof(names));
	e->e_shoff = image->size;
	e->e_shentsize = sizeof(Elf64_Shdr);
	e->e_shnum = 3;
	e->e_shstrndx = 2;
	image->size += sizeof(*own);
}

/* The part that is loaded, and holds the tables of frames. */
static const Elf64_Phdr *part_of_frames(const struct elf_image *image)
{
	const Elf64_Phdr *p, *frames = NULL;
	size_t n;

	p = segments(image, &n);
	for (size_t i = 0; i < n && !frames; i++)
		if (p[i].p_type == PT_GNU_EH_FRAME)
			frames = &p[i];
	for (size_t i = 0; i < n && frames; i++)
		if (p[i].p_type == PT_LOAD && frames->p_offset >= p[i].p_offset &&
		    frames->p_offset - p[i].p_offset < p[i].p_filesz)
			return &p[i];
	return NULL;
}

static bool find_range(struct elf_image *image)
{
	const Elf64_Phdr *p;
	bool any = false;
	size_t n;

	p = segments(image, &n);
	for (size_t i = 0; i < n; i++) {
		uint64_t align = p[i].p_align ? p[i].p_align : 1;

		if (p[i].p_type != PT_LOAD)
			continue;
		if (p[i].p_memsz > UINT64_MAX - p[i].p_vaddr || align & (align - 1))
			return false;
		if (!any)
			image->low = p[i].p_vaddr & -align;
		image->high = p[i].p_vaddr + p[i].p_memsz;
		any = true;
	}
	return any && image->high > image->low;
}

static bool open_elf(struct elf_image *image)
{
	if (!find_range(image))
		return false;
	image->elf = elf_memory(image->at, image->size);
	return image->elf && elf_kind(image->elf) == ELF_K_ELF;
}

/* Reads [@offset, @offset + @size) but for the heads, which have been looked at, and stay. */
static bool take_behind(struct elf_image *image, int fd, size_t heads, uint64_t offset,
			uint64_t size)
{
	uint64_t from = offset > heads ? offset : heads;

	if (size > PRESENT_MAX || offset > FILE_MAX)
		return false;
	return offset + size <= from || take(image, fd, from, offset + size - from);
}

/* @size: the file's. */
static bool fill(struct elf_image *image, int fd, size_t size)
{
	size_t heads = size < HEADS_MAX ? size : HEADS_MAX;
	const Elf64_Phdr *part;
	Elf64_Shdr section;

	if (elf_version(EV_CURRENT) == EV_NONE || !take(image, fd, 0, heads) || !take_heads(image))
		return false;
	if (((Elf64_Ehdr *)image->at)->e_phoff > heads - sizeof(Elf64_Phdr) ||
	    ((Elf64_Ehdr *)image->at)->e_phnum * sizeof(Elf64_Phdr) >
		    heads - ((Elf64_Ehdr *)image->at)->e_phoff)
		return false;
	part = part_of_frames(image);
	if (part && !take_behind(image, fd, heads, part->p_offset, part->p_filesz))
		return false;
	if (!part && section_of_frames(fd, &section)) {
		if (!take_behind(image, fd, heads, section.sh_offset, section.sh_size))
			return false;
		put_section(image, &section);
	}
	return open_elf(image);
}

/* With room for sections of our own. */
static bool map_memory(struct elf_image *image, size_t size)
{
	size = (size + 7) & ~(size_t)7;
	*image = (struct elf_image){ .size = size, .mapped = size + PAGE };
	image->at = mmap(NULL, image->mapped, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->at == MAP_FAILED)
		image->at = NULL;
	return image->at;
}

bool elf_image_read(struct elf_image *image, int fd)
{
	struct stat st;

	*image = (struct elf_image){ 0 };
	if (fstat(fd, &st) || st.st_size < (off_t)sizeof(Elf64_Ehdr) ||
	    (uint64_t)st.st_size > FILE_MAX || !map_memory(image, (size_t)st.st_size))
		return false;
	if (fill(image, fd, (size_t)st.st_size))
		return true;
	elf_image_free(image);
	return false;
}

/* What we have mapped there, up to the end of the mapping. */
static size_t vdso_size(uint64_t at)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end;
	char line[512];
	size_t size = 0;

	while (f && !size && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start == at)
			size = end - start;
	if (f)
		fclose(f);
	return size;
}

bool elf_image_vdso(struct elf_image *image)
{
	uint64_t at = getauxval(AT_SYSINFO_EHDR);
	size_t size = at ? vdso_size(at) : 0;

	*image = (struct elf_image){ 0 };
	if (!size || !map_memory(image, size))
		return false;
	memcpy(image->at, (const void *)(uintptr_t)at, size);
	image->present = size;
	if (elf_version(EV_CURRENT) != EV_NONE && take_heads(image) && open_elf(image))
		return true;
	elf_image_free(image);
	return false;
}

void elf_image_free(struct elf_image *image)
{
	if (image->elf)
		elf_end(image->elf);
	if (image->at)
		munmap(image->at, image->mapped);
	*image = (struct elf_image){ 0 };
}

bool elf_image_moved(const struct elf_image *image, uint64_t offset, uint64_t addr, uint64_t *by)
{
	const Elf64_Phdr *p;
	size_t n;

	p = segments(image, &n);
	for (size_t i = 0; i < n; i++) {
		uint64_t from = p[i].p_offset & -(uint64_t)PAGE;

		if (p[i].p_type != PT_LOAD || !(p[i].p_flags & PF_X) || offset < from ||
		    offset - from >= p[i].p_filesz + (p[i].p_offset - from))
			continue;
		*by = addr - (p[i].p_vaddr + (offset - p[i].p_offset));
		return true;
	}
	return false;
}
