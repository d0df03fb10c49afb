// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Kernel functions that call themselves as deep as is known. */
#include "workload.h"

#include <sys/epoll.h>

#define MAX_EPOLLS 16

/*
 * A chain of epoll descriptors, each in the next: with every one that is added the kernel walks the
 * whole chain, by a function that calls itself (ep_loop_check_proc(), fs/eventpoll.c).
 */
int cmd_epolls(struct ctx *c)
{
	long n = arg_num(c, 0, 5), walked = 0;
	int fd[MAX_EPOLLS];

	for (long i = 0; i < n && i < MAX_EPOLLS; i++) {
		struct epoll_event event = { .events = EPOLLIN };

		fd[i] = epoll_create1(EPOLL_CLOEXEC);
		if (fd[i] < 0)
			die("epoll_create1");
		if (i && epoll_ctl(fd[i], EPOLL_CTL_ADD, fd[i - 1], &event))
			die("epoll_ctl");
		walked += i;
	}
	extra_add(c, "walked", walked);
	return 0;
}
