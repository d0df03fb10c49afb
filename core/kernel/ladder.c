/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/ladder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/kernel/abilities_try.h"
#include "core/kernel/btf_query.h"
#include "core/kernel/hooks.h"

bool ladder_without(const char *ability)
{
	const char *list = secure_getenv("IOSONDE_WITHOUT");
	size_t len = strlen(ability);

	for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && !memcmp(p, ability, len))
			return true;
	return false;
}

bool ladder_has_rdonly_cast(const struct btf *btf)
{
	return !ladder_without("rdonly_cast") && btf_has_function(btf, "bpf_rdonly_cast");
}

bool ladder_has_task_storage(const struct btf *btf)
{
	return !ladder_without("task_storage") &&
	       btf_has_enum_value(btf, "bpf_func_id", "BPF_FUNC_task_storage_get");
}

bool ladder_has_exact_tp_btf(const struct btf *btf)
{
	struct trial trial;
	bool exact;

	if (ladder_without("tp_btf_exact"))
		return false;
	trial_open(&trial, btf);
	exact = trial_run(&trial, HOOK_TP_BTF, BODY_NOT_PREEMPTIBLE) || trial.error;
	trial_close(&trial);
	return exact; /* where it can't be tried, loading says why */
}

bool ladder_has_exact_fentry(void)
{
	char modes[128] = "";
	FILE *file;

	if (ladder_without("fentry_exact"))
		return false;
	file = fopen(PREEMPT_MODES, "re");
	if (file && !fgets(modes, sizeof(modes), file))
		modes[0] = '\0';
	if (file)
		fclose(file);
	/* the one in use is in brackets */
	return !strstr(modes, "(full)") && !strstr(modes, "(lazy)");
}

/* The program that @spec ("name" or "name(proto)") names; NULL if the object has none. */
static const struct bpf_program *program_of(const struct bpf_object *obj, const char *spec)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, "("), spec);
	return bpf_object__find_program_by_name(obj, name);
}

const char *ladder_hook(const struct bpf_object *obj, const char *spec)
{
	const struct bpf_program *p = program_of(obj, spec);

	return p ? bpf_program__section_name(p) : NULL;
}

/* What @spec wants the hook to pass; "" for anything. */
static void wanted_proto(const char *spec, char *out, size_t size)
{
	const char *open = strchr(spec, '(');

	snprintf(out, size, "%.*s", open ? (int)strcspn(open + 1, ")") : 0, open ? open + 1 : "");
}

static bool names(const char *spec, const char *prog)
{
	size_t len = strcspn(spec, "(");

	return strlen(prog) == len && !memcmp(spec, prog, len);
}

/* Can @spec's hook be there? If not, says why into @why. */
static bool spec_offered(const struct loaded *l, const struct btf *btf, const char *spec, char *why,
			 size_t size)
{
	const char *sec = ladder_hook(l->obj, spec);
	const char *ability = sec ? hook_ability(hook_kind_of(sec)) : NULL;
	char want[256], name[64];

	if (!sec) {
		snprintf(why, size, "internal error: no program %s, which .probes names", spec);
		return false;
	}
	if (!l->own_btf && hook_needs_types(hook_kind_of(sec))) {
		snprintf(why, size, "%s (not without " KERNEL_BTF ")", sec);
		return false;
	}
	if (l->refused & 1U << hook_kind_of(sec)) {
		snprintf(why, size, "%s (the kernel refuses its kind)", sec);
		return false;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(spec, "("), spec);
	if (ladder_without(name) || (ability && ladder_without(ability))) {
		snprintf(why, size, "%s (left out by IOSONDE_WITHOUT)", sec);
		return false;
	}
	wanted_proto(spec, want, sizeof(want));
	return hook_offered(btf, sec, want, why, size);
}

/* Can @rung's hooks be there? If not, says why into @why. */
static bool rung_offered(const struct loaded *l, const struct btf *btf, const struct rung *rung,
			 char *why, size_t size)
{
	if (rung->lacks && btf_has_enum_value(btf, "bpf_func_id", rung->lacks)) {
		snprintf(why, size, "%s (for kernels without %s)",
			 ladder_hook(l->obj, rung->progs[0]), rung->lacks);
		return false;
	}
	for (size_t i = 0; i < RUNG_PROGS && rung->progs[i]; i++)
		if (!spec_offered(l, btf, rung->progs[i], why, size))
			return false;
	return true;
}

