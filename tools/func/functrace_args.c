/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "tools/func/functrace_args.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/kernel/btf_query.h"
#include "core/kernel/perf_hook.h"

struct taken {
	struct taken *next;
	max_align_t at[];
};

static void *take(struct functrace_state *s, size_t size)
{
	struct taken *t = calloc(1, sizeof(*t) + size);

	if (!t)
		return NULL;
	t->next = s->taken;
	s->taken = t;
	return t->at;
}

static char *take_text(struct functrace_state *s, const char *text, size_t len)
{
	char *to = take(s, len + 1);

	return to ? memcpy(to, text, len) : NULL;
}

void functrace_forget(struct functrace_state *s)
{
	while (s->taken) {
		struct taken *next = s->taken->next;

		free(s->taken);
		s->taken = next;
	}
	while (s->n_modules)
		btf__free(s->module[--s->n_modules]);
	btf__free(s->btf);
	free(s->row);
	*s = (struct functrace_state){ 0 };
}

static bool no_memory(void)
{
	log_error("out of memory");
	return false;
}

/* --- columns --- */

static bool is_taken(const struct functrace_state *s, const char *name)
{
	char key[96];

	for (size_t i = 0; i < s->n_columns; i++)
		if (!strcmp(s->columns[i].name, name) ||
		    !strcmp(column_key(&s->columns[i], key, sizeof(key)), name))
			return true;
	return !strcmp(name, "type") || !strcmp(name, "summary");
}

/* "file->f_path.dentry" is the column file_f_path_dentry, for JSON's sake. */
static void column_name(const struct functrace_state *s, const char *text, char *out, size_t size)
{
	char word[64];
	size_t n = 0;

	for (; *text && n < sizeof(word) - 1; text++) {
		if (isalnum((unsigned char)*text))
			word[n++] = (char)tolower((unsigned char)*text);
		else if (n && word[n - 1] != '_')
			word[n++] = '_';
	}
	while (n > 1 && word[n - 1] == '_')
		n--;
	word[n] = '\0';
	snprintf(out, size, "%s%s", isalpha((unsigned char)word[0]) ? "" : "arg_", word);
	if (is_taken(s, out))
		snprintf(out, size, "arg_%s", word);
	for (unsigned i = 2; is_taken(s, out); i++)
		snprintf(out, size, "arg_%s_%u", word, i);
}

/* The column of the argument called @text, of other functions, too. -1: no room. */
static int column_of(struct functrace_state *s, const char *text, const struct functrace_arg *arg)
{
	char name[96];
	struct column *c;
	size_t n = s->n_columns - s->n_fixed;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(s->columns[s->n_fixed + i].classic, text))
			return s->columns[s->n_fixed + i].field.kind == arg->col.field.kind ? (int)i
											    : -1;
	if (n == FUNCTRACE_COLUMNS)
		return -1;
	column_name(s, text, name, sizeof(name));
	c = &s->columns[s->n_columns];
	*c = arg->col;
	c->name = take_text(s, name, strlen(name));
	c->field.off = (uint32_t)(offsetof(struct functrace_row, value) +
				  n * sizeof(union functrace_value));
	if (!c->name)
		return -1;
	s->n_columns++;
	return (int)n;
}

/* @a's own column; the shared one is made of it. */
static bool describe(struct functrace_state *s, struct functrace_arg *a, const char *text, size_t i)
{
	const struct arg *arg = &a->arg;
	struct flag_name *names = NULL;
	char *classic = take_text(s, text, strlen(text));

	if (arg->names) {
		size_t n = arg_enum_names(arg->btf, arg->names, NULL, 0);

		names = take(s, (n + 1) * sizeof(*names));
		if (!names)
			return false;
		arg_enum_names(arg->btf, arg->names, names, n);
	}
	a->col = (struct column){
		.name = classic,
		.classic = classic,
		.field = { .off = (uint32_t)(offsetof(struct functrace_row, arg) +
					     i * sizeof(union functrace_value)),
			   .size = sizeof(union functrace_value),
			   .kind = arg->field },
		.unit = arg->unit,
		.flags = COL_HIDDEN,
		.flag_names = names,
		.help = "an argument",
	};
	if (!classic)
		return false;
	a->shared = column_of(s, text, a);
	return true;
}

/* --- prototypes --- */

static const struct btf *types_of(struct functrace_state *s, const struct many_target *t)
{
	struct btf *btf;

	if (!t->module)
		return s->btf;
	btf = s->n_modules < sizeof(s->module) / sizeof(s->module[0])
		      ? btf_of_module(s->btf, t->module)
		      : NULL;
	if (btf)
		s->module[s->n_modules++] = btf;
	return btf;
}

