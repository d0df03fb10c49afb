/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Programs attached to many targets that are chosen at run time: the functions that the command
 * line names, or hooks that a tool puts together. Each target has an index, which the program
 * learns from hook_index() (bpf/core/many.bpf.h); an array of the tool's with a place per target is
 * drained by the engine (struct drain).
 */
#ifndef IOSONDE_MANY_TARGETS_H
#define IOSONDE_MANY_TARGETS_H

#include "bpf/core/many.h"
#include "core/kernel/functions.h"
#include "core/kernel/many_hook.h"

struct btf;

struct many_target {
	char *name;	  /* function or tracepoint, as the kernel calls it */
	char *shown;	  /* as rows show it */
	char *module;	  /* NULL: the kernel itself */
	uint64_t address; /* 0: none, or hidden */
	enum hook_how how;
	int64_t call;	       /* see struct hook_constants */
	int prog, link;	       /* -1: none of its own */
	uint32_t pattern;      /* the first one that selected it */
	char *end_name;	       /* of a pair of tracepoints: the second; NULL: the same */
	enum hook_how end_how; /* of the program at the end, if there is one */
	int end_prog, end_link;
	int *cpu_links; /* HOW_SOFTWARE: those of the other CPUs */
	size_t n_cpu_links;
	bool shared;		   /* hooked by many.call_link */
	const char *note;	   /* static; what the hook is bad at; NULL: nothing */
	char why[96];		   /* not empty: can't be attached */
	char na[104];		   /* room for a row's note */
	uint64_t added_ns, run_ns; /* what one hit costs, where it was measured */
};

struct many {
	struct many_target *target;
	size_t n;
	/* HOW_KPROBE_MULTI of all functions: programs and links that the targets share */
	int multi_prog, *multi_links;
	size_t n_multi;
	/* programs and links at the entry and the end of all system calls; -1: none */
	int call_prog[2], call_link[2];
	/* the programs' table, see bpf/core/many.bpf.h; NULL: they have none */
	volatile uint32_t (*calls)[2];
	bool timed;	  /* targets have an end, with a program of its own */
	bool by_call;	  /* sys_NAME is a system call even if they have none */
	bool interrupted; /* a signal came while attaching */
	bool separate;	  /* each target has a program of its own */
	bool unlisted;	  /* struct functions */
};

void many_init(struct many *m);

/* Adds a target; NULL when out of memory. @shown NULL: the name itself. */
struct many_target *many_add(struct many *m, const char *name, const char *shown,
			     enum hook_how how);

/*
 * Adds every function, and tracepoint ("t:CATEGORY:NAME"), that @patterns select. False after a
 * message, also if a pattern selects none.
 */
bool many_add_selected(struct many *m, struct pattern *patterns, size_t n);

/*
 * How functions are hooked here: kprobe.multi, else kprobes or fentry one by one, by trying each.
 * False if nothing works; @tried then says what was tried, else why what is better was not taken.
 */
bool many_choose(const struct btf *btf, bool timed, enum hook_how *how, char *tried, size_t size);

/*
 * Adds the system calls that @p selects by name (sys_NAME), each from its entry to its end; and, of
 * @category, pairs of tracepoints that begin with @name, which isn't one. False: out of memory.
 */
bool many_add_calls(struct many *m, const struct pattern *p);
bool many_add_pair(struct many *m, const char *events, const char *category, const char *name);

/* Functions (targets that are kprobe.multi so far) will be hooked by @how. */
void many_set_how(struct many *m, enum hook_how how);

/*
 * Attaches copies of @model to all targets, and of @end (NULL: none) where they end; a terminal
 * shows the progress. What can't be attached
 * has a reason in why. Returns how many are attached; stops early, with interrupted set, at SIGINT
 * or SIGTERM, which the caller has blocked.
 */
size_t many_attach(struct many *m, const struct bpf_program *model, const struct bpf_program *end,
		   const struct btf *btf);

/* Adds every software event that @patterns select (many_event.c). False after a message. */
bool many_add_events(struct many *m, const struct pattern *patterns, size_t n);

/* Attaches the program of @t, which is HOW_SOFTWARE, on each CPU. -1 with errno; else link. */
int many_attach_event(struct many_target *t);
void many_detach_event(struct many_target *t);

/* Why @t can't be attached: the step that failed ("": none) and its error. */
void many_say_why(struct many_target *t, const char *step, const char *why);

/* Is SIGINT or SIGTERM pending? */
bool many_signal_waits(void);

/* One line per reason, with the names: on stderr. */
void many_report_missing(const struct many *m, bool all);

/* Runs that the kernel skipped, as far as it counts them. */
uint64_t many_missed(const struct many *m);

/*
 * Are all hooks in use of a kind whose skipped runs this kernel counts? @guard_counts:
 * hook_guard_counts(). What comes in while another program of perf's runs, none counts.
 */
bool many_misses_counted(const struct many *m, bool guard_counts);

/* Detaches and frees; with many targets this takes seconds on some kernels. */
void many_free(struct many *m);

#endif
