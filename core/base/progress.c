/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What takes longer is worth a line. */
#define PATIENCE_NS 300000000ULL

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

bool terminal_obeys(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

struct progress progress_begin(const char *what)
{
	return (struct progress){ what, clock_ns(), 0, terminal_obeys(STDERR_FILENO), false };
}

void progress_step(struct progress *p, size_t done, size_t all)
{
	uint64_t now;

	if (!p->terminal)
		return;
	now = clock_ns();
	if (now - p->began_ns < PATIENCE_NS || now - p->shown_ns < PATIENCE_NS / 3)
		return;
	p->shown_ns = now;
	p->shown = true;
	fprintf(stderr, "\r%s %zu of %zu\033[K", p->what, done, all);
	fflush(stderr);
}

void progress_end(const struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}
