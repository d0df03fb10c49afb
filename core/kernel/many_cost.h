/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a hook costs the program that hits it: a loop of calls is timed with the hook and without,
 * in turn, so that what changes meanwhile changes both. One hook is there at a time.
 */
#ifndef IOSONDE_MANY_COST_H
#define IOSONDE_MANY_COST_H

#include "core/base/progress.h"
#include "core/kernel/many.h"

/* Something that this process can do over and over: one call, of which nothing stays. */
struct exercise {
	const char *name;
	void (*once)(void);
};

struct cost_opts {
	const struct bpf_program *model; /* counts this process's hits in @hits_fd, element 0 */
	const struct btf *btf;
	int hits_fd;
	const struct exercise *exercises; /* ends with a NULL name */
};

/*
 * Sets added_ns and run_ns of every target that can be attached, and why of the others. The loop is
 * the first exercise that hits the target once per call; without one there is a note instead.
 */
void many_measure(struct many *m, const struct cost_opts *opts);

#endif
