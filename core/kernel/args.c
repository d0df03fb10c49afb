/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/args.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel/btf_query.h"

#define WORD 8

/* An expression while it is resolved: a value in a register, or what lies at an address. */
struct place {
	const struct arg_proto *proto;
	struct arg *out;
	struct arg_type type;
	bool in_memory;
	int64_t off;	    /* in_memory: behind what the steps have led to */
	uint32_t bit, bits; /* of a bit-field; bits 0: it is none */
	bool parameter;	    /* no member of anything: as it was passed */
	const char *last;   /* the name that was met last */
	size_t last_len;
	char *err;
	size_t err_size;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct place *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->err, p->err_size, fmt, args);
	va_end(args);
	return false;
}

static const struct btf_type *skip(const struct btf *btf, __u32 *id)
{
	const struct btf_type *t = btf__type_by_id(btf, *id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t))) {
		*id = t->type;
		t = btf__type_by_id(btf, *id);
	}
	return t;
}

/* What @type points to; false: it is no pointer. */
static bool pointee(const struct btf *btf, struct arg_type *type)
{
	__u32 id = type->id;
	const struct btf_type *t;

	if (type->pointers) {
		type->pointers--;
		return true;
	}
	t = id ? skip(btf, &id) : NULL;
	if (!t || !btf_is_ptr(t))
		return false;
	id = t->type;
	type->constant = false;
	for (t = btf__type_by_id(btf, id); t && (btf_is_mod(t) || btf_is_type_tag(t));
	     t = btf__type_by_id(btf, id)) {
		type->constant |= btf_is_const(t);
		id = t->type;
	}
	type->id = id;
	return true;
}

static const struct btf_type *type_of(const struct place *p, struct arg_type type)
{
	return type.pointers || !type.id ? NULL : skip(p->proto->btf, &type.id);
}

static bool push_step(struct place *p, int64_t off)
{
	struct arg_walk *w = &p->out->walk;

	if (w->n == ARG_STEPS)
		return fail(p, "more than %d pointers are followed", ARG_STEPS);
	w->step[w->n++] = (int32_t)off;
	return true;
}

/* Makes a pointer what it points to. False: it is none (nothing is said), or too many. */
static bool follow(struct place *p)
{
	struct arg_type to = p->type;

	if (!pointee(p->proto->btf, &to))
		return fail(p, "'%.*s' is no pointer", (int)p->last_len, p->last);
	if (p->in_memory && !push_step(p, p->off))
		return false;
	p->type = to;
	p->in_memory = true;
	p->off = 0;
	p->parameter = false;
	return true;
}

/* The member called so of @t, also inside of those without a name. */
static bool find_member(struct place *p, const struct btf_type *t, const char *name, size_t len,
			int64_t bit)
{
	const struct btf *btf = p->proto->btf;

	for (__u16 i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *its = btf__name_by_offset(btf, m->name_off);
		int64_t at = bit + btf_member_bit_offset(t, i);
		__u32 id = m->type, bits = btf_member_bitfield_size(t, i);
		const struct btf_type *in;

		if (strlen(its) == len && len && !memcmp(its, name, len)) {
			p->type = (struct arg_type){ .id = m->type };
			p->off += at / 8;
			p->bit = bits ? (uint32_t)(at % 8) : 0;
			p->bits = bits;
			return true;
		}
		in = *its ? NULL : skip(btf, &id);
		if (in && btf_is_composite(in) && find_member(p, in, name, len, at))
			return true;
	}
	return false;
}

static bool take_member(struct place *p, const char *name, size_t len)
{
	const struct btf_type *t = type_of(p, p->type);

	if (!t || !btf_is_composite(t)) {
		if (!follow(p))
			return false;
		t = type_of(p, p->type);
	}
	if (!t || !btf_is_composite(t))
		return fail(p, "'%.*s' has no members", (int)p->last_len, p->last);
	if (!find_member(p, t, name, len, 0))
		return fail(p, "struct %s has no member '%.*s'",
			    btf__name_by_offset(p->proto->btf, t->name_off), (int)len, name);
	p->last = name;
	p->last_len = len;
	p->parameter = false;
	return true;
}

