/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The kernel's functions by name, with their addresses, and which of them can be hooked. */
#ifndef IOSONDE_FUNCTIONS_H
#define IOSONDE_FUNCTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "core/kernel/pattern.h"

struct function {
	char *name;
	char *module;	  /* NULL: the kernel itself */
	uint64_t address; /* as in /proc/kallsyms; 0: hidden */
	const char *why;  /* static; NULL: it can be hooked, as far as the kernel tells */
};

struct functions {
	struct function *fn; /* ordered by name, then address */
	size_t n;
	bool hidden;   /* addresses are */
	bool unlisted; /* nothing told which of them can be hooked */
};

/*
 * Collects the functions that any of @n patterns matches. Pieces that the compiler has split off
 * (NAME.cold) are none. @kallsyms has the format of /proc/kallsyms, @traceable that of tracefs'
 * available_filter_functions; without the latter (NULL) every function counts as one that can be
 * hooked. False when out of memory.
 */
bool functions_read(FILE *kallsyms, FILE *traceable, const struct pattern *patterns, size_t n,
		    struct functions *out);

/* The same from this kernel. False after a message. */
bool functions_find(const struct pattern *patterns, size_t n, struct functions *out);

void functions_free(struct functions *f);

#endif
