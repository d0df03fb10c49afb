/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/kernel/load_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "core/base/cpus.h"
#include "core/base/log.h"
#include "core/kernel/ladder.h"
#include "core/kernel/load_many.h"
#include "core/kernel/load_sample.h"
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
		log_error("internal error: %s of the programs and of the descriptor differ in "
			  "size: both are made of one struct, in NAME.h",
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

static void set_wake_up(const struct load_opts *opts, struct engine_cfg *engine)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t wake_data;

	engine->wake_bytes =
		cpus_wake_bytes(opts->buffer, cpus > 0 ? (uint32_t)cpus : 1, &wake_data);
	engine->wake_data = wake_data;
	if (!opts->engine.ustack)
		return;
	/* user stacks are named while their process lives: read them at once */
	engine->wake_bytes = 1;
	engine->wake_data = 0;
}

/* Else -p, -u, --cgroup and -- CMD would be taken, and change nothing. */
static bool asks_target(const struct loaded *l)
{
	struct bpf_map *map;
	size_t off;

	if (setup_find_var(l->obj, ".rodata", "target", &map, &off))
		return true;
	log_error("internal error: -p, -u, --cgroup and -- COMMAND don't reach the programs of %s: "
		  "they have to include bpf/core/filter.bpf.h and ask target_match()",
		  l->tool->name);
	return false;
}

static bool configure(struct loaded *l)
{
	const struct load_opts *opts = &l->opts;
	struct engine_cfg engine = opts->engine;
	uint32_t n_targets = loaded_targets(l);
	uint8_t calls[SYSCALL_MAX][2];
	const char *unknown = l->tool->calls ? syscall_table(l->tool->calls, calls) : NULL;

	engine.has_task_storage = l->task_storage;
	engine.page_shift = (uint32_t)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	set_wake_up(opts, &engine);
	if (unknown) {
		log_error("internal error: no system call %s in .calls; one that only some "
			  "architectures have begins with '?', another kind of call with '-'",
			  unknown);
		return false;
	}
	return asks_target(l) && set_rungs(l) &&
	       set_rodata(l->obj, "engine", &engine, sizeof(engine)) &&
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

/* IOSONDE_ENTRIES=MAP=N,...: makes maps small, so that tests can fill them. */
static int size_for_test(struct bpf_map *map)
{
	const char *list = secure_getenv("IOSONDE_ENTRIES"), *name = bpf_map__name(map);
	size_t len = strlen(name);

	for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (!strncmp(p, name, len) && p[len] == '=')
			return bpf_map__set_max_entries(map, (__u32)strtoul(p + len + 1, NULL, 10));
	return 0;
}

/*
 * A CPU takes this many free places of an LRU map at once (kernel/bpf/bpf_lru_list.c,
 * LOCAL_FREE_TARGET): without as many more, other CPUs' places would be taken while some are free.
 */
#define LRU_PER_CPU 128

#define HISTOGRAMS_MAX 16384 /* of 4 KiB each; what has no room is one of the others */

/* One per target and CPU, in both epochs. */
static uint32_t histograms(const struct loaded *l)
{
	uint64_t n = 2ULL * loaded_targets(l) * (uint64_t)l->n_cpus;

	return n < HISTOGRAMS_MAX ? (uint32_t)n : HISTOGRAMS_MAX;
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
		else if (l->tool->many.prog && l->tool->kind == TOOL_TABLE &&
			 !strcmp(name, l->tool->drain.map))
			err = bpf_map__set_max_entries(map, 2 * loaded_targets(l));
		else if (l->tool->many.prog && l->tool->kind == TOOL_HISTOGRAM &&
			 !strcmp(name, l->tool->drain.map))
			err = bpf_map__set_max_entries(map, histograms(l));
		else if (bpf_map__max_entries(map) == PER_CPU)
			err = bpf_map__set_max_entries(map, l->cpu_ids);
		else if (bpf_map__type(map) == BPF_MAP_TYPE_TASK_STORAGE)
			err = bpf_map__set_autocreate(map, l->task_storage);
		else if (len > 5 && !strcmp(name + len - 5, "_hash") && l->task_storage)
			err = bpf_map__set_autocreate(map, false);
		else
			err = map_as_asked(l, map);
		if (!err && (!strcmp(name, "memo") || !strncmp(name, "others", 6)))
			err = bpf_map__set_max_entries(map, MEMO_INDEX(l->cpu_ids, 0));
		if (!err)
			err = size_for_test(map);
		if (!err && bpf_map__type(map) == BPF_MAP_TYPE_LRU_HASH)
			err = bpf_map__set_max_entries(map, bpf_map__max_entries(map) +
								    LRU_PER_CPU * l->cpu_ids);
		if (err) {
			log_error("cannot size map %s: %s", name, strerror(-err));
			return false;
		}
	}
	return true;
}

/*
 * Numbers that are used again are noticed where processes or threads are named, the set of
 * processes is followed with -- CMD alone; each by a program at more than one hook:
 * bpf/core/filter.bpf.h.
 */
static bool follows_targets(const struct loaded *l, const char *name,
			    const struct target_cfg *target)
{
	const char *fork = l->classic_targets ? "target_fork_tp" : "target_fork";
	const char *exec = l->classic_targets ? "target_exec_tp" : "target_exec";

	if (!l->own_btf)
		fork = "target_fork_newtask";
	if ((target->flags & TARGET_TREE) && !strcmp(name, exec))
		return true;
	return target->flags & (TARGET_PID | TARGET_TID) && !strcmp(name, fork);
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
		sampled_set_type(prog);
	}
}

bool setup_object(struct loaded *l)
{
	if (!configure(l) || !size_maps(l))
		return false;
	choose_programs(l, l->opts.target);
	return true;
}
