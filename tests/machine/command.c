/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Starting the host's commands. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

struct command {
	struct exec_head head;
	char **strings; /* cwd, argv and env in one */
	char *cwd;
	char **argv, **env;
	int child[JOB_STREAMS]; /* the command's ends */
};

/* The strings stay in payload. False when the frame doesn't hold what it says. */
static bool parse_command(char *payload, size_t length, struct command *command)
{
	struct exec_head *head = &command->head;
	char *end = payload + length, *at = payload + sizeof(*head);
	char **strings;
	size_t count, i;

	if (length < sizeof(*head) || end[-1] != '\0')
		return false;
	memcpy(head, payload, sizeof(*head));
	if (head->argc < 1 || head->argc > length || head->envc > length)
		return false;
	count = 1 + head->argc + 1 + head->envc + 1;
	strings = calloc(count, sizeof(*strings));
	if (!strings)
		die("memory");
	for (i = 0; i < count - 1; i++) {
		if (i == 1 + head->argc)
			continue; /* NULL ends argv */
		if (at >= end) {
			free(strings);
			return false;
		}
		strings[i] = at;
		at += strlen(at) + 1;
	}
	command->strings = strings;
	command->cwd = strings[0];
	command->argv = strings + 1;
	command->env = command->argv + head->argc + 1;
	return true;
}

static bool open_terminal(struct job *job, struct command *command)
{
	struct winsize size = { .ws_row = command->head.rows, .ws_col = command->head.columns };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave;

	if (master < 0)
		return false;
	job->out[0] = master;
	if (grantpt(master) || unlockpt(master) || ioctl(master, TIOCSWINSZ, &size))
		return false;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	job->in = fcntl(master, F_DUPFD_CLOEXEC, 0);
	for (int i = 0; i < JOB_STREAMS; i++)
		command->child[i] = slave;
	return slave >= 0 && job->in >= 0;
}

/* The agent's ends go to the job; its input and output must not block the agent. */
static bool open_streams(struct job *job, struct command *command)
{
	int pair[2];

	if (command->head.flags & EXEC_TTY)
		return open_terminal(job, command);
	if (command->head.flags & EXEC_NO_INPUT) {
		command->child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} else {
		if (pipe2(pair, O_CLOEXEC))
			return false;
		command->child[0] = pair[0];
		job->in = pair[1];
	}
	for (int i = 0; i < 2; i++) {
		if (pipe2(pair, O_CLOEXEC))
			return false;
		job->out[i] = pair[0];
		command->child[1 + i] = pair[1];
	}
	return command->child[0] >= 0;
}

static void set_nonblocking(struct job *job)
{
	if (job->in >= 0)
		fcntl(job->in, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		if (job->out[i] >= 0)
			fcntl(job->out[i], F_SETFL, O_NONBLOCK);
	}
}

/* Runs in the child. Reports errno to the agent through a pipe that a good exec closes. */
static void __attribute__((noreturn)) exec_command(const struct command *command, int report)
{
	struct sigaction def = { .sa_handler = SIG_DFL };
	sigset_t none;
	int error;

	sigemptyset(&none);
	sigaction(SIGCHLD, &def, NULL);
	sigaction(SIGPIPE, &def, NULL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (command->head.flags & EXEC_TTY)
		ioctl(command->child[0], TIOCSCTTY, 0);
	for (int i = 0; i < JOB_STREAMS; i++)
		dup2(command->child[i], i);
	environ = command->env;
	if (!chdir(command->cwd))
		execvp(command->argv[0], command->argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* 0, or errno when the command could not be executed. */
static int spawn(struct job *job, const struct command *command)
{
	int report[2], error = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return errno;
	pid = fork();
	if (pid < 0) {
		error = errno;
	} else if (pid == 0) {
		exec_command(command, report[1]);
	}
	close(report[1]);
	if (!error && read(report[0], &error, sizeof(error)) > 0)
		waitpid(pid, NULL, 0);
	close(report[0]);
	job->group = pid;
	return error;
}

int run_command(struct job *job, char *payload, size_t length)
{
	struct command command = { .child = { -1, -1, -1 } };
	int error;

	if (!parse_command(payload, length, &command))
		return EBADMSG;
	error = open_streams(job, &command) ? spawn(job, &command) : errno;
	if (command.head.flags & EXEC_TTY)
		command.child[1] = command.child[2] = -1; /* all the same */
	for (int i = 0; i < JOB_STREAMS; i++) {
		if (command.child[i] >= 0)
			close(command.child[i]);
	}
	free(command.strings);
	set_nonblocking(job);
	return error;
}
