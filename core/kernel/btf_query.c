/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/btf_query.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/heap.h"

/* Since 6.16 the file can be mapped, which spares a thousand reads of a page. */
static struct btf *map_kernel_btf(void)
{
	int fd = open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);
	struct btf *btf = NULL;
	struct stat st;
	void *at;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && st.st_size) {
		at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at != MAP_FAILED) {
			btf = btf__new(at, (__u32)st.st_size);
			munmap(at, (size_t)st.st_size);
		}
	}
	close(fd);
	return btf;
}

/* The running kernel's own, read once for everybody in this process. */
static struct {
	struct btf *btf;
	unsigned users;
} own;

/* The way that libbpf reads them by itself, also from where distributions keep them in files. */
static struct btf *read_kernel_btf(void)
{
	struct btf *(*next)(void) = NULL;

	*(void **)&next = dlsym(RTLD_NEXT, "btf__load_vmlinux_btf");
	return next ? next() : btf__parse(KERNEL_BTF, NULL);
}

struct btf *btf_of_kernel(const char *file)
{
	heap_expect_much();
	if (file)
		return btf__parse(file, NULL);
	if (!own.btf)
		own.btf = map_kernel_btf();
	if (!own.btf)
		own.btf = read_kernel_btf();
	own.users += own.btf != NULL;
	return own.btf;
}

void btf_release(struct btf *btf)
{
	if (!btf || btf != own.btf)
		btf__free(btf);
	else
		own.users--;
}

void btf_forget_kernel(void)
{
	if (own.users)
		return;
	btf__free(own.btf);
	own.btf = NULL;
}

/*
 * In the place of libbpf's function, which it calls for each object, and whose result is its own to
 * free: what this process has read already serves, and goes to it for good where nobody else uses
 * it. Where libbpf binds its own name it reads by itself, as before.
 */
struct btf *btf__load_vmlinux_btf(void)
{
	struct btf *btf = own.btf;
	const void *types;
	__u32 size;

	if (!btf)
		return read_kernel_btf();
	if (!own.users) {
		own.btf = NULL;
		return btf;
	}
	types = btf__raw_data(btf, &size);
	return types ? btf__new(types, size) : read_kernel_btf();
}

static const struct btf_type *skip_modifiers(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* The arguments of @t from the @first one on, as btf_tracepoint_proto() describes them. */
static bool write_proto(const struct btf *btf, const struct btf_type *t, __u16 first, char *out,
			size_t size)
{
	const struct btf_param *params = btf_params(t);
	size_t len = 0;

	out[0] = '\0';
	for (__u16 i = first; i < btf_vlen(t) && len < size; i++) {
		const struct btf_type *p = skip_modifiers(btf, params[i].type);

		if (p && btf_is_ptr(p))
			p = skip_modifiers(btf, p->type);
		len += (size_t)snprintf(out + len, size - len, "%s%s", i > first ? "," : "",
					p && p->name_off ? btf__name_by_offset(btf, p->name_off)
							 : "void");
	}
	return len < size;
}

bool btf_function_proto(const struct btf *btf, const char *name, char *out, size_t size)
{
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	t = t ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) && write_proto(btf, t, 0, out, size);
}

bool btf_tracepoint_proto(const struct btf *btf, const char *name, char *out, size_t size)
{
	const struct btf_type *t;
	char type[256];
	__s32 id;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	if (id < 0)
		return false;
	t = skip_modifiers(btf, (__u32)id);
	if (t && btf_is_ptr(t))
		t = skip_modifiers(btf, t->type);
	if (!t || !btf_is_func_proto(t))
		return false;
	return write_proto(btf, t, 1, out, size); /* [0] is the program's own data */
}

bool proto_fits(const char *proto, const char *want)
{
	if (!want)
		return true;
	for (;;) {
		size_t have_len = strcspn(proto, ","), want_len = strcspn(want, ",");

		if (!(want_len == 1 && *want == '*') &&
		    (have_len != want_len || memcmp(proto, want, want_len)))
			return false;
		proto += have_len;
		want += want_len;
		if (!*proto || !*want)
			return *proto == *want;
		proto++;
		want++;
	}
}

/* Sections come last, or nearly so. */
static const struct btf_type *per_cpu_section(const struct btf *btf)
{
	for (__u32 id = btf__type_cnt(btf) - 1; id; id--) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (btf_is_datasec(t) &&
		    !strcmp(btf__name_by_offset(btf, t->name_off), ".data..percpu"))
			return t;
	}
	return NULL;
}

int btf_per_cpu_offset(const struct btf *btf, const char *name)
{
	const struct btf_type *t = per_cpu_section(btf);
	const struct btf_var_secinfo *var = t ? btf_var_secinfos(t) : NULL;

	for (__u16 i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_type *v = btf__type_by_id(btf, var[i].type);

		if (v && !strcmp(btf__name_by_offset(btf, v->name_off), name))
			return (int)var[i].offset;
	}
	return -1;
}

bool btf_has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

bool btf_has_enum_value(const struct btf *btf, const char *name, const char *value)
{
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_enum *e = t ? btf_enum(t) : NULL;

	for (__u16 i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, e[i].name_off), value))
			return true;
	return false;
}

struct btf *btf_of_module(const struct btf *kernel, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name);
	return access(path, R_OK) ? NULL : btf__parse_split(path, (struct btf *)kernel);
}

/* Where in @t member @name is, in bits; also in those of its members that have no name. */
static int member_offset(const struct btf *btf, const struct btf_type *t, const char *name,
			 size_t *size)
{
	for (__u16 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const struct btf_type *in = skip_modifiers(btf, m->type);
		int at = (int)btf_member_bit_offset(t, i), off;

		if (m->name_off && !strcmp(btf__name_by_offset(btf, m->name_off), name)) {
			if (size)
				*size = (size_t)btf__resolve_size(btf, m->type);
			return at;
		}
		if (m->name_off || !in || !btf_is_composite(in))
			continue;
		off = member_offset(btf, in, name, size);
		if (off >= 0)
			return at + off;
	}
	return -1;
}

int btf_offset(const struct btf *btf, const char *type, const char *name, size_t *size)
{
	__s32 id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	int bits = t ? member_offset(btf, t, name, size) : -1;

	return bits < 0 ? -1 : bits / 8;
}

bool btf_find_places(const struct btf_place *places, const struct btf *btf)
{
	for (; places->type; places++) {
		size_t size = 0;
		int off = btf_offset(btf, places->type, places->member, &size);

		if (off < 0 || (places->size && places->size != size))
			return false;
		*places->to = (unsigned int)off;
	}
	return true;
}
