/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Which alternative of every probe is used, decided by looking and trying. Parts of load. */
#ifndef IOSONDE_LADDER_H
#define IOSONDE_LADDER_H

#include "core/kernel/load.h"

struct btf;

/*
 * Unpacks @image, in the version for kernels with or without bpf_rdonly_cast(). *@size bytes, the
 * caller's to free; NULL with errno.
 */
void *image_unpack(const struct bpf_image *image, bool rdonly_cast, size_t *size);

/* Opens what image_unpack() gave; nothing of that is needed afterwards. NULL with errno. */
struct bpf_object *image_open(const char *name, const void *elf, size_t size, const char *btf);

/*
 * IOSONDE_WITHOUT=task_storage,fentry,... makes abilities, kinds of hook (hook_ability()) and
 * programs look absent, so that tests can run every fall-back on a kernel that wouldn't need it. Is
 * @what among them?
 */
bool ladder_without(const char *what);

/* Does the kernel have bpf_rdonly_cast()? */
bool ladder_has_rdonly_cast(const struct btf *btf);

/* Does the kernel offer task storage to tracing programs? */
bool ladder_has_task_storage(const struct btf *btf);

/*
 * Does each event reach a tp_btf program? No where the kernel lets a thread be preempted inside one
 * (7.0): until it goes on, runs of this program for other threads on that CPU are skipped. Tried by
 * running one.
 */
bool ladder_has_exact_tp_btf(const struct btf *btf);

#define PREEMPT_MODES "/sys/kernel/debug/sched/preempt"

/*
 * Does nothing say that fentry and fexit programs are preempted? They run with preemption on, on
 * all kernels, but most don't preempt threads in the kernel. The ones that can change that tell.
 */
bool ladder_has_exact_fentry(void);

/* Does @rung begin with a program of a kind (classic tracepoint, kprobe) that is never preempted?
 */
bool ladder_runs_to_end(const struct bpf_object *obj, const struct rung *rung);

/* Has @probe rungs that miss less here, for their programs run to the end? */
bool ladder_misses_less(const struct loaded *l, const struct probe *probe);

/*
 * Opens l->obj if it isn't yet, and takes the first rung of each probe whose hooks exist with the
 * shape they must have. False after a message when a probe that isn't optional has none.
 */
bool ladder_choose(struct loaded *l, const struct btf *btf, const void *cfg);

/* SEC() of the program that a rung's entry names ("tp_btf/sys_enter"); NULL: no such program. */
const char *ladder_hook(const struct bpf_object *obj, const char *spec);

/* Is the program that of a probe which only adds to others' events (probe.aside)? */
bool ladder_is_aside(const struct loaded *l, const char *prog);

/* Does a chosen rung name the program? */
bool ladder_uses(const struct loaded *l, const char *prog);

/*
 * The kernel refused program @prog (its name) with @err, at loading or attaching: gives up the rung
 * that it belongs to for the next one that is offered; if the kernel refuses its kind altogether,
 * those of the other probes too. False if there is none, or if no other rung can help. l->obj must
 * be opened and loaded again.
 */
bool ladder_step_down(struct loaded *l, const char *prog, int err);

/*
 * Before loading: tries whether the kernel takes the kinds of hooks on functions that the chosen
 * rungs are of, and gives up those of a kind that it refuses, which spares loading everything to
 * learn it. 0, or a negative errno if a probe that isn't optional has no other rung: what the
 * kernel refused, of *@prog.
 */
int ladder_try_kinds(struct loaded *l, const struct btf *btf, const char **prog);

/*
 * After ladder_step_down() failed: says which hooks were tried for what @prog observes, and true.
 * False without a word where there was just the one that was refused, whose error says more.
 */
bool ladder_say_tried(const struct loaded *l, const char *prog);

#endif