/* What can be reached without types: words. */
static void nameless(const struct btf *btf, struct arg_proto *out)
{
	args_of_call(btf, "", NULL, out);
	out->call = false;
	out->ret_slot = -1;
}

static void proto_of_call(struct functrace_state *s, const char *call, struct arg_proto *out,
			  bool *known)
{
	const char *tracefs = tracefs_path();
	char path[192];
	FILE *format;

	snprintf(path, sizeof(path), "%s/events/syscalls/sys_enter_%s/format",
		 tracefs ? tracefs : "", call);
	format = tracefs ? fopen(path, "re") : NULL;
	args_of_call(s->btf, call, format, out);
	if (format)
		fclose(format);
	*known = format || (out->n && strcmp(out->param[0].name, "arg1") != 0);
	s->nameless |= !*known;
}

/* False: nothing tells what it is passed; then *@out has words without names. */
static bool proto_of(struct functrace_state *s, const struct many_target *t, struct arg_proto *out)
{
	static const char enter[] = "syscalls/sys_enter_", leave[] = "syscalls/sys_exit_";
	const struct btf *btf = types_of(s, t);
	const char *event = strchr(t->name, '/');
	bool known = false;

	if (t->how == HOW_SOFTWARE) {
		*out = (struct arg_proto){ .btf = s->btf, .ret_slot = -1 };
		return true;
	}
	if (!strncmp(t->name, enter, strlen(enter))) {
		proto_of_call(s, t->name + strlen(enter), out, &known);
		return known;
	}
	if (!strncmp(t->name, leave, strlen(leave))) {
		args_of_call(s->btf, "", NULL, out); /* for the type of what is returned */
		out->param[0] = (struct arg_param){
			.name = "ret", .type = out->ret, .slot = 1, .passed = true
		};
		out->n = 1;
		out->call = false;
		return true;
	}
	if (event)
		known = btf && args_of_tracepoint(btf, event + 1, out);
	else
		known = btf && args_of_function(btf, t->name, out);
	if (!known)
		nameless(s->btf, out);
	return known;
}

/* --- what is wanted --- */

/* The next argument of the list at *@s, without blanks, into @out; false: there are no more. */
static bool next_text(const char **s, const char *end, char *out, size_t size)
{
	size_t n = 0;

	if (*s > end)
		return false;
	for (; *s < end && **s != ','; (*s)++)
		if (!isspace((unsigned char)**s) && n < size - 1)
			out[n++] = **s;
	out[n] = '\0';
	(*s)++;
	return true;
}

static bool add_arg(struct functrace_state *s, struct functrace_target *to,
		    const struct arg_proto *proto, const char *text, char *err, size_t size)
{
	struct functrace_arg *a = &to->args[to->n];

	a->shared = -1;
	if (!arg_resolve(proto, text, &a->arg, err, size))
		return false;
	if (!describe(s, a, text, to->n))
		return no_memory();
	to->n++;
	return true;
}

/* How many were asked for with the pattern @p; *@known counts what @to has. */
static size_t add_asked(struct functrace_state *s, struct functrace_target *to,
			const struct arg_proto *proto, const struct pattern *p, bool *found,
			char *err, size_t size)
{
	const char *at = p->args, *end = p->args + p->args_len;
	char text[256];
	size_t n = 0;

	for (; next_text(&at, end, text, sizeof(text)); n++) {
		if (!*text && !n && at > end)
			return 0; /* "vfs_read()": none */
		if (n < ARGS_MAX)
			found[n] |= add_arg(s, to, proto, text, err, size);
	}
	return n;
}

/* All that it is passed; what can't be shown is left out. */
static void add_all(struct functrace_state *s, struct functrace_target *to,
		    const struct arg_proto *proto)
{
	char err[256];

	for (size_t i = 0; i < proto->n; i++)
		add_arg(s, to, proto, proto->param[i].name, err, sizeof(err));
}

static bool find_target(struct functrace_state *s, struct functrace_target *to,
			const struct many_target *t, const struct pattern *p, bool *found,
			char *err, size_t size)
{
	struct arg_proto proto;
	bool known = proto_of(s, t, &proto);
	size_t n = 0;

	to->args = take(s, ARGS_MAX * sizeof(*to->args));
	if (!to->args)
		return no_memory();
	to->call = proto.call;
	to->ret_slot = proto.ret_slot;
	arg_of_return(&proto, &to->ret);
	if (p->args)
		n = add_asked(s, to, &proto, p, found, err, size);
	else if (known)
		add_all(s, to, &proto);
	if (n <= ARGS_MAX)
		return true;
	log_error("%s: more than %d arguments", t->shown, ARGS_MAX);
	return false;
}