static bool take_element(struct place *p, uint64_t n)
{
	const struct btf *btf = p->proto->btf;
	const struct btf_type *t = type_of(p, p->type);
	__s64 size;

	if (t && btf_is_array(t))
		p->type = (struct arg_type){ .id = btf_array(t)->type };
	else if (!follow(p))
		return false;
	size = p->type.pointers ? WORD : btf__resolve_size(btf, p->type.id);
	if (size <= 0 || n > INT32_MAX / (uint64_t)size)
		return fail(p, "element %llu is out of reach", (unsigned long long)n);
	p->off += (int64_t)(n * (uint64_t)size);
	p->bits = 0;
	return true;
}

static size_t word_len(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n;
}

/* What stands behind the parameter's name. */
static bool take_rest(struct place *p, const char *s)
{
	while (*s) {
		size_t arrow = !strncmp(s, "->", 2) ? 2 : *s == '.', len = word_len(s + arrow);
		char *end;

		if (arrow && len) {
			if (!take_member(p, s + arrow, len))
				return false;
			s += arrow + len;
		} else if (*s == '[' && isdigit((unsigned char)s[1])) {
			if (!take_element(p, strtoull(s + 1, &end, 10)))
				return false;
			if (*end != ']')
				return fail(p, "'%s': a ']' is missing", s);
			s = end + 1;
		} else {
			return fail(p, "'%s': ->member, .member or [N] can stand here", s);
		}
	}
	return true;
}

static bool find_param(struct place *p, const char *name, size_t len)
{
	const struct arg_param *param = NULL;
	char list[256];
	size_t used = 0, n = 0;

	if (len > 3 && !strncmp(name, "arg", 3))
		n = strtoul(name + 3, NULL, 10);
	for (size_t i = 0; i < p->proto->n; i++)
		if (strlen(p->proto->param[i].name) == len &&
		    !memcmp(p->proto->param[i].name, name, len))
			param = &p->proto->param[i];
	if (!param && n && n <= p->proto->n)
		param = &p->proto->param[n - 1];
	if (param && !param->passed)
		return fail(p, "'%s' is passed in memory, and can't be read", param->name);
	if (param) {
		p->type = param->type;
		p->out->slot = param->slot;
		p->last = name;
		p->last_len = len;
		p->parameter = true;
		return true;
	}
	list[0] = '\0';
	for (size_t i = 0; i < p->proto->n && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
					 p->proto->param[i].name);
	return fail(p, "no argument '%.*s'; there %s %s", (int)len, name,
		    p->proto->n == 1 ? "is" : "are", *list ? list : "none");
}

/* --- what it is, as people want to see it --- */

static bool finish(struct place *p);

/* The walk ends @off behind what the steps have led to. */
static bool ends(struct place *p, enum arg_kind kind, size_t size, enum field_kind field,
		 enum unit unit)
{
	struct arg *a = p->out;

	a->walk.kind = kind;
	a->walk.off = (int32_t)p->off;
	a->walk.size = (__u32)size;
	a->field = field;
	a->unit = unit;
	return true;
}

/* A number of @size bytes, where the place is. */
static bool number(struct place *p, size_t size, enum unit unit, bool is_signed)
{
	struct arg *a = p->out;
	uint32_t bits = p->bits ? p->bits : (uint32_t)size * 8;

	a->is_signed = is_signed;
	a->shift = p->bit;
	a->bits = bits;
	if (p->bits)
		size = (p->bit + p->bits + 7) / 8;
	if (size > WORD)
		return fail(p, "'%.*s' is too long a number", (int)p->last_len, p->last);
	return ends(p, p->in_memory ? ARG_NUMBER : ARG_VALUE, size, F_KEPT, unit);
}

/* The string that member @name of what @p points to is. */
static bool string_member(struct place *p, const char *first, const char *second)
{
	return take_member(p, first, strlen(first)) &&
	       (!second || take_member(p, second, strlen(second))) && finish(p);
}

