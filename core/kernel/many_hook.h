/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One program at one hook that is chosen at run time. A program that libbpf has loaded serves as a
 * model: its copies differ in the constants that they hold (many.bpf.h), so that each knows
 * which target it was attached to. That takes no help of the kernel's, and so works on all of them.
 */
#ifndef IOSONDE_MANY_HOOK_H
#define IOSONDE_MANY_HOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include <bpf/libbpf.h>

struct btf;

enum hook_how {
	HOW_KPROBE_MULTI, /* many functions by one link */
	HOW_KPROBE,
	HOW_KRETPROBE,
	HOW_FENTRY,
	HOW_FEXIT,
	HOW_TRACEPOINT, /* "syscalls/sys_enter_write" */
	HOW_RAW_TRACEPOINT,
	HOW_TP_BTF,
	HOW_SOFTWARE, /* an event of perf's, on one CPU: "page-faults" */
	N_HOWS,
};

extern const char *const hook_how_names[]; /* "kprobe.multi" ...; NULL-terminated */

/* What a copy of the model holds. */
struct hook_constants {
	uint64_t index; /* of the target; HOOK_BY_COOKIE: the link's cookie tells it */
	int64_t call;	/* a system call, for hooks that all of them pass; -1: none */
};

/* Before a model's object is opened: what functions it consists of is noted when it is loaded. */
void hook_models_begin(void);

/*
 * Loads a copy of @model for @target (a function, or a tracepoint). Returns its descriptor, or -1
 * with a static reason in *@why.
 */
int hook_load(const struct bpf_program *model, enum hook_how how, const struct btf *btf,
	      const char *target, const struct hook_constants *constants, const char **why);

/*
 * Attaches program @prog to @target; a function that has an @address (not 0) is found by that. Of
 * HOW_SOFTWARE @address is the number of the CPU; errno ENODEV: it isn't online.
 * Returns a descriptor whose closing detaches it, or -1 with errno set.
 */
int hook_attach(int prog, enum hook_how how, const char *target, uint64_t address);

/* What errno after a failed hook_attach() means: a static text, or strerror()'s. */
const char *hook_error(enum hook_how how, int error);

/* One link for @n functions, by address, with a cookie each. -1 with errno set. */
int hook_attach_multi(int prog, const unsigned long *addresses, const __u64 *cookies, size_t n);

/* Runs that the kernel skipped because the program, or any other of its kind, was running. */
uint64_t hook_missed(int prog);

/*
 * Programs at kprobes and classic tracepoints share one guard per CPU: while one runs, the others
 * are skipped. The remaining kinds have a guard per program that counts, or, in older kernels,
 * none.
 */
bool hook_is_guarded(enum hook_how how);

/*
 * Does the kernel count what the shared guard keeps out? It does since 6.7; in the same release
 * links began to tell what kprobes missed, which is what can be seen.
 */
bool hook_guard_counts(const struct btf *btf);

#endif
