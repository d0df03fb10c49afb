/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * A tool's BPF object on its way into the kernel: open, configure, choose a rung of every probe's
 * ladder, load, attach. Each step's failure says what failed, on what, and what to try.
 */
#ifndef IOSONDE_LOAD_H
#define IOSONDE_LOAD_H

#include <bpf/libbpf.h>

#include "bpf/core/memo.h"
#include "core/kernel/many.h"
#include "core/tool.h"

#define MAX_LINKS 2144 /* of commands, 96; and two per CPU that is sampled */
#define MAX_ITERS 4

/* What became of one probe. */
struct choice {
	int rung;	/* index into probe.rungs; -1: none works, or it isn't wanted */
	unsigned tried; /* bits: rungs that were looked at */
	char why[256];	/* why better rungs, or all of them, weren't taken */
};

struct load_opts {
	const struct tool *tool;
	const void *cfg; /* tool->cfg_size bytes */
	const struct target_cfg *target;
	struct engine_cfg engine; /* kstack and ustack; the rest is load's */
	uint64_t buffer;
	const char *btf;   /* NULL: the kernel's own */
	struct many *many; /* tool->many's targets; NULL: none yet, to look what could be hooked */
};

/* A map with two elements per CPU, for this epoch and the one before: MEMO_INDEX(). */
struct halves {
	char *at;    /* mapped; NULL: the object has no such map */
	size_t size; /* of one */
};

struct loaded {
	const struct tool *tool;
	struct load_opts opts; /* what it points to is borrowed */
	int slim_btf;	       /* memory file that libbpf relocates against; -1: none */
	void *elf;	       /* the object unpacked, to be opened again; NULL once attached */
	size_t elf_size;
	struct bpf_object *obj;
	unsigned refused; /* bits of enum hook_kind_id: kinds that this kernel refuses */
	struct choice choices[PROBES_MAX];
	struct bpf_link *links[MAX_LINKS];
	size_t n_links;
	struct bpf_link *iters[MAX_ITERS]; /* programs of SEC("iter/..."), run by reading them */
	size_t n_iters;
	bool own_btf; /* the kernel offers its types itself: without, --btf FILE has to */
	/* what the kernel has: core/kernel/ladder.h */
	bool task_storage, rdonly_cast, exact_tp_btf, exact_fentry;
	bool guard_counts;	   /* it counts what its guard keeps out: core/kernel/many_hook.h */
	bool classic_targets;	   /* processes are followed by classic tracepoints */
	struct counters *counters; /* mapped, by CPU */
	int n_cpus;		   /* possible CPUs: values of an entry of a per-CPU map */
	uint32_t cpu_ids;	   /* the largest number of one, and 1: core/base/cpus.h */
	struct halves memo;	   /* bpf/core/memo.h */
	struct halves others;	   /* bpf/core/others.bpf.h */
	char *bss;		   /* the programs' variables, mapped; NULL if they have no epoch */
	size_t bss_size;
	volatile uint32_t *all_attached;    /* likewise */
	volatile uint64_t *attached_ns;	    /* likewise */
	volatile uint64_t *closed_ns;	    /* likewise */
	volatile uint32_t *epoch;	    /* in bss */
	volatile uint32_t *many_attached;   /* likewise */
	volatile uint32_t *target_children; /* likewise */
	volatile uint32_t (*many_calls)[2]; /* likewise */
	uint32_t children;		    /* target_children of a command without programs */
	enum hook_how many_how;		    /* of functions */
};

/* For a command without programs: all there is are its counters. NULL after a message. */
struct loaded *loaded_nothing(const struct tool *tool);

/*
 * Opens and loads; nothing is attached yet. NULL after a message on stderr. Released by
 * loaded_free().
 */
struct loaded *loaded_open(const struct load_opts *opts);

/*
 * Attaches every program in use. What can't be attached makes the ladder step down: everything is
 * loaded again then. So what is to be in the maps beforehand is put there by @ready(@arg), which is
 * called before each try (NULL: nothing). False after a message; what was attached stays until
 * freed.
 */
bool loaded_attach(struct loaded *l, bool (*ready)(void *arg), void *arg);

/* After loaded_attach(): from now on programs count. */
void loaded_begin(struct loaded *l);

/*
 * Before loaded_detach(), for who has something to do in between (variable closed_ns): programs
 * count no more, and those that still did are over.
 */
void loaded_end(struct loaded *l);

/*
 * Attaches the targets of opts.many, after loaded_attach(). False after a message, also if none
 * could be. Their programs count from loaded_begin_many() on.
 */
bool loaded_attach_many(struct loaded *l, bool verbose);
void loaded_begin_many(struct loaded *l);

/* SEC() of a program that a rung names, or how its copies are attached. NULL: no such program. */
const char *loaded_hook(const struct loaded *l, const char *spec);

/*
 * Detaches everything and waits until no program runs any more (an RCU grace period), so that the
 * counters and maps are final.
 */
void loaded_detach(struct loaded *l);
void loaded_free(struct loaded *l);

/* Descriptor of a map of the object; -1 if it has none of that name. */
int loaded_map(const struct loaded *l, const char *name);

/* Opens iterator program @name for one reading; works after loaded_detach(), too. -1 with errno. */
int loaded_iter(const struct loaded *l, const char *name);

/* Memo @index: MEMO_INDEX(). Only with loaded->memo.at. */
struct memo_head *loaded_memo(const struct loaded *l, uint32_t index);

/* Sum over the CPUs, with what is counted in memos. */
struct counters loaded_counters(const struct loaded *l);

/*
 * Moves the aggregating maps' epoch on and waits until no program counts into the old one, which is
 * returned: its part of the maps is final.
 */
uint32_t loaded_next_epoch(struct loaded *l);

/*
 * Runs of programs that the kernel skipped because they nested (recursion misses); apart, into
 * @details, those of programs whose probes have no events of their own. Not all kernels
 * count them for every kind of program: loaded_missed_uncounted().
 */
uint64_t loaded_missed(const struct loaded *l, uint64_t *details);

/* Is a program in use of a kind whose skipped runs older kernels don't count? Then there may have
 * been more. */
bool loaded_missed_uncounted(const struct loaded *l);

/* --ebpf and --stats: one line per loaded program, to stdout. */
void loaded_print_programs(const struct loaded *l);
void loaded_print_cost(const struct loaded *l);

/*
 * What the hooks in use don't see, and what the probes that found none would have shown: into @out,
 * separated by "; ". "" if nothing is missed.
 */
void loaded_blind(const struct loaded *l, char *out, size_t size);

/* What the chosen rung of @probe (its index) can't see; NULL: nothing that is known. */
const char *loaded_probe_blind(const struct loaded *l, size_t probe);

/* --verbose: the hook in use for every probe, why not a better one, what it is blind to. */
void loaded_explain(const struct loaded *l);

#endif