static bool is_name(const struct btf *btf, const struct btf_type *t, const char *name)
{
	return t && !strcmp(btf__name_by_offset(btf, t->name_off), name);
}

/* Structs that have a name of their own to be shown by. *@done: it was one. */
static bool finish_named(struct place *p, const struct btf_type *t, bool *done)
{
	const struct btf *btf = p->proto->btf;

	*done = true;
	if (!t || !btf_is_struct(t))
		*done = false;
	else if (is_name(btf, t, "file"))
		return take_member(p, "f_path", 6) && ends(p, ARG_PATH, 0, F_VPATH, U_PATH);
	else if (is_name(btf, t, "path"))
		return (p->in_memory || follow(p)) && ends(p, ARG_PATH, 0, F_VPATH, U_PATH);
	else if (is_name(btf, t, "filename"))
		return string_member(p, "name", NULL);
	else if (is_name(btf, t, "qstr"))
		return string_member(p, "name", NULL);
	else if (is_name(btf, t, "dentry"))
		return string_member(p, "d_name", "name");
	else
		*done = false;
	return false;
}

static bool is_char(const struct btf *btf, struct arg_type type)
{
	const struct btf_type *t;

	if (type.pointers || !type.id)
		return false;
	for (t = btf__type_by_id(btf, type.id); t && btf_is_mod(t);
	     t = btf__type_by_id(btf, t->type))
		;
	/* not u8: those are bytes */
	return t && btf_is_int(t) && t->size == 1 &&
	       strstr(btf__name_by_offset(btf, t->name_off), "char");
}

static bool finish_pointer(struct place *p, struct arg_type to)
{
	const struct btf_type *t = type_of(p, to);
	struct place before = *p;
	struct arg out = *p->out;
	bool done;

	/* what isn't const, and was passed, is room for an answer more often than a string */
	if (is_char(p->proto->btf, to) && (to.constant || !p->parameter))
		return follow(p) && ends(p, ARG_STRING, ARG_TEXT, F_VSTR, U_TEXT);
	if (t && btf_is_struct(t)) {
		bool ok = follow(p) && finish_named(p, t, &done);

		if (ok)
			return true;
		*p = before;
		*p->out = out;
	}
	return number(p, WORD, U_HEX, false);
}

/* A struct with one member is that: kuid_t, atomic_t. */
static bool finish_struct(struct place *p, const struct btf_type *t)
{
	const struct btf *btf = p->proto->btf;
	const struct btf_member *m = btf_members(t);
	bool done, ok = finish_named(p, t, &done);

	if (done)
		return ok;
	if (btf_vlen(t) == 1 && m->name_off) {
		p->type = (struct arg_type){ .id = m->type };
		return finish(p);
	}
	return fail(p, "'%.*s' is a struct %s: name a member of it", (int)p->last_len, p->last,
		    btf__name_by_offset(btf, t->name_off));
}

/* What typedefs say of a number, and the name of a member. */
static enum unit unit_of(const struct place *p)
{
	static const struct {
		const char *name;
		enum unit unit;
	} known[] = {
		{ "dev_t", U_DISK },	{ "uid_t", U_USER },	{ "kuid_t", U_USER },
		{ "umode_t", U_OCTAL }, { "mode_t", U_OCTAL },	{ "gfp_t", U_HEX },
		{ "fmode_t", U_HEX },	{ "blk_opf_t", U_HEX }, { "vm_fault_t", U_HEX },
	};
	const struct btf *btf = p->proto->btf;
	const struct btf_type *t = btf__type_by_id(btf, p->type.id);

	for (; t && (btf_is_mod(t) || btf_is_typedef(t)); t = btf__type_by_id(btf, t->type))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (btf_is_typedef(t) && is_name(btf, t, known[i].name))
				return known[i].unit;
	if (p->last_len >= 5 && !memcmp(p->last + p->last_len - 5, "flags", 5))
		return U_HEX;
	return U_ID;
}

