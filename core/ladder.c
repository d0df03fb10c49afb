/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/ladder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/btf_query.h"
#include "core/log.h"

/*
 * IOSONDE_WITHOUT=task_storage,... makes an ability look absent, so that tests can run every
 * fall-back on a kernel that wouldn't need it.
 */
static bool forced_without(const char *ability)
{
	const char *list = getenv("IOSONDE_WITHOUT");
	size_t len = strlen(ability);

	for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == len && !memcmp(p, ability, len))
			return true;
	return false;
}

struct bpf_object *image_open(const struct bpf_image *image, bool rdonly_cast, const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .object_name = image->name, .btf_custom_path = btf);
	bool plain = !rdonly_cast && image->plain;
	const unsigned char *data = plain ? image->plain : image->data;
	const unsigned char *end = plain ? image->plain_end : image->end;

	return bpf_object__open_mem(data, (size_t)(end - data), &open);
}

bool ladder_has_rdonly_cast(const struct btf *btf)
{
	return !forced_without("rdonly_cast") && btf_has_function(btf, "bpf_rdonly_cast");
}

bool ladder_has_task_storage(const struct btf *btf)
{
	return !forced_without("task_storage") &&
	       btf_has_enum_value(btf, "bpf_func_id", "BPF_FUNC_task_storage_get");
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

/* Can @rung's hooks be there? If not, says why into @why. */
static bool rung_offered(const struct bpf_object *obj, const struct btf *btf,
			 const struct rung *rung, char *why, size_t size)
{
	char proto[256], want[256];

	for (size_t i = 0; i < RUNG_PROGS && rung->progs[i]; i++) {
		const char *sec = ladder_hook(obj, rung->progs[i]);
		const char *hook = sec ? strchr(sec, '/') : NULL;

		if (!hook) {
			snprintf(why, size, "internal error: no program %s", rung->progs[i]);
			return false;
		}
		hook++;
		if (strncmp(sec, "tp_btf/", 7))
			continue; /* tried by loading and attaching */
		if (!btf_tracepoint_proto(btf, hook, proto, sizeof(proto))) {
			snprintf(why, size, "%s (not in this kernel)", sec);
			return false;
		}
		wanted_proto(rung->progs[i], want, sizeof(want));
		if (!proto_fits(proto, *want ? want : NULL)) {
			snprintf(why, size, "%s (passes %s, not %s)", sec, proto, want);
			return false;
		}
	}
	return true;
}

/* Moves @choice to the next rung after its current one that is offered. */
static bool next_rung(const struct bpf_object *obj, const struct btf *btf,
		      const struct probe *probe, struct choice *choice)
{
	for (int r = choice->rung + 1; r < PROBE_RUNGS && probe->rungs[r].progs[0]; r++) {
		size_t len = strlen(choice->why);
		char why[128];

		if (rung_offered(obj, btf, &probe->rungs[r], why, sizeof(why))) {
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
	const unsigned char *p = (const unsigned char *)cfg + probe->when.off;

	if (probe->when.kind == F_NONE)
		return true;
	for (uint32_t i = 0; i < probe->when.size; i++)
		if (p[i])
			return true;
	return false;
}

bool ladder_choose(struct loaded *l, const struct btf *btf, const void *cfg)
{
	if (!l->obj)
		l->obj = image_open(l->tool->image, ladder_has_rdonly_cast(btf), NULL);
	if (!l->obj) {
		log_error("cannot open the programs of %s: %s", l->tool->name, strerror(errno));
		log_verifier();
		return false;
	}
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct probe *probe = &l->tool->probes[i];
		struct choice *choice = &l->choices[i];

		choice->rung = -1;
		if (!wanted(probe, cfg) || next_rung(l->obj, btf, probe, choice) || probe->without)
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

bool ladder_step_down(struct loaded *l, int err)
{
	char name[64] = "";
	const char *at = strstr(log_libbpf(), "prog '");

	if (!at || sscanf(at, "prog '%63[^']", name) != 1)
		return false;
	for (size_t i = 0; l->tool->probes[i].what; i++) {
		const struct probe *probe = &l->tool->probes[i];
		struct choice *choice = &l->choices[i];
		const struct rung *rung = choice->rung < 0 ? NULL : &probe->rungs[choice->rung];
		size_t len = strlen(choice->why);
		struct btf *btf;
		bool found;

		for (size_t p = 0; rung && p < RUNG_PROGS; p++)
			if (rung->progs[p] && names(rung->progs[p], name)) {
				snprintf(choice->why + len, sizeof(choice->why) - len,
					 "%s%s (refused: %s)", len ? ", " : "",
					 ladder_hook(l->obj, name), strerror(-err));
				btf = btf_of_kernel(l->btf_file);
				found = btf && next_rung(l->obj, btf, probe, choice);
				if (!found)
					choice->rung = -1;
				btf__free(btf);
				return found || probe->without;
			}
	}
	return false;
}
