/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Tries what kernels differ in: a program of a few instructions is loaded, attached to something
 * rare that this process then does itself, and must have left its mark. Part of core/abilities.
 */
#ifndef IOSONDE_ABILITIES_TRY_H
#define IOSONDE_ABILITIES_TRY_H

#include <stdbool.h>

#include <bpf/btf.h>

/* Where the program runs. */
enum trial_hook {
	HOOK_TP_BTF,
	HOOK_RAW_TP,
	HOOK_TRACEPOINT, /* classic, through tracefs */
	HOOK_KPROBE,
	HOOK_KPROBE_MULTI,
	HOOK_FENTRY,
	HOOK_ITER,
};

/* What it does there. */
enum trial_body {
	BODY_MARK,	   /* nothing else */
	BODY_RING,	   /* writes to a ring buffer, which is then read */
	BODY_TASK_STORAGE, /* gets storage of the task that the hook passes */
	BODY_FETCH_ADD,	   /* an atomic addition that returns the old value */
	BODY_LOOP,	   /* calls bpf_loop() */
	BODY_KERNEL_READ,  /* reads memory of the kernel */
	/*
	 * leaves its mark only if no other thread can get the CPU while it runs: it either runs
	 * with preemption off, or without migration being disabled, as the kernel does where it
	 * allows preemption inside programs
	 */
	BODY_NOT_PREEMPTIBLE,
};

struct trial {
	const struct btf *btf;	 /* of the kernel; NULL: it has none */
	unsigned int ring_bytes; /* BODY_RING's size */
	int mark;		 /* an array with one __u64; negative: can't be made */
	const char *target;	 /* after trial_run(): what the program was attached to */
	const char *step;	 /* and which step failed: "loading" ...; NULL: none did */
	int error;		 /* and why: an errno; 0: no error, it just never ran */
	bool jited;		 /* and: is the program native code? */
	bool no_count;		 /* where the kernel keeps the preempt count isn't told */
};

/* False with errno set if not even a map can be made: every trial will fail in the same way. */
bool trial_open(struct trial *t, const struct btf *btf);
void trial_close(struct trial *t);

/* Does the kernel take a program for @hook at all? It isn't attached. False with step and error
 * set. */
bool trial_loads(struct trial *t, enum trial_hook hook);

/* Everything is detached and freed when it returns. False with step and error set. */
bool trial_run(struct trial *t, enum trial_hook hook, enum trial_body body);

#endif