/* An argument that no function of its pattern has is a mistake. */
static bool check_found(const struct pattern *p, const bool *found, const char *err)
{
	const char *at = p->args, *end = p->args + p->args_len;
	char text[256];

	for (size_t i = 0; p->args && i < ARGS_MAX && next_text(&at, end, text, sizeof(text)); i++)
		if (*text && !found[i]) {
			log_error("%s: %s", p->text, err);
			return false;
		}
	return true;
}

static bool open_types(struct run *run, struct functrace_state *s)
{
	s->btf = btf_of_kernel(run_opts(run)->btf);
	if (s->btf)
		return true;
	log_error("the kernel's type information can't be read, which tells what functions are "
		  "passed; --btf FILE may have it");
	return false;
}

static bool begin(struct run *run, struct functrace_state *s, const struct column *fixed)
{
	const struct many *m = run_many(run);
	const struct functrace_cfg *cfg = run_cfg(run);
	size_t n = 0;

	while (fixed[n].name)
		n++;
	s->target = take(s, (m->n + 1) * sizeof(*s->target));
	s->columns = take(s, (n + FUNCTRACE_COLUMNS + 1) * sizeof(*fixed));
	s->row = malloc(sizeof(struct functrace_row) + 2 * VALUE_SCRATCH);
	if (!s->target || !s->columns || !s->row)
		return no_memory();
	s->n_targets = m->n;
	for (size_t i = 0; i < n; i++) {
		bool of_return = fixed[i].field.kind == F_KEPT;

		if (cfg->timed || !of_return)
			s->columns[s->n_columns++] = fixed[i];
	}
	s->n_fixed = s->n_columns;
	return open_types(run, s);
}

bool functrace_find(struct run *run, const struct column *fixed)
{
	struct functrace_state *s = run_tool_state(run);
	const struct common_opts *opts = run_opts(run);
	const struct many *m = run_many(run);
	bool pointers = true;
	char err[512] = "";

	if (!begin(run, s, fixed))
		return false;
	for (size_t p = 0; p < opts->n_patterns; p++) {
		bool found[ARGS_MAX] = { false };

		for (size_t i = 0; i < m->n; i++)
			if (m->target[i].pattern == p &&
			    !find_target(s, &s->target[i], &m->target[i], &opts->patterns[p], found,
					 err, sizeof(err)))
				return false;
		if (!check_found(&opts->patterns[p], found, err))
			return false;
	}
	for (size_t i = 0; i < s->n_targets; i++)
		pointers &= s->target[i].ret.unit == U_HEX;
	for (size_t i = 0; i < s->n_fixed; i++)
		if (!strcmp(s->columns[i].name, "ret") && pointers)
			s->columns[i].unit = U_HEX;
	if (s->nameless)
		log_warn("tracefs, which knows what system calls are passed, isn't mounted; "
			 "arg1 to arg6 can be asked for: sys_NAME(arg1)");
	return true;
}

/* --- for the programs --- */

#if defined(__x86_64__)
static const char *const call_regs[] = { "di", "si", "dx", "r10", "r8", "r9" };

static int user_register(const struct btf *btf, uint32_t slot)
{
	return slot < 6 ? btf_offset(btf, "pt_regs", call_regs[slot], NULL) : -1;
}
#else
static int user_register(const struct btf *btf, uint32_t slot)
{
	int regs = btf_offset(btf, "pt_regs", "regs", NULL);

	return slot ? regs + 8 * (int)slot : btf_offset(btf, "pt_regs", "orig_x0", NULL);
}
#endif

/* The context is a pointer to the user's registers. */
static void through_registers(const struct functrace_state *s, const struct arg *arg,
			      struct arg_walk *w)
{
	int at = user_register(s->btf, arg->slot);

	if (at < 0 || w->n == ARG_STEPS) {
		w->kind = ARG_NONE;
		return;
	}
	memmove(w->step + 1, w->step, w->n * sizeof(w->step[0]));
	w->step[0] = at;
	w->n++;
	w->at = 0;
}

void functrace_walks(const struct functrace_state *s, size_t i, enum hook_how how,
		     enum hook_how end_how, struct arg_walks *out)
{
	const struct functrace_target *t = &s->target[i];

	*out = (struct arg_walks){ .n = (__u32)t->n, .ret_at = -1 };
	if (t->ret_slot >= 0 && (end_how == HOW_FEXIT || t->call))
		out->ret_at = arg_at(s->btf, end_how, (uint32_t)t->ret_slot);
	for (size_t k = 0; k < t->n; k++) {
		const struct arg *arg = &t->args[k].arg;
		struct arg_walk *w = &out->walk[k];

		*w = arg->walk;
		w->at = arg_at(s->btf, how, arg->slot);
		if (t->call)
			through_registers(s, arg, w);
		/* a classic tracepoint's context has a layout of its own */
		if (w->at < 0 || how == HOW_TRACEPOINT)
			w->kind = ARG_NONE;
	}
}
