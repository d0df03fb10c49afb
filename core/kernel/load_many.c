/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/load_many.h"

#include <bpf/btf.h>
#include <stdio.h>
#include <string.h>

#include "core/base/heap.h"
#include "core/base/log.h"
#include "core/kernel/btf_query.h"
#include "core/kernel/hooks.h"
#include "core/kernel/ladder.h"

/* By then it is minutes, and tens of megabytes. */
#define ONE_BY_ONE_MAX 2000

uint32_t loaded_targets(const struct loaded *l)
{
	return l->opts.many && l->opts.many->n ? (uint32_t)l->opts.many->n : 1;
}

static bool is_model(const struct loaded *l, const char *spec)
{
	const char *model = l->tool->many.prog;

	return model && strlen(model) == strcspn(spec, "(") && !strncmp(model, spec, strlen(model));
}

/* The probe that names the model. */
static int many_probe(const struct loaded *l)
{
	for (int i = 0; l->tool->probes[i].what; i++)
		if (is_model(l, l->tool->probes[i].rungs[0].progs[0]))
			return i;
	return 0;
}

static bool has_functions(const struct many *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->target[i].how == HOW_KPROBE_MULTI)
			return true;
	return !m->n;
}

/* Are targets spans, which have an end? */
static bool has_end(const struct loaded *l)
{
	const struct many_spec *spec = &l->tool->many;

	return spec->end &&
	       (spec->end_when.kind == F_NONE || field_is_set(l->opts.cfg, &spec->end_when));
}

bool loaded_choose_many(struct loaded *l, const struct btf *btf)
{
	struct many *m = l->opts.many;
	struct choice *choice;

	if (!l->tool->many.functions || (m && !has_functions(m)))
		return true;
	choice = &l->choices[many_probe(l)];
	if (!many_choose(btf, has_end(l), &l->many_how, choice->why, sizeof(choice->why))) {
		log_error("this kernel offers no hook for %s: tried %s",
			  l->tool->probes[many_probe(l)].what, choice->why);
		return false;
	}
	if (!m)
		return true;
	many_set_how(m, l->many_how);
	if (l->many_how == HOW_KPROBE_MULTI || m->n <= ONE_BY_ONE_MAX)
		return true;
	log_error(
		"%zu functions would be hooked one by one on this kernel: that takes too long for "
		"more than %d; a narrower pattern helps",
		m->n, ONE_BY_ONE_MAX);
	return false;
}

bool loaded_attach_many(struct loaded *l, bool verbose)
{
	const struct bpf_program *model =
		bpf_object__find_program_by_name(l->obj, l->tool->many.prog);
	const struct bpf_program *end =
		has_end(l) ? bpf_object__find_program_by_name(l->obj, l->tool->many.end) : NULL;
	struct many *m = l->opts.many;
	struct btf *btf = btf_of_kernel(l->opts.btf);
	size_t n;

	m->calls = l->many_calls;
	n = btf && model ? many_attach(m, model, end, btf) : 0;
	btf_release(btf);
	btf_forget_kernel();
	heap_give_back();
	if (m->unlisted)
		log_verbose("tracefs doesn't tell which functions can be hooked: each was tried");
	if (l->tool->many.functions || !n) /* else there are rows that tell */
		many_report_missing(m, verbose);
	if (m->interrupted) {
		log_error("interrupted while attaching");
		return false;
	}
	if (!n) {
		log_error("no hook that was tried can be used here");
		return false;
	}
	log_verbose("%zu of %zu hooked", n, m->n);
	return true;
}

void loaded_begin_many(struct loaded *l)
{
	*l->many_attached = 1;
}

/* Are all that were chosen calls, tracepoints or events, and none a function? */
static bool without_functions(const struct many *m)
{
	for (size_t i = 0; m && i < m->n; i++)
		if (m->target[i].how <= HOW_FEXIT)
			return false;
	return m && m->n;
}

const char *loaded_hook(const struct loaded *l, const char *spec)
{
	static const char *const all[] = { "kprobe.multi/*", "kprobe/*", NULL, "fentry/*",
					   "fexit/*" };
	const char *sec = ladder_hook(l->obj, spec);

	if (!sec || strchr(sec, '/') || hook_kind_of(sec) == HK_PERF_EVENT)
		return sec;
	if (!l->tool->many.functions || without_functions(l->opts.many))
		return "any/*";
	if (is_model(l, spec))
		return all[l->many_how];
	return has_end(l) ? all[HOW_FEXIT] : "any/*";
}

bool loaded_missed_uncounted(const struct loaded *l)
{
	struct bpf_program *prog;

	if (!l->obj)
		return false;
	bpf_object__for_each_program(prog, l->obj)
	{
		enum hook_kind_id kind = hook_kind_of(bpf_program__section_name(prog));

		if (!bpf_program__autoload(prog))
			continue;
		if (kind == HK_PERF_EVENT) /* no kernel does */
			return true;
		if (!l->guard_counts &&
		    (kind == HK_KPROBE || kind == HK_KPROBE_MULTI || kind == HK_TRACEPOINT))
			return true;
	}
	return l->opts.many && !many_misses_counted(l->opts.many, l->guard_counts);
}

uint64_t loaded_missed(const struct loaded *l, uint64_t *details)
{
	struct bpf_program *prog;
	uint64_t missed = l->opts.many ? many_missed(l->opts.many) : 0;

	*details = 0;
	if (!l->obj)
		return 0;
	bpf_object__for_each_program(prog, l->obj)
	{
		uint64_t n;

		if (!bpf_program__autoload(prog))
			continue;
		n = hook_missed(bpf_program__fd(prog));
		if (ladder_is_aside(l, bpf_program__name(prog)))
			*details += n;
		else
			missed += n;
	}
	return missed;
}
