/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The kernel's numbers of types in a compiled object's code. */
#include "core/kernel/image_ids.h"

#include <elf.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

/* The head of .BTF.ext, and of what it has of each section; libbpf has both for itself alone. */
struct ext_head {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t head_len;
	uint32_t func_off, func_len, line_off, line_len;
	uint32_t relo_off, relo_len; /* from the head's end */
};

struct ext_section {
	uint32_t name_off, n;
	struct bpf_core_relo relo[];
};

static Elf64_Shdr *find_section(char *elf, const char *name)
{
	Elf64_Ehdr *head = (Elf64_Ehdr *)elf;
	Elf64_Shdr *sections = (Elf64_Shdr *)(elf + head->e_shoff);
	const char *names = elf + sections[head->e_shstrndx].sh_offset;

	for (unsigned i = 0; i < head->e_shnum; i++)
		if (!strcmp(names + sections[i].sh_name, name))
			return &sections[i];
	return NULL;
}

/* Writes what @relo stands for into its instruction; false: that is left to libbpf. */
static bool settle(char *code, const struct bpf_core_relo *relo, const uint32_t *ids)
{
	struct bpf_insn *insn = (struct bpf_insn *)(code + relo->insn_off);

	if (relo->kind != BPF_CORE_TYPE_ID_TARGET || !ids[relo->type_id])
		return false;
	insn->imm = (int32_t)ids[relo->type_id];
	return true;
}

/* Copies those of section @from to @to that aren't settled; returns the bytes that they take. */
static size_t settle_section(char *code, const struct ext_section *from, char *to,
			     const uint32_t *ids)
{
	uint32_t name_off = from->name_off, n = from->n, left = 0;
	struct ext_section *out = (struct ext_section *)to;

	for (uint32_t i = 0; i < n; i++) {
		struct bpf_core_relo relo = from->relo[i];

		if (!settle(code, &relo, ids))
			out->relo[left++] = relo;
	}
	if (!left) /* libbpf takes an empty section for a broken one */
		return 0;
	out->name_off = name_off;
	out->n = left;
	return sizeof(*out) + left * sizeof(out->relo[0]);
}

bool image_settle_ids(void *object, const struct btf *local, const uint32_t *ids)
{
	char *elf = object;
	Elf64_Shdr *ext = find_section(elf, ".BTF.ext");
	struct ext_head *head = ext ? (struct ext_head *)(elf + ext->sh_offset) : NULL;
	uint32_t kept = sizeof(uint32_t), at = sizeof(uint32_t);
	char *relos;

	if (!head || head->head_len < sizeof(*head) || head->relo_len < sizeof(uint32_t))
		return true;
	relos = (char *)head + head->head_len + head->relo_off;
	if (*(uint32_t *)relos != sizeof(struct bpf_core_relo))
		return false;
	while (at < head->relo_len) {
		struct ext_section *from = (struct ext_section *)(relos + at);
		Elf64_Shdr *code = find_section(elf, btf__name_by_offset(local, from->name_off));

		if (!code)
			return false;
		at += (uint32_t)(sizeof(*from) + from->n * sizeof(from->relo[0]));
		kept += (uint32_t)settle_section(elf + code->sh_offset, from, relos + kept, ids);
	}
	/* libbpf takes no list at all for none, and an empty one for broken */
	head->relo_len = kept > sizeof(uint32_t) ? kept : 0;
	return true;
}
