/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The traced command: forked early, held before its exec until everything is attached. */
#ifndef IOSONDE_CHILD_H
#define IOSONDE_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int hold;    /* write end: one byte lets it exec */
	int failure; /* read end: errno of a failed exec, or EOF */
	bool exited;
	int wait_status;
};

/*
 * Forks the command and returns while it waits. @mask is the signal mask, and
 * @sigpipe the disposition of SIGPIPE, that it shall have. It
 * keeps our terminal, process group, descriptors and privileges. False with errno set.
 */
bool child_fork(struct child *c, char **argv, const sigset_t *mask, void (*sigpipe)(int));

/* Lets it exec. Returns 0, or the errno that exec failed with (it has been reaped then). */
int child_release(struct child *c);

/* Takes its exit status if it has ended. Returns whether it has. @block: wait for it. */
bool child_reap(struct child *c, bool block);

/* As a shell would say it: the exit status, or 128 + signal. */
int child_status(const struct child *c);

#endif
