/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/load_setup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "core/base/log.h"
#include "core/kernel/ladder.h"
#include "core/kernel/load_many.h"
#include "core/rows/syscalls.h"

bool setup_find_var(struct bpf_object *obj, const char *section, const char *name,
		    struct bpf_map **map_out, size_t *off)
{
	const struct btf *btf = bpf_object__btf(obj);
	__s32 id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *sec = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	const struct btf_var_secinfo *var = sec ? btf_var_secinfos(sec) : NULL;
	struct bpf_map *map;

	for (__u16 i = 0; sec && i < btf_vlen(sec); i++) {
		const struct btf_type *t = btf__type_by_id(btf, var[i].type);

		if (strcmp(btf__name_by_offset(btf, t->name_off), name))
			continue;
		bpf_object__for_each_map(map, obj)
		{
			const char *dot = strrchr(bpf_map__name(map), '.');

			if (!bpf_map__is_internal(map) || !dot || strcmp(dot, section))
				continue;
			*map_out = map;
			*off = var[i].offset;
			return true;
		}
	}
	return false;
}

/* Sets a variable; one that the object doesn't have is fine, one of another size is a bug. */
static bool set_rodata(struct bpf_object *obj, const char *name, const void *value, size_t size)
{
	const struct btf *btf = bpf_object__btf(obj);
	__s32 id = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);
	struct bpf_map *map;
	size_t off, map_size;

	if (!setup_find_var(obj, ".rodata", name, &map, &off))
		return true;
	if (id > 0 &&
	    btf__resolve_size(btf, btf__type_by_id(btf, (__u32)id)->type) != (__s64)size) {
		log_error("internal error: %s of the programs and of the descriptor differ in size",
			  name);
		return false;
	}
	memcpy((char *)bpf_map__initial_value(map, &map_size) + off, value, size);
	return true;
}

/* For each probe, 1 + the rung in use; 0: none. */
static bool set_rungs(struct loaded *l)
{
	__u8 rungs[PROBES_MAX] = { 0 };

	for (size_t i = 0; l->tool->probes[i].what; i++)
		rungs[i] = (__u8)(l->choices[i].rung + 1);
	return set_rodata(l->obj, "rungs", rungs, sizeof(rungs));
}

/* How much a CPU may write before it wakes the reader: all of them an eighth of the buffer. */
static uint64_t wake_bytes(const struct load_opts *opts)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	/* user stacks are named while their process lives: read them at once */
	return opts->engine.ustack ? 1 : opts->buffer / 8 / (uint64_t)(cpus > 0 ? cpus : 1);
}

static bool configure(struct loaded *l)
{
	const struct load_opts *opts = &l->opts;
	struct engine_cfg engine = opts->engine;
	uint32_t n_targets = loaded_targets(l);
	uint8_t calls[SYSCALL_MAX][2];
	const char *unknown = l->tool->calls ? syscall_table(l->tool->calls, calls) : NULL;

	engine.has_task_storage = l->task_storage;
	engine.wake_bytes = wake_bytes(opts);
	if (unknown) {
		log_error("internal error: no system call %s", unknown);
		return false;
	}
	return set_rungs(l) && set_rodata(l->obj, "engine", &engine, sizeof(engine)) &&
	       set_rodata(l->obj, "target", opts->target, sizeof(*opts->target)) &&
	       set_rodata(l->obj, "many_targets", &n_targets, sizeof(n_targets)) &&
	       (!l->tool->cfg_size || set_rodata(l->obj, "cfg", opts->cfg, l->tool->cfg_size)) &&
	       (!l->tool->calls || set_rodata(l->obj, "syscall_calls", calls, sizeof(calls)));
}

/* The field's value in the tool's cfg; @deflt for none. */
static uint64_t cfg_value(const struct loaded *l, const struct field *f, uint64_t deflt)
{
	uint64_t v = 0;

	if (f->kind == F_NONE)
		return deflt;
	memcpy(&v, (const char *)l->opts.cfg + f->off, f->size); /* little-endian, as BPF is here */
	return v;
}

/* What the tool's options say about @map. */
static int map_as_asked(const struct loaded *l, struct bpf_map *map)
{
	const struct map_spec *spec = l->tool->maps;
	uint64_t entries;

	while (spec && spec->prefix &&
	       strncmp(bpf_map__name(map), spec->prefix, strlen(spec->prefix)))
		spec++;
	if (!spec || !spec->prefix)
		return 0;
	if (!cfg_value(l, &spec->when, 1))
		return bpf_map__set_autocreate(map, false);
	entries = cfg_value(l, &spec->entries, 0);
	return entries ? bpf_map__set_max_entries(map, (__u32)entries) : 0;
}

/* Sizes what depends on the machine; leaves out the per-thread map that isn't used. */
static bool size_maps(struct loaded *l)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, l->obj)
	{
		const char *name = bpf_map__name(map);
		size_t len = strlen(name);
		int err = 0;

		if (!strcmp(name, "events"))
			err = bpf_map__set_max_entries(map, (__u32)l->opts.buffer);
		else if (l->tool->many.prog && !strcmp(name, l->tool->drain.map))
			err = bpf_map__set_max_entries(map, 2 * loaded_targets(l));
		else if (bpf_map__max_entries(map) == PER_CPU)
			err = bpf_map__set_max_entries(map, (__u32)l->n_cpus);
		else if (bpf_map__type(map) == BPF_MAP_TYPE_TASK_STORAGE)
			err = bpf_map__set_autocreate(map, l->task_storage);
		else if (len > 5 && !strcmp(name + len - 5, "_hash") && l->task_storage)
			err = bpf_map__set_autocreate(map, false);
		else
			err = map_as_asked(l, map);
		if (!err && !strcmp(name, "memo"))
			err = bpf_map__set_max_entries(map, MEMO_INDEX((__u32)l->n_cpus, 0));
		if (err) {
			log_error("cannot size map %s: %s", name, strerror(-err));
			return false;
		}
	}
	return true;
}

/*
 * The target's process set is followed with -- CMD alone, by three programs, each of which is there
 * at more than one hook: bpf/filter.bpf.h.
 */
static bool follows_targets(const struct loaded *l, const char *name,
			    const struct target_cfg *target)
{
	const char *fork = l->classic_targets ? "target_fork_tp" : "target_fork";
	size_t len = strlen(name);
	bool classic = len > 3 && !strcmp(name + len - 3, "_tp");

	if (strncmp(name, "target_", 7) || !(target->flags & TARGET_TREE))
		return false;
	if (!l->own_btf)
		fork = "target_fork_newtask";
	if (!strncmp(name, "target_fork", 11))
		return !strcmp(name, fork);
	return classic == l->classic_targets;
}

/* Only what the chosen rungs name runs. */
static void choose_programs(struct loaded *l, const struct target_cfg *target)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, l->obj)
	{
		const char *name = bpf_program__name(prog);
		bool on = ladder_uses(l, name) || follows_targets(l, name, target);

		bpf_program__set_autoload(prog, on);
	}
}

bool setup_object(struct loaded *l)
{
	if (!configure(l) || !size_maps(l))
		return false;
	choose_programs(l, l->opts.target);
	return true;
}
