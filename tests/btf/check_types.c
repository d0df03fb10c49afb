/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * check_types OBJECT... --btf FILE
 *
 * Compares the kernel types that BPF objects were compiled with with a kernel's own. CO-RE finds a
 * field by its name but copies as many bytes as the object says, and extends the sign as it says:
 * another size or sign reads rubbish without any error. Each field of every type that a relocation
 * starts from, and of what those contain or point to, must be in the kernel by name, size, sign and
 * kind; a flavour's (struct name___suffix) only where the kernel has one of that name and kind, and
 * one's that is called name___any_size by name and kind alone.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "tests/btf/relocations.h"

struct check {
	const char *kernel_name;
	const struct btf *kernel, *local;
	bool *seen; /* by local type */
	unsigned int fields, missing_flavoured, wrong;
};

/* What a struct's member is: its type, and how many bits it has if it is a bit-field. */
struct member {
	uint32_t type, bits;
};

static const struct btf_type *resolved(const struct btf *btf, uint32_t id, uint32_t *out)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_mod(t) || btf_is_typedef(t)) {
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	if (out)
		*out = id;
	return t;
}

static const char *name_of(const struct btf *btf, const struct btf_type *t)
{
	return btf__name_by_offset(btf, t->name_off);
}

/* The length of the name without ___suffix. */
static size_t essential_len(const char *name)
{
	const char *suffix = strstr(name, "___");

	return suffix && suffix != name ? (size_t)(suffix - name) : strlen(name);
}

static bool same_essential(const char *a, const char *b)
{
	size_t len = essential_len(a);

	return len == essential_len(b) && !memcmp(a, b, len);
}

/* By name, through members without one. */
static bool find_member(const struct btf *btf, const struct btf_type *t, const char *name,
			struct member *out)
{
	const struct btf_member *m = btf_members(t);

	for (uint32_t i = 0; i < btf_vlen(t); i++) {
		const char *member = btf__name_by_offset(btf, m[i].name_off);
		const struct btf_type *inner = resolved(btf, m[i].type, NULL);

		if (*member && !strcmp(member, name)) {
			*out = (struct member){ m[i].type, btf_member_bitfield_size(t, i) };
			return true;
		}
		if (!*member && btf_is_composite(inner) && find_member(btf, inner, name, out))
			return true;
	}
	return false;
}

/* The kernel's struct or union of that name, its flavour's suffix left out; 0 if it has none. */
static uint32_t kernel_type(const struct check *c, const struct btf_type *t)
{
	const char *name = name_of(c->local, t);
	char essential[128];
	int id;

	snprintf(essential, sizeof(essential), "%.*s", (int)essential_len(name), name);
	id = btf__find_by_name_kind(c->kernel, essential, btf_kind(t));
	return id > 0 ? (uint32_t)id : 0;
}

static void wrong(struct check *c, const char *what, const char *why)
{
	fprintf(stderr, "%s: %s: %s\n", c->kernel_name, what, why);
	c->wrong++;
}

static bool is_number(const struct btf_type *t)
{
	return btf_is_int(t) || btf_is_any_enum(t);
}

static bool is_signed(const struct btf_type *t)
{
	return btf_is_int(t) ? btf_int_encoding(t) & BTF_INT_SIGNED : btf_kflag(t);
}

static void compare_types(struct check *c, const char *what, uint32_t local, uint32_t kernel);
static void check_struct(struct check *c, uint32_t id);

/* Where kinds differ CO-RE doesn't find the field. */
static bool same_kind(const struct check *c, uint32_t local, uint32_t kernel)
{
	const struct btf_type *t = resolved(c->local, local, NULL);
	const struct btf_type *its = resolved(c->kernel, kernel, NULL);

	return btf_kind(t) == btf_kind(its) || (is_number(t) && is_number(its)) ||
	       (btf_is_fwd(t) && btf_is_composite(its));
}

static void compare_members(struct check *c, const char *what, const struct btf_type *local,
			    const struct btf_type *kernel)
{
	const struct btf_member *m = btf_members(local);
	bool flavour = strstr(name_of(c->local, local), "___");

	for (uint32_t i = 0; i < btf_vlen(local); i++) {
		const char *name = btf__name_by_offset(c->local, m[i].name_off);
		uint32_t bits = btf_member_bitfield_size(local, i);
		char path[256];
		struct member found;

		if (!*name) { /* its members are the outer one's */
			compare_members(c, what, resolved(c->local, m[i].type, NULL), kernel);
			continue;
		}
		snprintf(path, sizeof(path), "%s.%s", what, name);
		c->fields++;
		if (!find_member(c->kernel, kernel, name, &found)) {
			if (flavour)
				c->missing_flavoured++;
			else
				wrong(c, path, "the kernel has no such field");
		} else if (flavour && !same_kind(c, m[i].type, found.type)) {
			c->missing_flavoured++; /* to CO-RE it isn't there */
		} else if (bits != found.bits) {
			wrong(c, path, "a bit-field of another width, or none");
		} else {
			compare_types(c, path, m[i].type, found.type);
		}
	}
}

/* Text: whether it has a sign depends on the compiler and on its flags, and matters to nobody. */
static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return btf_is_int(t) && !strcmp(name_of(btf, t), "char");
}

