// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "core/kernel/btf_check.h"

#include <elf.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ELF class of this machine's programs, and the byte order. */
#define ELF_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define ELF_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

struct checked {
	const char *strings;
	const uint8_t *types;
	uint32_t strings_len, types_len;
	const struct btf_type **type; /* by id; NULL for 0, which is void */
	uint32_t n;		      /* the last id */
	uint16_t *depth;	      /* by id; 0: not visited yet */
};

static uint32_t kind_of(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info);
}

static uint32_t vlen_of(const struct btf_type *t)
{
	return BTF_INFO_VLEN(t->info);
}

/* What follows @t itself; -1 if its kind isn't known. */
static int64_t more_bytes(const struct btf_type *t)
{
	switch (kind_of(t)) {
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
		return sizeof(uint32_t);
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int64_t)(vlen_of(t) * sizeof(struct btf_member));
	case BTF_KIND_ENUM:
		return (int64_t)(vlen_of(t) * sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return (int64_t)(vlen_of(t) * sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return (int64_t)(vlen_of(t) * sizeof(struct btf_param));
	case BTF_KIND_VAR:
		return sizeof(struct btf_var);
	case BTF_KIND_DATASEC:
		return (int64_t)(vlen_of(t) * sizeof(struct btf_var_secinfo));
	case BTF_KIND_DECL_TAG:
		return sizeof(struct btf_decl_tag);
	default:
		return -1;
	}
}

static const char *check_header(struct checked *c, const void *data, size_t size)
{
	const struct btf_header *h = data;
	size_t rest;

	if (size < sizeof(*h))
		return "it is too short";
	if (h->magic == __builtin_bswap16(BTF_MAGIC))
		return "it is of a machine of another byte order";
	if (h->magic != BTF_MAGIC)
		return "it doesn't begin as BTF does";
	if (h->version != BTF_VERSION || h->flags)
		return "its version is unknown";
	if (h->hdr_len < sizeof(*h) || h->hdr_len > size || h->hdr_len % 4)
		return "its header has an odd length";
	rest = size - h->hdr_len;
	if (h->type_off % 4 || h->type_off > rest || h->type_len > rest - h->type_off)
		return "its types are beyond its end";
	if (h->str_off > rest || h->str_len > rest - h->str_off)
		return "its names are beyond its end";
	if (h->type_off + h->type_len > h->str_off)
		return "its names overlap its types";
	c->types = (const uint8_t *)data + h->hdr_len + h->type_off;
	c->types_len = h->type_len;
	c->strings = (const char *)data + h->hdr_len + h->str_off;
	c->strings_len = h->str_len;
	if (!h->str_len || c->strings[0] || c->strings[h->str_len - 1])
		return "its names aren't closed";
	return NULL;
}

/* Finds where each type begins. */
static const char *check_shape(struct checked *c)
{
	size_t most = c->types_len / sizeof(struct btf_type) + 1;

	c->type = calloc(most, sizeof(*c->type));
	c->depth = calloc(most, sizeof(*c->depth));
	if (!c->type || !c->depth)
		return "it is too large for this machine's memory";
	for (uint32_t at = 0; at < c->types_len;) {
		const struct btf_type *t = (const void *)(c->types + at);
		int64_t more;

		if (c->types_len - at < sizeof(*t))
			return "its last type isn't whole";
		more = more_bytes(t);
		if (more < 0)
			return "it has a type of an unknown kind";
		if (more > (int64_t)(c->types_len - at - sizeof(*t)))
			return "its last type isn't whole";
		c->type[++c->n] = t;
		at += (uint32_t)(sizeof(*t) + (size_t)more);
	}
	return c->n ? NULL : "it has no types";
}

static bool known_name(const struct checked *c, uint32_t off)
{
	return off < c->strings_len;
}

static bool known_type(const struct checked *c, uint32_t id)
{
	return id <= c->n;
}

static bool is_kind(const struct checked *c, uint32_t id, uint32_t kind)
{
	return id && known_type(c, id) && kind_of(c->type[id]) == kind;
}

#define BAD_NAME "it has a name beyond the end of its names"
#define BAD_TYPE "it has the number of a type that there isn't"
#define BAD_SIZE "it has a size that can't be"

static const char *check_members(const struct checked *c, const struct btf_type *t)
{
	const struct btf_member *m = (const void *)(t + 1);
	bool fields = BTF_INFO_KFLAG(t->info);

	for (uint32_t i = 0; i < vlen_of(t); i++) {
		uint64_t bit = fields ? BTF_MEMBER_BIT_OFFSET(m[i].offset) : m[i].offset;

		if (!known_name(c, m[i].name_off))
			return BAD_NAME;
		if (!m[i].type || !known_type(c, m[i].type))
			return BAD_TYPE;
		if (bit > 8 * (uint64_t)t->size)
			return BAD_SIZE;
	}
	return NULL;
}

static const char *check_params(const struct checked *c, const struct btf_type *t)
{
	const struct btf_param *p = (const void *)(t + 1);

	for (uint32_t i = 0; i < vlen_of(t); i++) {
		if (!known_name(c, p[i].name_off))
			return BAD_NAME;
		if (!known_type(c, p[i].type))
			return BAD_TYPE;
	}
	return known_type(c, t->type) ? NULL : BAD_TYPE;
}

/* Names of values come first in both kinds of enum. */
static const char *check_enum(const struct checked *c, const struct btf_type *t)
{
	size_t step =
		kind_of(t) == BTF_KIND_ENUM ? sizeof(struct btf_enum) : sizeof(struct btf_enum64);
	const uint8_t *at = (const void *)(t + 1);

	for (uint32_t i = 0; i < vlen_of(t); i++, at += step)
		if (!known_name(c, *(const uint32_t *)at))
			return BAD_NAME;
	return t->size == 1 || t->size == 2 || t->size == 4 || t->size == 8 ? NULL : BAD_SIZE;
}

static const char *check_int(const struct btf_type *t)
{
	uint32_t info = *(const uint32_t *)(t + 1);

	if (!t->size || t->size > 16 || BTF_INT_OFFSET(info) + BTF_INT_BITS(info) > 8 * t->size)
		return BAD_SIZE;
	return NULL;
}

static const char *check_array(const struct checked *c, const struct btf_type *t)
{
	const struct btf_array *a = (const void *)(t + 1);

	return a->type && known_type(c, a->type) && known_type(c, a->index_type) ? NULL : BAD_TYPE;
}

static const char *check_section(const struct checked *c, const struct btf_type *t)
{
	const struct btf_var_secinfo *v = (const void *)(t + 1);

	for (uint32_t i = 0; i < vlen_of(t); i++)
		if (!is_kind(c, v[i].type, BTF_KIND_VAR) && !is_kind(c, v[i].type, BTF_KIND_FUNC))
			return BAD_TYPE;
	return NULL;
}

static const char *check_type(const struct checked *c, const struct btf_type *t)
{
	if (!known_name(c, t->name_off))
		return BAD_NAME;
	switch (kind_of(t)) {
	case BTF_KIND_INT:
		return check_int(t);
	case BTF_KIND_ARRAY:
		return check_array(c, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return check_members(c, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return check_enum(c, t);
	case BTF_KIND_FUNC_PROTO:
		return check_params(c, t);
	case BTF_KIND_DATASEC:
		return check_section(c, t);
	case BTF_KIND_FUNC:
		return is_kind(c, t->type, BTF_KIND_FUNC_PROTO) ? NULL : BAD_TYPE;
	case BTF_KIND_FWD:
	case BTF_KIND_FLOAT:
		return NULL;
	default: /* what refers to one other type */
		return known_type(c, t->type) ? NULL : BAD_TYPE;
	}
}

/* The @i-th type that is a part of @t, by value; -1: there are no more. */
static int64_t part(const struct btf_type *t, uint32_t i)
{
	const struct btf_array *a = (const void *)(t + 1);
	const struct btf_member *m = (const void *)(t + 1);

	switch (kind_of(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return i < vlen_of(t) ? (int64_t)m[i].type : -1;
	case BTF_KIND_ARRAY:
		return i > 1 ? -1 : (int64_t)(i ? a->index_type : a->type);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return i ? -1 : (int64_t)t->type;
	default:
		return -1;
	}
}

/* Types that are being looked into, the outermost first. */
struct descent {
	uint32_t id[BTF_DEPTH_MAX], next[BTF_DEPTH_MAX];
	uint16_t deepest[BTF_DEPTH_MAX];
	uint32_t n;
};

/*
 * How deep @id is. A type that contains itself would be deeper than any. What was visited before
 * isn't visited again, but its depth counts.
 */
static bool descend(struct checked *c, struct descent *d, uint32_t id)
{
	d->n = 1;
	d->id[0] = id;
	d->next[0] = d->deepest[0] = 0;
	while (d->n) {
		uint32_t top = d->n - 1;
		int64_t inner = part(c->type[d->id[top]], d->next[top]++);

		if (inner < 0) {
			c->depth[d->id[top]] = (uint16_t)(d->deepest[top] + 1);
			d->n--;
			if (top && c->depth[d->id[top]] > d->deepest[top - 1])
				d->deepest[top - 1] = c->depth[d->id[top]];
		} else if (inner && c->depth[inner]) {
			if (c->depth[inner] > d->deepest[top])
				d->deepest[top] = c->depth[inner];
		} else if (inner) {
			if (d->n == BTF_DEPTH_MAX)
				return false;
			d->id[d->n] = (uint32_t)inner;
			d->next[d->n] = d->deepest[d->n] = 0;
			d->n++;
		}
		if (d->n && d->n + d->deepest[d->n - 1] >= BTF_DEPTH_MAX)
			return false;
	}
	return true;
}

static const char *check_all(struct checked *c)
{
	struct descent d;
	const char *why;

	for (uint32_t id = 1; id <= c->n; id++) {
		why = check_type(c, c->type[id]);
		if (why)
			return why;
	}
	for (uint32_t id = 1; id <= c->n; id++)
		if (!c->depth[id] && !descend(c, &d, id))
			return "it has a type that is part of itself, or nested without end";
	return NULL;
}

const char *btf_check(const void *data, size_t size)
{
	struct checked c = { 0 };
	const char *why = check_header(&c, data, size);

	if (!why)
		why = check_shape(&c);
	if (!why)
		why = check_all(&c);
	free(c.type);
	free(c.depth);
	return why;
}

/* --- where it is in a file --- */

#define SECTION ".BTF"

static bool inside(uint64_t off, uint64_t len, size_t size)
{
	return off <= size && len <= size - off;
}

static bool is_btf(const char *names, uint64_t names_len, uint32_t off)
{
	return off < names_len && names_len - off >= sizeof(SECTION) &&
	       memcmp(names + off, SECTION, sizeof(SECTION)) == 0;
}

static const void *find_section(const uint8_t *file, size_t size, size_t *btf_size)
{
	Elf64_Ehdr e;
	Elf64_Shdr names, s;

	if (size < sizeof(e))
		return NULL;
	memcpy(&e, file, sizeof(e));
	if (e.e_ident[EI_CLASS] != ELF_CLASS || e.e_ident[EI_DATA] != ELF_ORDER ||
	    e.e_shentsize != sizeof(s) || e.e_shstrndx >= e.e_shnum ||
	    !inside(e.e_shoff, (uint64_t)e.e_shnum * sizeof(s), size))
		return NULL;
	memcpy(&names, file + e.e_shoff + e.e_shstrndx * sizeof(s), sizeof(names));
	if (!inside(names.sh_offset, names.sh_size, size))
		return NULL;
	for (uint32_t i = 0; i < e.e_shnum; i++) {
		memcpy(&s, file + e.e_shoff + i * sizeof(s), sizeof(s));
		if (!is_btf((const char *)file + names.sh_offset, names.sh_size, s.sh_name) ||
		    (s.sh_flags & SHF_COMPRESSED) || s.sh_type == SHT_NOBITS || s.sh_offset % 4 ||
		    !inside(s.sh_offset, s.sh_size, size))
			continue;
		*btf_size = s.sh_size;
		return file + s.sh_offset;
	}
	return NULL;
}

const void *btf_find(const void *file, size_t size, size_t *btf_size, const char **why)
{
	const void *found = file;

	*btf_size = size;
	if (size >= SELFMAG && memcmp(file, ELFMAG, SELFMAG) == 0)
		found = find_section(file, size, btf_size);
	if (!found)
		*why = "it is a program without a section " SECTION;
	return found;
}
