/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the calls of `workload steps` share. */
#ifndef WORKLOAD_STEPS_H
#define WORKLOAD_STEPS_H

#include "uring.h"
#include "workload.h"

#define STEP_WORDS 4

/* The state that one step leaves to the next. */
struct steps {
	struct ctx *c;
	int fd;	 /* what was opened last */
	int dfd; /* what names of the ...at() calls are relative to */
	struct ring ring;
	bool has_ring;
	unsigned long aio; /* 0: not set up yet */
	char *map;	   /* of fd, shared */
};

/* One kind of step: its words are the call's name and up to three arguments. */
struct step_kind {
	const char *name;
	long (*run)(struct steps *s, char *const *word);
};

/* steps_calls.c; ends with name NULL. */
extern const struct step_kind step_kinds[];

#endif
