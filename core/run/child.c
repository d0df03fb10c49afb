/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/wait.h>

#include "core/base/signals.h"

__attribute__((noreturn)) static void run(char **argv, int hold, int failure)
{
	char go;
	int error;

	signals_give_back();
	while (read(hold, &go, 1) != 1)
		if (errno != EINTR)
			_exit(125); /* the tracer died before it let us go */
	execvp(argv[0], argv);
	error = errno;
	if (write(failure, &error, sizeof(error)) != sizeof(error))
		_exit(125);
	_exit(error == ENOENT ? 127 : 126);
}

bool child_fork(struct child *c, char **argv)
{
	int hold[2], failure[2];

	if (pipe2(hold, O_CLOEXEC))
		return false;
	if (pipe2(failure, O_CLOEXEC)) {
		close(hold[0]);
		close(hold[1]);
		return false;
	}
	c->pid = fork();
	if (!c->pid) {
		close(hold[1]); /* or the tracer's death would go unnoticed */
		run(argv, hold[0], failure[1]);
	}
	close(hold[0]);
	close(failure[1]);
	c->hold = hold[1];
	c->failure = failure[0];
	if (c->pid > 0)
		return !fcntl(c->failure, F_SETFL, O_NONBLOCK);
	close(c->hold);
	close(c->failure);
	return false;
}

void child_release(struct child *c)
{
	/* one that has died meanwhile is seen by its end */
	if (write(c->hold, "", 1) != 1)
		c->error = 0;
	close(c->hold);
	c->hold = -1;
}

void child_look(struct child *c)
{
	int error = 0;
	ssize_t n = c->failure < 0 ? -1 : read(c->failure, &error, sizeof(error));

	if (n < 0)
		return;
	close(c->failure);
	c->failure = -1;
	c->running = n == 0;
	c->error = n == sizeof(error) ? error : 0;
}

void child_give_up(struct child *c)
{
	kill(c->pid, SIGKILL);
	child_reap(c, true);
}

bool child_signal(const struct child *c, int number)
{
	return c->exited || !kill(c->pid, number) || errno == ESRCH;
}

bool child_reap(struct child *c, bool block)
{
	if (c->exited)
		return true;
	for (;;) {
		pid_t pid = waitpid(c->pid, &c->wait_status, block ? 0 : WNOHANG);

		if (pid == c->pid)
			return c->exited = true;
		if (pid == 0)
			return false;
		if (errno == EINTR)
			continue;
		c->wait_status = 125 << 8;
		return c->exited = true;
	}
}

int child_status(const struct child *c)
{
	if (WIFSIGNALED(c->wait_status))
		return 128 + WTERMSIG(c->wait_status);
	return WEXITSTATUS(c->wait_status);
}
