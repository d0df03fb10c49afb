/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Calls nested in a known way, built without frame pointers: main > first > second > third >
 *fourth, which uses the CPU, or waits. frames spin|wait MS [LIBRARY]	the library's chain instead:
 *lib_first > ... > lib_fourth frames thread MS		in a thread of its own The register that
 *frame pointers are kept in holds other things meanwhile.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef WITH_DLOPEN
#include <dlfcn.h>
#endif

#include "frames.h"

static void *thread(void *arg)
{
	uint64_t *ms = arg;

	*ms = first(*ms, false);
	return NULL;
}

static int library(const char *path, uint64_t ms, bool wait)
{
#ifdef WITH_DLOPEN
	void *lib = dlopen(path, RTLD_NOW);
	uint64_t (*chain)(uint64_t, bool) = lib ? dlsym(lib, "lib_first") : NULL;

	if (!chain) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	return chain(ms, wait) == 1;
#else
	(void)path, (void)ms, (void)wait;
	return 2;
#endif
}

int main(int argc, char **argv)
{
	uint64_t ms = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	bool wait = argc > 1 && !strcmp(argv[1], "wait");
	pthread_t id;

	if (!ms)
		return 2;
	if (argc > 3)
		return library(argv[3], ms, wait);
	if (strcmp(argv[1], "thread"))
		return first(ms, wait) == 1;
	if (pthread_create(&id, NULL, thread, &ms))
		return 1;
	pthread_join(id, NULL);
	return ms == 1;
}
