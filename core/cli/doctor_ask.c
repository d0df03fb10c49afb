/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/cli/doctor_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/glob.h"
#include "core/base/log.h"
#include "core/base/suggest.h"
#include "core/kernel/btf_query.h"
#include "core/rows/columns.h"
#include "core/rows/syscalls.h"

#define NO_BTF                                                                                     \
	"this kernel offers no type information; give the BTF of this very kernel with --btf FILE"

bool doctor_columns(const struct table *table, enum format format, struct selection *sel)
{
	unsigned unwanted = format == FORMAT_TEXT ? COL_HIDDEN | COL_MACHINE : COL_PEOPLE;
	bool usual[16] = { false };
	char err[256];

	for (size_t i = 0; i < 16 && table->columns[i].name; i++)
		usual[i] = !(table->columns[i].flags & unwanted);
	if (columns_select_from(table, NULL, format, usual, sel, err, sizeof(err)))
		return true;
	log_error("%s", err);
	return false;
}

static void print(struct sink *out, enum format format, const struct table *table, const void *row,
		  size_t len)
{
	struct selection sel;

	if (!doctor_columns(table, format, &sel))
		return;
	sink_row(out, &sel, row, len);
	sink_flush(out);
	selection_free(&sel);
}

/* --- --field --- */

struct field_row {
	char name[256];
	uint64_t offset;
	uint64_t size;
	uint64_t bit;  /* of a bit field: its first bit in the byte at offset */
	uint64_t bits; /* 0: not a bit field */
	const char *type;
};

#define F(member) FIELD(struct field_row, member)

static const struct column field_columns[] = {
	{ "name", F(name), U_TEXT, .width = 36, .help = "the field" },
	{ "offset", F(offset), U_COUNT,
	  .help = "in bytes, from the start of the outermost struct" },
	{ "size", F(size), U_COUNT, .help = "in bytes" },
	{ "bit", F(bit), U_COUNT, .flags = COL_HIDDEN, .help = "first bit of a bit field" },
	{ "bits", F(bits), U_COUNT, .flags = COL_HIDDEN, .help = "of a bit field; 0: not one" },
	{ "kind", F(type), U_TEXT, .help = "name of its type" },
	{}
};

static const struct table field_table = { "field", field_columns };

static const struct btf_type *resolve(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	return t;
}

static const char *type_name(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && !t->name_off && (btf_is_mod(t) || btf_is_ptr(t) || btf_is_array(t)))
		t = btf__type_by_id(btf, btf_is_array(t) ? btf_array(t)->type : t->type);
	return t && t->name_off ? btf__name_by_offset(btf, t->name_off) : NULL;
}

/* "member.member" below @t, which begins at bit @base. Members of nameless members count as own. */
static bool find_member(const struct btf *btf, const struct btf_type *t, const char *path,
			uint64_t base, int depth, struct field_row *row)
{
	size_t len = strcspn(path, ".");

	for (__u16 i = 0; t && depth && btf_is_composite(t) && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];
		const char *name = btf__name_by_offset(btf, m->name_off);
		uint64_t at = base + btf_member_bit_offset(t, i);

		if (!*name && find_member(btf, resolve(btf, m->type), path, at, depth - 1, row))
			return true;
		if (strlen(name) != len || memcmp(name, path, len))
			continue;
		if (path[len])
			return find_member(btf, resolve(btf, m->type), path + len + 1, at,
					   depth - 1, row);
		row->bits = btf_member_bitfield_size(t, i);
		row->offset = at / 8;
		row->bit = at % 8;
		row->size = row->bits ? (row->bit + row->bits + 7) / 8
				      : (uint64_t)btf__resolve_size(btf, m->type);
		row->type = type_name(btf, m->type);
		return true;
	}
	return false;
}

enum answer ask_field(struct sink *out, enum format format, const struct btf *btf, const char *path)
{
	size_t len = strcspn(path, ".");
	struct field_row row = { 0 };
	char safe[SHOWN_MAX];
	bool known = false;

	if (!len || !path[len] || !path[len + 1] || strlen(path) >= sizeof(row.name)) {
		log_error("--field: give STRUCT.FIELD, such as task_struct.comm");
		return ANSWER_USAGE;
	}
	if (!btf) {
		log_error(NO_BTF);
		return ANSWER_NO;
	}
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = t ? btf__name_by_offset(btf, t->name_off) : "";