static void compare_numbers(struct check *c, const char *what, const struct btf_type *local,
			    const struct btf_type *kernel)
{
	char why[128];

	if (strstr(what, "___any_size")) /* read with the size and sign that the kernel says */
		return;
	if (local->size != kernel->size) {
		snprintf(why, sizeof(why), "%u bytes, the kernel's has %u", local->size,
			 kernel->size);
		wrong(c, what, why);
	} else if (is_signed(local) != is_signed(kernel) &&
		   !(is_char(c->local, local) && is_char(c->kernel, kernel))) {
		wrong(c, what,
		      is_signed(local) ? "signed, the kernel's is not"
				       : "unsigned, the kernel's is not");
	}
}

static void compare_pointers(struct check *c, const char *what, const struct btf_type *local,
			     const struct btf_type *kernel)
{
	uint32_t local_id;
	const struct btf_type *to = resolved(c->local, local->type, &local_id);
	const struct btf_type *its = resolved(c->kernel, kernel->type, NULL);
	const char *name = name_of(c->local, to), *its_name = name_of(c->kernel, its);

	if (btf_is_void(to))
		return;
	if (*name && *its_name && !same_essential(name, its_name) && !is_number(to)) {
		char why[300];

		snprintf(why, sizeof(why), "points to %s, the kernel's to %s", name, its_name);
		wrong(c, what, why);
	} else if (btf_is_composite(to)) {
		check_struct(c, local_id);
	} else {
		compare_types(c, what, local->type, kernel->type);
	}
}

static void compare_arrays(struct check *c, const char *what, const struct btf_type *local,
			   const struct btf_type *kernel)
{
	const struct btf_array *a = btf_array(local), *its = btf_array(kernel);

	/* Of a flexible array, [0] or [1] in older kernels, any element may be there. */
	if (its->nelems > 1 && a->nelems > its->nelems)
		wrong(c, what, "an array longer than the kernel's");
	compare_types(c, what, a->type, its->type);
}

static void compare_structs(struct check *c, const char *what, uint32_t local, uint32_t kernel)
{
	const struct btf_type *t = btf__type_by_id(c->local, local);
	const struct btf_type *its = btf__type_by_id(c->kernel, kernel);

	if (!*name_of(c->local, t))
		compare_members(c, what, t, its);
	else if (!same_essential(name_of(c->local, t), name_of(c->kernel, its)))
		wrong(c, what, "a struct of another name in the kernel");
	else
		check_struct(c, local);
}

static void compare_types(struct check *c, const char *what, uint32_t local, uint32_t kernel)
{
	const struct btf_type *t = resolved(c->local, local, &local);
	const struct btf_type *its = resolved(c->kernel, kernel, &kernel);

	if (!same_kind(c, local, kernel))
		wrong(c, what, "a type of another kind in the kernel");
	else if (is_number(t))
		compare_numbers(c, what, t, its);
	else if (btf_is_composite(t))
		compare_structs(c, what, local, kernel);
	else if (btf_is_ptr(t))
		compare_pointers(c, what, t, its);
	else if (btf_is_array(t))
		compare_arrays(c, what, t, its);
}

/* A struct or union with a name, once. */
static void check_struct(struct check *c, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(c->local, id);
	const char *name = name_of(c->local, t);
	uint32_t kernel;

	if (c->seen[id])
		return;
	c->seen[id] = true;
	kernel = kernel_type(c, t);
	if (kernel)
		compare_members(c, name, t, btf__type_by_id(c->kernel, kernel));
	else if (!strstr(name, "___"))
		wrong(c, name, "the kernel has no such type");
}

static void check_relocation(void *c_, uint32_t id)
{
	struct check *c = c_;

	if (btf_is_composite(resolved(c->local, id, &id)) &&
	    *name_of(c->local, btf__type_by_id(c->local, id)))
		check_struct(c, id);
}

static bool check_object(struct check *c, const char *path)
{
	struct btf *local = btf__parse_elf(path, NULL);
	bool ok = false;

	if (local) {
		c->local = local;
		c->seen = calloc(btf__type_cnt(local), sizeof(*c->seen));
		ok = c->seen && relocations(path, check_relocation, c);
		free(c->seen);
	}
	if (!ok)
		fprintf(stderr, "check_types: %s: no BTF with relocations\n", path);
	btf__free(local);
	return ok;
}

int main(int argc, char **argv)
{
	struct check c = { 0 };
	struct btf *kernel;
	bool ok = true;

	if (argc < 4 || strcmp(argv[argc - 2], "--btf")) {
		fputs("usage: check_types OBJECT... --btf FILE\n", stderr);
		return 2;
	}
	c.kernel_name = argv[argc - 1];
	kernel = btf__parse(c.kernel_name, NULL);
	if (!kernel) {
		fprintf(stderr, "check_types: %s: no BTF\n", c.kernel_name);
		return 2;
	}
	c.kernel = kernel;
	for (int i = 1; i < argc - 2; i++)
		ok = check_object(&c, argv[i]) && ok;
	printf("%s: %u fields compared, %u of flavours that it lacks, %u wrong\n", c.kernel_name,
	       c.fields, c.missing_flavoured, c.wrong);
	btf__free(kernel);
	return !ok || c.wrong || !c.fields;
}
