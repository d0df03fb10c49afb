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
	const char **slot;
	size_t *len;
	size_t size;
};

/* Which types are kept, and those whose members have still to be looked at. */
struct marks {
	const struct btf *kernel;
	uint8_t *keep; /* by id */
	uint32_t *todo;
	uint32_t n_todo, last;
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
static size_t names_slot(const struct names *n, const char *name, size_t len)
{
	size_t at = hash(name, len) & (n->size - 1);

	while (n->slot[at] && (n->len[at] != len || memcmp(n->slot[at], name, len)))
		at = (at + 1) & (n->size - 1);
	return at;
}

static bool names_fill(struct names *n, const struct btf *local)
{
	uint32_t cnt = btf__type_cnt(local);

	for (n->size = 64; n->size < 2 * cnt;)
		n->size *= 2;
	n->slot = calloc(n->size, sizeof(*n->slot));
	n->len = calloc(n->size, sizeof(*n->len));
	if (!n->slot || !n->len)
		return false;
	for (uint32_t id = 1; id < cnt; id++) {
		const char *name = btf__name_by_offset(local, btf__type_by_id(local, id)->name_off);
		size_t len = name ? essential_len(name) : 0, at;

		if (!len)
			continue;
		at = names_slot(n, name, len);
		n->slot[at] = name;
		n->len[at] = len;
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
	if (!id || m->keep[id])
		return;
	m->keep[id] = 1;
	m->todo[m->n_todo++] = id;
	if (id > m->last)
		m->last = id;
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

static bool marks_fill(struct marks *m, const struct names *n)
{
	uint32_t cnt = btf__type_cnt(m->kernel);

	m->keep = calloc(cnt, sizeof(*m->keep));
	m->todo = calloc(cnt, sizeof(*m->todo));
	if (!m->keep || !m->todo)
		return false;
	for (uint32_t id = 1; id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(m->kernel, id);
		const char *name;
		size_t len;

		if (!t->name_off || !relocatable(t))
			continue;
		name = btf__name_by_offset(m->kernel, t->name_off);
		len = essential_len(name);
		if (n->slot[names_slot(n, name, len)])
			mark(m, id);
	}
	while (m->n_todo)
		mark_parts(m, m->todo[--m->n_todo]);
	return true;
}

/* Types up to the last one that is kept; in place of the others "const void", the shortest. */
static struct btf *copy_marked(const struct marks *m)
{
	struct btf *slim = btf__new_empty();

	for (uint32_t id = 1; slim && id <= m->last; id++) {
		const struct btf_type *t = btf__type_by_id(m->kernel, id);
		int added =
			m->keep[id] ? btf__add_type(slim, m->kernel, t) : btf__add_const(slim, 0);
		struct btf_type *copy;

		if (added != (int)id) {
			btf__free(slim);
			return NULL;
		}
		copy = (struct btf_type *)btf__type_by_id(slim, id);
		if (m->keep[id] && btf_is_ptr(t) && t->type > m->last)
			copy->type = 0;
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

int btf_slim(const struct btf *local, const struct btf *kernel)
{
	struct names names = { 0 };
	struct marks marks = { .kernel = kernel };
	struct btf *slim = NULL;
	int fd = -1;

	if (names_fill(&names, local) && marks_fill(&marks, &names))
		slim = copy_marked(&marks);
	else
		errno = ENOMEM;
	if (slim)
		fd = write_file(slim);
	btf__free(slim);
	free(names.slot);
	free(names.len);
	free(marks.keep);
	free(marks.todo);
	return fd;
}
