/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * 32-bit system calls from a 64-bit process: int $0x80 enters the kernel by the compat table and
 * takes 32-bit registers, so every pointer must lie below 4 GiB (low_alloc).
 */
#ifndef WORKLOAD_IA32CALL_H
#define WORKLOAD_IA32CALL_H

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#define HAVE_IA32 1

enum {
	IA32_READ = 3,
	IA32_WRITE = 4,
	IA32_OPEN = 5,
	IA32_CREAT = 8,
	IA32_OPENAT = 295,
	IA32_OPEN_BY_HANDLE_AT = 342,
	IA32_OPENAT2 = 437,
};

static inline long ia32(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	long ret;

	/* The entry leaves r8-r11 undefined on old kernels. */
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static inline uint32_t low(const void *p)
{
	return (uint32_t)(uintptr_t)p;
}

static inline void *low_alloc(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT,
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline char *low_string(const char *s)
{
	char *p = low_alloc(strlen(s) + 1);

	return p ? strcpy(p, s) : NULL;
}
#else
#define HAVE_IA32 0
#endif

#endif
