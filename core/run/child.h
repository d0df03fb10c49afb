/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The traced command: forked early, held before its exec until everything is attached. */
#ifndef IOSONDE_CHILD_H
#define IOSONDE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

struct child {
	pid_t pid;
	int hold;    /* write end: one byte lets it exec */
	int failure; /* read end, without blocking: errno of a failed exec, or its end */
	bool exited;
	bool running; /* its exec was a success: no copy of this process any more */
	int error;    /* errno that its exec failed with */
	int wait_status;
};

/*
 * Forks the command and returns while it waits. It keeps our terminal, process group, descriptors
 * and privileges, and has the signals as we found them. False with errno set.
 */
bool child_fork(struct child *c, char **argv);

/* Lets it exec. What becomes of that is read from c->failure, by child_look(). */
void child_release(struct child *c);

/* Sets c->running or c->error, if its exec is over. Closes c->failure then. */
void child_look(struct child *c);

/* Ends it before its exec. It has been reaped then. */
void child_give_up(struct child *c);

/* Passes signal @number on. False with errno set: it may be another user's by now. */
bool child_signal(const struct child *c, int number);

/*
 * Takes its exit status if it has ended. Returns whether it has. @block: wait for it. One that
 * can't be waited for counts as ended, with status 125.
 */
bool child_reap(struct child *c, bool block);

/* As a shell would say it: the exit status, or 128 + signal. */
int child_status(const struct child *c);

#endif