		if (!t || !btf_is_composite(t) || strlen(name) != len || memcmp(name, path, len))
			continue;
		known = true; /* there may be others of that name */
		if (find_member(btf, t, path + len + 1, 0, 16, &row)) {
			snprintf(row.name, sizeof(row.name), "%s", path);
			print(out, format, &field_table, &row, sizeof(row));
			return ANSWER_YES;
		}
	}
	log_error(known ? "no field %s in this kernel, though the struct is there"
			: "no field %s in this kernel: it has no such struct",
		  shown(safe, path, strlen(path)));
	return ANSWER_NO;
}

/* --- --symbol --- */

struct symbol_row {
	char name[256];
	uint64_t address;
	char kind[2];
	char module[64];
	bool btf;
};

#define S(member) FIELD(struct symbol_row, member)

static const char *const no_yes[] = { "no", "yes", NULL };

static const struct column symbol_columns[] = {
	{ "address", S(address), U_HEX, .width = 18, .help = "0 where it is hidden" },
	{ "kind", S(kind), U_TEXT, .width = 4,
	  .help = "as in /proc/kallsyms: t and T are functions" },
	{ "btf", S(btf), U_ENUM, .width = 3, .flags = COL_PEOPLE, .names = no_yes,
	  .help = "does the kernel's type information describe it?" },
	{ "btf", S(btf), U_COUNT, .flags = COL_MACHINE, .help = "the same" },
	{ "module", S(module), U_TEXT, .flags = COL_HIDDEN, .help = "where it is from" },
	{ "name", S(name), U_TEXT, .help = "the symbol" },
	{}
};

static const struct table symbol_table = { "symbol", symbol_columns };

struct functions {
	const char **name; /* sorted */
	bool *seen;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The functions that match, in BTF. */
static void matching_functions(const struct btf *btf, const char *glob, struct functions *f)
{
	__u32 n = btf ? btf__type_cnt(btf) : 0;

	f->name = calloc(n + 1, sizeof(*f->name));
	f->seen = calloc(n + 1, sizeof(*f->seen));
	for (__u32 id = 1; f->name && f->seen && id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = t ? btf__name_by_offset(btf, t->name_off) : "";

		if (t && btf_is_func(t) && glob_match(glob, strlen(glob), name, strlen(name)))
			f->name[f->n++] = name;
	}
	if (f->n)
		qsort(f->name, f->n, sizeof(*f->name), by_name);
}

static bool parse_symbol(const char *line, struct symbol_row *row)
{
	unsigned long long address;

	memset(row, 0, sizeof(*row));
	if (sscanf(line, "%llx %1s %255s [%63[^]]", &address, row->kind, row->name, row->module) <
	    3)
		return false;
	row->address = address;
	return true;
}

static size_t print_kallsyms(struct sink *out, const struct selection *sel, const char *glob,
			     struct functions *f)
{
	FILE *kallsyms = fopen("/proc/kallsyms", "re");
	struct symbol_row row;
	char line[512];
	size_t found = 0;

