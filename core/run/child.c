/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/wait.h>

__attribute__((noreturn)) static void run(char **argv, int hold, int failure, const sigset_t *mask,
					  void (*sigpipe)(int))
{
	char go;
	int error;

	signal(SIGPIPE, sigpipe);
	sigprocmask(SIG_SETMASK, mask, NULL);
	while (read(hold, &go, 1) != 1)
		if (errno != EINTR)
			_exit(125); /* the tracer died before it let us go */
	execvp(argv[0], argv);
	error = errno;
	if (write(failure, &error, sizeof(error)) != sizeof(error))
		_exit(125);
	_exit(error == ENOENT ? 127 : 126);
}

bool child_fork(struct child *c, char **argv, const sigset_t *mask, void (*sigpipe)(int))
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
		run(argv, hold[0], failure[1], mask, sigpipe);
	}
	close(hold[0]);
	close(failure[1]);
	c->hold = hold[1];
	c->failure = failure[0];
	c->exited = false;
	if (c->pid > 0)
		return true;
	close(c->hold);
	close(c->failure);
	return false;
}

int child_release(struct child *c)
{
	int error = 0;
	ssize_t n = write(c->hold, "", 1);

	close(c->hold);
	c->hold = -1;
	do {
		n = read(c->failure, &error, sizeof(error));
	} while (n < 0 && errno == EINTR);
	close(c->failure);
	c->failure = -1;
	if (n != sizeof(error))
		return 0;
	child_reap(c, true);
	return error;
}

bool child_reap(struct child *c, bool block)
{
	if (c->exited)
		return true;
	for (;;) {
		pid_t pid = waitpid(c->pid, &c->wait_status, block ? 0 : WNOHANG);

		if (pid == c->pid)
			return c->exited = true;
		if (pid == 0 || (pid < 0 && errno != EINTR))
			return false;
	}
}

int child_status(const struct child *c)
{
	if (WIFSIGNALED(c->wait_status))
		return 128 + WTERMSIG(c->wait_status);
	return WEXITSTATUS(c->wait_status);
}
