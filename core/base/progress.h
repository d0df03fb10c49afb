/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* "attaching 120 of 734" on stderr, if that is a terminal, once something takes long. */
#ifndef IOSONDE_PROGRESS_H
#define IOSONDE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is @fd a terminal that escape sequences mean something to? TERM=dumb, or none, is not. */
bool terminal_obeys(int fd);

struct progress {
	const char *what;
	uint64_t began_ns, shown_ns;
	bool terminal, shown;
};

struct progress progress_begin(const char *what);
void progress_step(struct progress *p, size_t done, size_t all);
/* Takes the line away. */
void progress_end(const struct progress *p);

#endif
