/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/heap.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
/* Addresses alone, until they are used. */
#define ROOM (12 * HUGE_PAGE)
/* Larger pieces are mapped one by one, and at once unmapped: the most that glibc takes for it. */
#define NEVER_MAPPED (16 * HUGE_PAGE)
/* Where glibc moves these bounds itself once a piece of some MiB has been freed. */
#define MAPPED_FROM (2 * HUGE_PAGE)

/* The small pages before the first huge one, so that nothing else lands there. */
static void *pad;
/* Of the room, what is to be in huge pages. */
static char *huge;

void heap_expect_much(void)
{
	char *room;
	size_t before;

	if (pad)
		return;
	mallopt(M_MMAP_THRESHOLD, (int)NEVER_MAPPED);
	mallopt(M_TRIM_THRESHOLD, (int)NEVER_MAPPED);
	room = malloc(ROOM);
	if (!room)
		return;
	huge = (char *)(((uintptr_t)room + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	before = (size_t)(huge - room);
	/* refused where the kernel has none: then pages stay small */
	madvise(huge, ROOM - HUGE_PAGE, MADV_HUGEPAGE);
	free(room); /* and stays with the heap: what is allocated next begins here again */
	pad = malloc(before);
}

void heap_give_back(void)
{
	free(pad);
	pad = NULL;
	mallopt(M_MMAP_THRESHOLD, (int)MAPPED_FROM);
	mallopt(M_TRIM_THRESHOLD, (int)(2 * MAPPED_FROM));
	malloc_trim(0);
	/*
	 * The kernel would make a huge page again of what is left, some seconds later: up to 2 MiB
	 * each. Of an end that was given back already it says ENOMEM.
	 */
	if (huge)
		madvise(huge, ROOM - HUGE_PAGE, MADV_NOHUGEPAGE);
	huge = NULL;
}
