/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* A chain of calls, none of which the compiler may leave out: of NAME(first), NAME(second) ... */
#ifndef IOSONDE_FRAMES_H
#define IOSONDE_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#ifndef NAME
#define NAME(function) function
#define CHAIN	       static
#else
#define CHAIN
#endif
#if __has_attribute(noclone)
#define APART __attribute__((noinline, noclone))
#else
#define APART __attribute__((noinline))
#endif

static uint64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static APART uint64_t NAME(fourth)(uint64_t ms, bool wait)
{
	uint64_t end = milliseconds() + ms, sum = ms;

	while (milliseconds() < end) {
		if (wait)
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
		for (int i = 0; !wait && i < 200000; i++) {
			sum = sum * 6364136223846793005ULL + 1442695040888963407ULL;
			__asm__ volatile("" : "+r"(sum));
		}
	}
	return sum | 2;
}

/* Its stack is as large as it finds out. */
static APART uint64_t NAME(third)(uint64_t ms, bool wait)
{
	volatile char room[64 + ms % 512];

	room[0] = (char)ms;
	return NAME(fourth)(ms, wait) + (uint64_t)room[0] % 2;
}

static APART uint64_t NAME(second)(uint64_t ms, bool wait)
{
	uint64_t keep[8] = { ms, ms + 1 };

	__asm__ volatile("" : : "r"(keep) : "memory");
	return NAME(third)(ms, wait) + keep[0] - keep[1] + 1;
}

CHAIN APART uint64_t NAME(first)(uint64_t ms, bool wait)
{
	return NAME(second)(ms, wait) + (ms == 3) * 2;
}

#endif
