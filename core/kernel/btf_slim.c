/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/btf_slim.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Names by hash, open addressing: a power of two, at most half full. */
struct names {
	struct name {
		const char *text;
		size_t len;
		uint32_t kernel_id; /* of the kernel's first struct or union of that name */
	} * slot;
	size_t size;
};

/* Which types are kept, and those whose members have still to be looked at. */
struct marks {
	const struct btf *kernel;
	uint32_t *id; /* in the copy, by the kernel's; 0: not kept */
	uint32_t *todo;
	uint32_t n_todo;
};

/* The length of @name without its flavour: task_struct___pre_v5_14. */
static size_t essential_len(const char *name)
{
	const char *flavour = strstr(name, "___");

	return flavour && flavour != name ? (size_t)(flavour - name) : strlen(name);
}

static size_t hash(const char *s, size_t len)
{
	size_t h = 5381;

	for (size_t i = 0; i < len; i++)
		h = h * 33 ^ (unsigned char)s[i];
	return h;
}

/* The slot where @name is, or where it would go. */
static struct name *names_slot(const struct names *n, const char *name, size_t len)
{
	size_t at = hash(name, len) & (n->size - 1);

	while (n->slot[at].text && (n->slot[at].len != len || memcmp(n->slot[at].text, name, len)))
		at = (at + 1) & (n->size - 1);
	return &n->slot[at];
}

static bool names_fill(struct names *n, const struct btf *local)
{
	uint32_t cnt = btf__type_cnt(local);

	for (n->size = 64; n->size < 2 * cnt;)
		n->size *= 2;
	n->slot = calloc(n->size, sizeof(*n->slot));
	if (!n->slot)
		return false;
	for (uint32_t id = 1; id < cnt; id++) {
		const char *name = btf__name_by_offset(local, btf__type_by_id(local, id)->name_off);
		size_t len = name ? essential_len(name) : 0;

		if (len)
			*names_slot(n, name, len) = (struct name){ name, len, 0 };
	}
	return true;
}

/* What programs can be relocated against. Functions are found in the whole of the kernel's. */
static bool relocatable(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return true;
	default:
		return false;
	}
}

static void mark(struct marks *m, uint32_t id)
{
	if (!id || m->id[id])
		return;
	m->id[id] = 1;
	m->todo[m->n_todo++] = id;
}

/* Marks what @id consists of. What a pointer points to isn't part of it. */
static void mark_parts(struct marks *m, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(m->kernel, id);

	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint16_t i = 0; i < btf_vlen(t); i++)
			mark(m, btf_members(t)[i].type);
		break;
	case BTF_KIND_ARRAY:
		mark(m, btf_array(t)->type);
		mark(m, btf_array(t)->index_type);
		break;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		mark(m, t->type);
		break;
	default:
		break;
	}
}

static bool marks_fill(struct marks *m, struct names *n)
{
	uint32_t cnt = btf__type_cnt(m->kernel);

	m->id = calloc(cnt, sizeof(*m->id));
	m->todo = calloc(cnt, sizeof(*m->todo));
	if (!m->id || !m->todo)
		return false;
	for (uint32_t id = 1; id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(m->kernel, id);
		struct name *wanted;
		const char *name;

		if (!t->name_off || !relocatable(t))
			continue;
		name = btf__name_by_offset(m->kernel, t->name_off);
		wanted = names_slot(n, name, essential_len(name));
		if (!wanted->text)
			continue;
		mark(m, id);
		if (!wanted->kernel_id && btf_is_composite(t))
			wanted->kernel_id = id;
	}
	while (m->n_todo)
		mark_parts(m, m->todo[--m->n_todo]);
	return true;
}

/* What @t refers to, by the copy's numbers. */
static void renumber(struct btf_type *t, const uint32_t *id)
{
	switch (btf_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint16_t i = 0; i < btf_vlen(t); i++)
			btf_members(t)[i].type = id[btf_members(t)[i].type];
		break;
	case BTF_KIND_ARRAY:
		btf_array(t)->type = id[btf_array(t)->type];
		btf_array(t)->index_type = id[btf_array(t)->index_type];
		break;
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		t->type = id[t->type];
		break;
	default:
		break;
	}
}

static struct btf *copy_marked(const struct marks *m)
{
	struct btf *slim = btf__new_empty();
	uint32_t cnt = btf__type_cnt(m->kernel), n = 0;

	for (uint32_t id = 1; id < cnt; id++)
		if (m->id[id])
			m->id[id] = ++n;
	for (uint32_t id = 1; slim && id < cnt; id++) {
		if (!m->id[id])
			continue;
		if (btf__add_type(slim, m->kernel, btf__type_by_id(m->kernel, id)) !=
		    (int)m->id[id]) {
			btf__free(slim);
			return NULL;
		}
		renumber((struct btf_type *)btf__type_by_id(slim, m->id[id]), m->id);
	}
	return slim;
}

static int write_file(const struct btf *btf)
{
	__u32 size = 0;
	const char *data = btf__raw_data(btf, &size);
	int fd = data ? memfd_create("iosonde-btf", MFD_CLOEXEC) : -1;

	for (__u32 done = 0; fd >= 0 && done < size;) {
		ssize_t n = write(fd, data + done, size - done);

		if (n <= 0) {
			close(fd);
			return -1;
		}
		done += (__u32)n;
	}
	return fd;
}

/* By @local's ids, those of the kernel's structs and unions of these names; 0: of none. */
static uint32_t *kernel_ids(const struct btf *local, const struct names *n)
{
	uint32_t cnt = btf__type_cnt(local);
	uint32_t *ids = calloc(cnt, sizeof(*ids));

	for (uint32_t id = 1; ids && id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(local, id);
		const char *name = btf__name_by_offset(local, t->name_off);

		if (name && *name && btf_is_composite(t))
			ids[id] = names_slot(n, name, essential_len(name))->kernel_id;
	}
	return ids;
}

int btf_slim(const struct btf *local, const struct btf *kernel, uint32_t **ids)
{
	struct names names = { 0 };
	struct marks marks = { .kernel = kernel };
	struct btf *slim = NULL;
	int fd = -1;

	*ids = NULL;
	if (names_fill(&names, local) && marks_fill(&marks, &names))
		*ids = kernel_ids(local, &names);
	if (*ids)
		slim = copy_marked(&marks);
	else
		errno = ENOMEM;
	if (slim)
		fd = write_file(slim);
	btf__free(slim);
	free(names.slot);
	free(marks.id);
	free(marks.todo);
	if (fd < 0) {
		free(*ids);
		*ids = NULL;
	}
	return fd;
}
