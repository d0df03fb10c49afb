// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A system call that is reached by as many different user stacks as one likes. */
#include "workload.h"

#include <sys/syscall.h>
#include <unistd.h>

/* Two places that call it: a bit of @way is which, and so each way is a stack of its own. */
__attribute__((noinline)) static void walk(unsigned long way, unsigned int left)
{
	if (!left) {
		syscall(SYS_getppid);
	} else if (way & 1) {
		walk(way >> 1, left - 1);
		asm volatile("nop" ::: "memory");
	} else {
		walk(way >> 1, left - 1);
		asm volatile("nop; nop" ::: "memory");
	}
}

/* Way W is gone 1 + W % 3 times. */
int cmd_paths(struct ctx *c)
{
	long ways = arg_num(c, 0, 2000), calls = 0;
	unsigned int depth = 0;

	while (1L << depth < ways)
		depth++;
	for (long way = 0; way < ways; way++)
		for (long times = 0; times <= way % 3; times++, calls++)
			walk((unsigned long)way, depth);
	extra_add(c, "getppids", calls);
	return 0;
}