static bool finish(struct place *p)
{
	const struct btf *btf = p->proto->btf;
	struct arg_type to = p->type;
	__u32 id = to.id;
	const struct btf_type *t;

	if (pointee(btf, &to))
		return finish_pointer(p, to);
	t = id ? skip(btf, &id) : NULL;
	if (!t) /* of a type that isn't known: a word */
		return number(p, WORD, U_HEX, false);
	if (btf_is_array(t) && is_char(btf, (struct arg_type){ .id = btf_array(t)->type })) {
		__u32 most = btf_array(t)->nelems;

		return ends(p, ARG_STRING, most && most < ARG_TEXT ? most : ARG_TEXT, F_VSTR,
			    U_TEXT);
	}
	if (btf_is_array(t))
		return fail(p, "'%.*s' is an array: which element? [0] is the first",
			    (int)p->last_len, p->last);
	if (btf_is_composite(t))
		return finish_struct(p, t);
	if (btf_is_any_enum(t)) {
		p->out->names = id;
		return number(p, t->size, U_FLAGS, false);
	}
	if (btf_is_int(t)) {
		bool is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
		bool ok = number(p, t->size, unit_of(p), is_signed);

		if (ok && btf_int_encoding(t) & BTF_INT_BOOL)
			p->out->field = F_KEPT_BOOL;
		return ok;
	}
	return fail(p, "'%.*s' is nothing that can be shown", (int)p->last_len, p->last);
}

bool arg_resolve(const struct arg_proto *proto, const char *text, struct arg *out, char *err,
		 size_t size)
{
	struct place p = { .proto = proto, .out = out, .err = err, .err_size = size };
	size_t stars = strspn(text, "*"), len = word_len(text + stars);
	bool ok;

	*out = (struct arg){ .btf = proto->btf };
	*err = '\0';
	if (!len)
		return fail(&p, "'%s' is no argument's name", text);
	ok = find_param(&p, text + stars, len) && take_rest(&p, text + stars + len);
	for (; ok && stars; stars--)
		ok = follow(&p);
	return ok && finish(&p);
}

void arg_of_return(const struct arg_proto *proto, struct arg *out)
{
	char err[64];
	struct arg_proto ret = { .btf = proto->btf, .n = 1 };

	ret.param[0] = (struct arg_param){ .name = "ret", .type = proto->ret, .passed = true };
	if (!arg_resolve(&ret, "ret", out, err, sizeof(err)) || out->walk.kind != ARG_VALUE)
		*out = (struct arg){ .unit = U_HEX, .field = F_KEPT, .bits = 64 };
}

int32_t arg_at(const struct btf *btf, enum hook_how how, uint32_t slot)
{
#if defined(__x86_64__)
	static const char *const regs[] = { "di", "si", "dx", "cx", "r8", "r9" };
#else
	static const char *const regs[] = { "regs" };
#endif

	if (how != HOW_KPROBE && how != HOW_KPROBE_MULTI)
		return (int32_t)slot * WORD;
#if defined(__x86_64__)
	return slot < 6 ? btf_offset(btf, "pt_regs", regs[slot], NULL) : -1;
#else
	return slot < 8 ? btf_offset(btf, "pt_regs", regs[0], NULL) + (int32_t)slot * WORD : -1;
#endif
}

struct kept arg_number(const struct arg *a, uint64_t raw)
{
	struct kept k = { .kind = V_UINT };

	raw >>= a->shift;
	if (a->bits < 64)
		raw &= (1ULL << a->bits) - 1;
	if (a->is_signed && a->bits && raw >> (a->bits - 1) & 1) {
		k.kind = V_INT;
		if (a->bits < 64)
			raw |= ~0ULL << a->bits;
	}
	k.number = raw;
	return k;
}

size_t arg_enum_names(const struct btf *btf, __u32 id, struct flag_name *out, size_t n)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	size_t count = btf_vlen(t);

	for (size_t i = 0; out && i < count && i < n; i++) {
		bool wide = btf_is_enum64(t);
		uint64_t value =
			wide ? btf_enum64_value(&btf_enum64(t)[i]) : (uint32_t)btf_enum(t)[i].val;
		__u32 name = wide ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;

		out[i] = (struct flag_name){ value, UINT64_MAX, btf__name_by_offset(btf, name) };
	}
	return count;
}