bool ladder_runs_to_end(const struct bpf_object *obj, const struct rung *rung)
{
	const char *sec = ladder_hook(obj, rung->progs[0]);
	enum hook_kind_id kind = sec ? hook_kind_of(sec) : HK_OTHER;

	return kind == HK_TRACEPOINT || kind == HK_KPROBE || kind == HK_KPROBE_MULTI ||
	       kind == HK_PERF_EVENT;
}

/* Will the kernel skip no run of the rung's programs, as far as can be known? */
static bool is_exact(const struct loaded *l, const struct rung *rung)
{
	const char *sec = ladder_hook(l->obj, rung->progs[0]);

	if (ladder_runs_to_end(l->obj, rung))
		return true;
	return l->exact_tp_btf && (l->exact_fentry || !sec || hook_kind_of(sec) != HK_FENTRY);
}

bool ladder_misses_less(const struct loaded *l, const struct probe *probe)
{
	for (int r = 0; r < PROBE_RUNGS && probe->rungs[r].progs[0]; r++)
		if (!l->exact_tp_btf && ladder_runs_to_end(l->obj, &probe->rungs[r]))
			return true;
	return false;
}

/*
 * The best rung that hasn't been tried; -1: none is left. In the table's order, but where programs
 * of some kinds can be preempted, which costs events, the other kinds come first.
 */
static int best_rung(const struct loaded *l, const struct probe *probe, const struct choice *choice)
{
	int first = -1;

	for (int r = 0; r < PROBE_RUNGS && probe->rungs[r].progs[0]; r++) {
		if (choice->tried & 1U << r)
			continue;
		if (is_exact(l, &probe->rungs[r]))
			return r;
		if (first < 0)
			first = r;
	}
	return first;
}

/* Moves @choice to the next rung that is offered. */
static bool next_rung(const struct loaded *l, const struct btf *btf, const struct probe *probe,
		      struct choice *choice)
{
	int r;

	while ((r = best_rung(l, probe, choice)) >= 0) {
		size_t len = strlen(choice->why);
		char why[128];

		choice->tried |= 1U << r;
		if (rung_offered(l, btf, &probe->rungs[r], why, sizeof(why))) {
			choice->rung = r;
			return true;
		}
		snprintf(choice->why + len, sizeof(choice->why) - len, "%s%s", len ? ", " : "",
			 why);
	}
	choice->rung = -1;
	return false;
}

static bool wanted(const struct probe *probe, const void *cfg)
{
	return (probe->when.kind == F_NONE || field_is_set(cfg, &probe->when)) &&
	       (probe->unless.kind == F_NONE || !field_is_set(cfg, &probe->unless));
}

/* To look at, not to load: relocated against the kernel's own types, if at all. */
static struct bpf_object *open_to_look(const struct tool *tool, const struct btf *btf)
{
	size_t size;
	void *elf = image_unpack(tool->image, ladder_has_rdonly_cast(btf), &size);
	struct bpf_object *obj = elf ? image_open(tool->image->name, elf, size, NULL) : NULL;

	free(elf);
	return obj;
}

bool ladder_choose(struct loaded *l, const struct btf *btf, const void *cfg)
{
	if (!l->obj)
		l->obj = open_to_look(l->tool, btf);
	if (!l->obj) {
		log_error("cannot open the programs of %s: %s", l->tool->name, strerror(errno));
		log_verifier();
		return false;
	}
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct probe *probe = &l->tool->probes[i];
		struct choice *choice = &l->choices[i];

		choice->rung = -1;
		if (!wanted(probe, cfg) || next_rung(l, btf, probe, choice) || probe->without)
			continue;
		log_error("this kernel offers no hook for %s: tried %s", probe->what, choice->why);
		return false;
	}
	return true;
}

bool ladder_uses(const struct loaded *l, const char *prog)
{
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct rung *rung;

		if (l->choices[i].rung < 0)
			continue;
		rung = &l->tool->probes[i].rungs[l->choices[i].rung];
		for (size_t p = 0; p < RUNG_PROGS && rung->progs[p]; p++)
			if (names(rung->progs[p], prog))
				return true;
	}
	return false;
}

/* The probe whose chosen rung names program @name; -1: none. */
static int probe_using(const struct loaded *l, const char *name)
{
	for (int i = 0; l->tool->probes[i].what; i++) {
		const struct choice *choice = &l->choices[i];

		for (size_t p = 0; choice->rung >= 0 && p < RUNG_PROGS; p++) {
			const char *spec = l->tool->probes[i].rungs[choice->rung].progs[p];

			if (spec && names(spec, name))
				return i;
		}
	}
	return -1;
}

