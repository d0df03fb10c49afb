/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* libbpf reads these but hands out nothing of them; the layout of .BTF.ext is a fixed interface. */
#include "tests/btf/relocations.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include <gelf.h>
#include <libelf.h>

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len;
	uint32_t func_info_off, func_info_len;
	uint32_t line_info_off, line_info_len;
	uint32_t core_relo_off, core_relo_len;
};

/* One for each section of the program's code, followed by its records. */
struct ext_section {
	uint32_t name_off, records;
};

static const Elf_Data *section_data(Elf *elf, const char *name)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr header;
		const char *its;

		if (!gelf_getshdr(section, &header))
			return NULL;
		its = elf_strptr(elf, names, header.sh_name);
		if (its && !strcmp(its, name))
			return elf_getdata(section, NULL);
	}
	return NULL;
}

/* Relocations that only ask whether something is there, or what number an enumerator has. */
static bool reads_type(enum bpf_core_relo_kind kind)
{
	return kind != BPF_CORE_FIELD_EXISTS && kind != BPF_CORE_TYPE_EXISTS &&
	       kind != BPF_CORE_ENUMVAL_EXISTS && kind != BPF_CORE_ENUMVAL_VALUE;
}

static bool take_all(const char *data, size_t size, take_type *take, void *arg)
{
	struct ext_header header;
	uint32_t record_size;
	const char *at, *end;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	if (header.hdr_len < sizeof(header) || header.core_relo_len <= sizeof(record_size) ||
	    (uint64_t)header.hdr_len + header.core_relo_off + header.core_relo_len > size)
		return false;
	at = data + header.hdr_len + header.core_relo_off;
	end = at + header.core_relo_len;
	memcpy(&record_size, at, sizeof(record_size));
	for (at += sizeof(record_size); at < end;) {
		struct ext_section section;

		memcpy(&section, at, sizeof(section));
		at += sizeof(section);
		if ((uint64_t)(end - at) < (uint64_t)section.records * record_size)
			return false;
		for (uint32_t i = 0; i < section.records; i++, at += record_size) {
			struct bpf_core_relo relo;

			memcpy(&relo, at, sizeof(relo));
			if (reads_type(relo.kind))
				take(arg, relo.type_id);
		}
	}
	return true;
}

bool relocations(const char *object, take_type *take, void *arg)
{
	int fd = open(object, O_RDONLY | O_CLOEXEC);
	const Elf_Data *data = NULL;
	Elf *elf = NULL;
	bool ok = false;

	elf_version(EV_CURRENT);
	if (fd >= 0)
		elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf)
		data = section_data(elf, ".BTF.ext");
	if (data && data->d_buf)
		ok = take_all(data->d_buf, data->d_size, take, arg);
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	return ok;
}