	while (kallsyms && fgets(line, sizeof(line), kallsyms)) {
		const char *name = row.name, **at;

		if (!parse_symbol(line, &row) ||
		    !glob_match(glob, strlen(glob), row.name, strlen(row.name)))
			continue;
		at = f->n ? bsearch(&name, f->name, f->n, sizeof(*f->name), by_name) : NULL;
		row.btf = at && !row.module[0];
		/* the same name twice, in BTF: bsearch() may give either */
		for (size_t i = at ? (size_t)(at - f->name) : 0; at && i < f->n; i++) {
			if (strcmp(f->name[i], row.name))
				break;
			f->seen[i] = true;
		}
		for (size_t i = at ? (size_t)(at - f->name) : 0; i > 0; i--) {
			if (strcmp(f->name[i - 1], row.name))
				break;
			f->seen[i - 1] = true;
		}
		sink_row(out, sel, &row, sizeof(row));
		found++;
	}
	if (kallsyms)
		fclose(kallsyms);
	return found;
}

enum answer ask_symbol(struct sink *out, enum format format, const struct btf *btf,
		       const char *glob)
{
	struct functions f = { 0 };
	struct selection sel;
	char safe[SHOWN_MAX];
	size_t found;

	if (!*glob) {
		log_error("--symbol: give a name or a glob, such as 'vfs_*'");
		return ANSWER_USAGE;
	}
	if (!doctor_columns(&symbol_table, format, &sel))
		return ANSWER_NO;
	matching_functions(btf, glob, &f);
	found = print_kallsyms(out, &sel, glob, &f);
	for (size_t i = 0; i < f.n; i++) { /* inlined everywhere, or kallsyms is not there */
		struct symbol_row row = { .kind = "-", .btf = true };

		if (f.seen[i])
			continue;
		snprintf(row.name, sizeof(row.name), "%s", f.name[i]);
		sink_row(out, &sel, &row, sizeof(row));
		found++;
	}
	sink_flush(out);
	selection_free(&sel);
	free(f.name);
	free(f.seen);
	if (!found)
		log_error("no symbol %s in this kernel", shown(safe, glob, strlen(glob)));
	return found ? ANSWER_YES : ANSWER_NO;
}

/* --- --syscall --- */

struct syscall_row {
	const char *name;
	int64_t number;	       /* negative: not in this ABI, or newer than iosonde */
	int64_t number_compat; /* 32-bit programs */
	char function[128];    /* of the kernel, that does it; "" where that isn't known */
};

#define C(member) FIELD(struct syscall_row, member)

static const struct column syscall_columns[] = {
	{ "name", C(name), U_TEXT, .width = 20, .help = "system call" },
	{ "number", C(number), U_FD, .help = "for native programs" },
	{ "number_compat", C(number_compat), U_FD, .help = "for 32-bit programs" },
	{ "function", C(function), U_TEXT, .help = "that does it, in the kernel" },
	{}
};

static const struct table syscall_table_ = { "syscall", syscall_columns };

/* Where the function isn't called as the system call is. */
static const char *function_of(const char *name)
{
	static const char *const renamed[][2] = {
		{ "stat", "newstat" },	 { "lstat", "newlstat" }, { "fstat", "newfstat" },
		{ "uname", "newuname" }, { "umount2", "umount" }, { "sendfile", "sendfile64" }
	};

	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++)
		if (!strcmp(renamed[i][0], name))
			return renamed[i][1];
	return name;
}

/* Is it a function of the kernel itself? Calls that are left out leave a weak symbol behind. */
static bool strong_symbol(const char *line, const char *name)
{
	struct symbol_row row;

	return parse_symbol(line, &row) && !row.module[0] && strchr("tT", row.kind[0]) &&
	       !strcmp(row.name, name);
}

/* Looks for @name, in BTF only where there is no list of symbols. */
static bool kernel_has(const struct btf *btf, const char *name)
{
	FILE *kallsyms = fopen("/proc/kallsyms", "re");
	bool found = false, any = false;
	char line[512];

	while (!found && kallsyms && fgets(line, sizeof(line), kallsyms)) {
		any = true;
		found = strstr(line, name) && strong_symbol(line, name);
	}
	if (kallsyms)
		fclose(kallsyms);
	return found || (!any && btf && btf_has_function(btf, name));
}

/* The headers that iosonde was built with know calls that this kernel may not have. */
static bool kernel_function(const struct btf *btf, const char *name, bool compat, char *out,
			    size_t size)
{
	static const char *const prefixes[2][3] = {
		{ "__x64_sys_", "__arm64_sys_", NULL },
		{ "__ia32_compat_sys_", "__ia32_sys_", "__arm64_compat_sys_" },
	};

	for (size_t i = 0; i < 3 && prefixes[compat][i]; i++) {
		snprintf(out, size, "%s%s", prefixes[compat][i], function_of(name));
		if (kernel_has(btf, out))
			return true;
	}
	out[0] = '\0';
	return false;
}

enum answer ask_syscall(struct sink *out, enum format format, const struct btf *btf,
			const char *name)
{
	struct syscall_row row = { .name = name,
				   .number = syscall_number(name, 0),
				   .number_compat = syscall_number(name, 1) };
	char safe[SHOWN_MAX];
	bool native;

	if (!*name) {
		log_error("--syscall: give a name, such as openat");
		return ANSWER_USAGE;
	}
	shown(safe, name, strlen(name));
	native = kernel_function(btf, name, false, row.function, sizeof(row.function));
	if (row.number >= 0 && !native) {
		log_error("system call %s has a number, but this kernel has no function for it",
			  safe);
		return ANSWER_NO;
	}
	if (!native && row.number_compat < 0) {
		log_error("no system call %s", safe);
		return ANSWER_NO;
	}
	/* calls of 32-bit programs alone are old, and their functions have names of all kinds */
	if (!native)
		kernel_function(btf, name, true, row.function, sizeof(row.function));
	print(out, format, &syscall_table_, &row, sizeof(row));
	return ANSWER_YES;
}
