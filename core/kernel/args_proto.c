/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What is passed: by BTF, and for system calls by tracefs. Part of core/kernel/args. */
#include <ctype.h>
#include <string.h>

#include "core/kernel/args.h"
#include "core/kernel/btf_query.h"

static void set_param(struct arg_param *p, const char *name, size_t i)
{
	if (*name)
		snprintf(p->name, sizeof(p->name), "%s", name);
	else
		snprintf(p->name, sizeof(p->name), "arg%zu", i + 1);
}

/* How many words an argument of this type takes; more than two are passed in memory. */
static uint32_t words_of(const struct btf *btf, __u32 id)
{
	__s64 size = btf__resolve_size(btf, id);

	return size <= 8 ? 1 : (uint32_t)(size + 7) / 8;
}

static bool is_aggregate(const struct btf *btf, __u32 id)
{
	__s32 type = btf__resolve_type(btf, id);
	const struct btf_type *t = type > 0 ? btf__type_by_id(btf, (__u32)type) : NULL;

	return t && (btf_is_composite(t) || btf_is_array(t));
}

/* From function prototype @t, whose first @skip parameters aren't ours. */
static void take_proto(const struct btf *btf, const struct btf_type *t, __u16 skip,
		       struct arg_proto *out)
{
	const struct btf_param *p = btf_params(t);
	uint32_t slot = 0;

	*out = (struct arg_proto){ .btf = btf, .ret = { .id = t->type } };
	for (__u16 i = skip; i < btf_vlen(t); i++) {
		struct arg_param *to = &out->param[out->n];
		uint32_t words = p[i].type ? words_of(btf, p[i].type) : 0;

		if (words && out->n < ARGS_MAX) {
			set_param(to, btf__name_by_offset(btf, p[i].name_off), out->n);
			to->type.id = p[i].type;
			to->slot = slot;
			to->passed = words == 1 && !is_aggregate(btf, p[i].type);
			out->n++;
		}
		slot += words;
	}
	out->ret_slot = t->type ? (int32_t)slot : -1;
}

static const struct btf_type *proto_of(const struct btf *btf, const char *name)
{
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	t = t ? btf__type_by_id(btf, t->type) : NULL;
	return t && btf_is_func_proto(t) ? t : NULL;
}

bool args_of_function(const struct btf *btf, const char *name, struct arg_proto *out)
{
	const struct btf_type *t = proto_of(btf, name);

	if (t)
		take_proto(btf, t, 0, out);
	return t;
}

bool args_of_tracepoint(const struct btf *btf, const char *name, struct arg_proto *out)
{
	char function[128];
	const struct btf_type *t;

	/* the types of tracepoints have no names of parameters, what calls their programs has */
	snprintf(function, sizeof(function), "__traceiter_%s", name);
	t = proto_of(btf, function);
	if (!t)
		return false;
	take_proto(btf, t, 1, out);
	out->ret_slot = -1;
	return true;
}

/* --- system calls --- */

/* "const char __user * const *", as C has it. Unknown types are 64-bit words. */
static struct arg_type type_of_text(const struct btf *btf, char *text)
{
	static const __u32 kinds[] = { BTF_KIND_INT, BTF_KIND_TYPEDEF, BTF_KIND_STRUCT,
				       BTF_KIND_UNION, BTF_KIND_ENUM };
	struct arg_type type = { 0 };
	char name[96] = "", *save = NULL;

	for (char *p = text; *p; p++) {
		if (*p != '*')
			continue;
		type.pointers++;
		*p = ' ';
	}
	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		size_t len = strlen(name);

		if (!strcmp(w, "const"))
			type.constant = true;
		else if (strcmp(w, "struct") && strcmp(w, "union") && strcmp(w, "enum") &&
			 strncmp(w, "__user", 6))
			snprintf(name + len, sizeof(name) - len, "%s%s", len ? " " : "", w);
	}
	if (!strcmp(name, "long"))
		snprintf(name, sizeof(name), "long int");
	if (!strcmp(name, "unsigned"))
		snprintf(name, sizeof(name), "unsigned int");
	if (!strcmp(name, "unsigned long"))
		snprintf(name, sizeof(name), "long unsigned int");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !type.id; i++) {
		__s32 id = btf__find_by_name_kind(btf, name, kinds[i]);

		if (id > 0)
			type.id = (__u32)id;
	}
	return type;
}

static struct arg_param *add_param(struct arg_proto *out, const char *name)
{
	struct arg_param *p = &out->param[out->n];

	set_param(p, name, out->n);
	p->slot = (uint32_t)out->n++;
	p->passed = true;
	return p;
}

/* "	field:const char * filename;	offset:24;	size:8;	signed:0;" */
static void take_field(const struct btf *btf, char *line, struct arg_proto *out)
{
	char *text = strstr(line, "field:"), *end = text ? strchr(text, ';') : NULL, *name;

	if (!end || out->n == 6)
		return;
	text += strlen("field:");
	*end = '\0';
	for (name = end; name > text && (isalnum((unsigned char)name[-1]) || name[-1] == '_');)
		name--;
	if (!strncmp(name, "common_", 7) || !strcmp(name, "__syscall_nr") || !*name)
		return;
	struct arg_param *p = add_param(out, name);

	*name = '\0';
	p->type = type_of_text(btf, text);
}

void args_of_call(const struct btf *btf, const char *name, FILE *format, struct arg_proto *out)
{
	char line[256], function[64];

	*out = (struct arg_proto){ .btf = btf };
	snprintf(function, sizeof(function), "ksys_%s", name);
	if (format) {
		while (fgets(line, sizeof(line), format))
			take_field(btf, line, out);
	} else if (!args_of_function(btf, function, out)) {
		while (out->n < 6)
			add_param(out, "");
	}
	out->ret = type_of_text(btf, strcpy(line, "long"));
	out->ret_slot = 1; /* of sys_exit */
	out->call = true;
}