bool ladder_is_aside(const struct loaded *l, const char *prog)
{
	int i = probe_using(l, prog);

	return i >= 0 && l->tool->probes[i].aside;
}

/* Gives up probe @i's rung because of @sec; true if there is another, or if it can be missed. */
static bool give_up_rung(struct loaded *l, const struct btf *btf, int i, const char *sec, int err)
{
	const struct probe *probe = &l->tool->probes[i];
	struct choice *choice = &l->choices[i];
	size_t len = strlen(choice->why);

	snprintf(choice->why + len, sizeof(choice->why) - len, "%s%s (refused: %s)",
		 len ? ", " : "", sec, strerror(-err));
	return next_rung(l, btf, probe, choice) || probe->without;
}

/* Is @err the kernel's answer to every program of a kind, or to this one? */
static bool refuses_kind(int err)
{
	return err == -EPERM || err == -EOPNOTSUPP || err == -524 /* ENOTSUPP */;
}

/* Gives up the rungs in use whose kind of hook is refused, with @err. */
static bool give_up_refused(struct loaded *l, const struct btf *btf, int err)
{
	bool ok = true;

	for (int i = 0; ok && l->refused && l->tool->probes[i].what; i++) {
		int chosen = l->choices[i].rung;
		const struct rung *rung = chosen < 0 ? NULL : &l->tool->probes[i].rungs[chosen];
		char why[128];

		if (rung && !rung_offered(l, btf, rung, why, sizeof(why)))
			ok = give_up_rung(l, btf, i, ladder_hook(l->obj, rung->progs[0]), err);
	}
	return ok;
}

bool ladder_step_down(struct loaded *l, const char *prog, int err)
{
	int first = probe_using(l, prog);
	const char *sec = first < 0 ? NULL : ladder_hook(l->obj, prog);
	struct btf *btf = sec ? btf_of_kernel(l->opts.btf) : NULL;
	enum hook_kind_id kind;
	bool ok;

	if (!btf)
		return false;
	kind = hook_kind_of(sec);
	/* spare the other probes the same answer: each costs a load of everything */
	if (refuses_kind(err) && kind != HK_OTHER && kind != HK_TP_BTF)
		l->refused |= 1U << kind;
	ok = give_up_rung(l, btf, first, sec, err) && give_up_refused(l, btf, err);
	btf_release(btf);
	return ok;
}

/* The name of the first program of a rung in use whose hook is of @kind; NULL: there is none. */
static const char *program_of_kind(const struct loaded *l, enum hook_kind_id kind)
{
	for (int i = 0; l->tool->probes[i].what; i++) {
		const struct choice *choice = &l->choices[i];

		for (size_t p = 0; choice->rung >= 0 && p < RUNG_PROGS; p++) {
			const char *spec = l->tool->probes[i].rungs[choice->rung].progs[p];
			const char *sec = spec ? ladder_hook(l->obj, spec) : NULL;

			if (sec && hook_kind_of(sec) == kind)
				return bpf_program__name(program_of(l->obj, spec));
		}
	}
	return NULL;
}

int ladder_try_kinds(struct loaded *l, const struct btf *btf, const char **prog)
{
	static const struct {
		enum hook_kind_id kind;
		enum trial_hook hook;
	} kinds[] = { { HK_FENTRY, HOOK_FENTRY }, { HK_KPROBE, HOOK_KPROBE } };
	struct trial trial;
	int err = 0;

	trial_open(&trial, btf);
	for (size_t i = 0; !err && i < sizeof(kinds) / sizeof(*kinds); i++) {
		*prog = program_of_kind(l, kinds[i].kind);
		if (!*prog || trial_loads(&trial, kinds[i].hook) || !refuses_kind(-trial.error))
			continue;
		l->refused |= 1U << kinds[i].kind;
		err = give_up_refused(l, btf, -trial.error) ? 0 : -trial.error;
	}
	trial_close(&trial);
	return err;
}

bool ladder_say_tried(const struct loaded *l, const char *prog)
{
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct probe *probe = &l->tool->probes[i];
		bool mine = false;

		for (size_t r = 0; r < PROBE_RUNGS; r++)
			for (size_t p = 0; p < RUNG_PROGS && probe->rungs[r].progs[p]; p++)
				mine |= names(probe->rungs[r].progs[p], prog);
		if (!mine || !probe->rungs[1].progs[0])
			continue;
		log_error("this kernel offers no hook for %s: tried %s", probe->what,
			  l->choices[i].why);
		log_verifier();
		return true;
	}
	return false;
}
