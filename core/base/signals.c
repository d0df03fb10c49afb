/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
#include "core/base/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Signals that this process doesn't leave as it finds them. */
static const struct {
	int number;
	void (*ours)(int);
} changed[] = {
	{ SIGCHLD, SIG_DFL },
	{ SIGPIPE, SIG_IGN },
	{ SIGXFSZ, SIG_IGN },
};

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static const int asking[] = { SIGUSR1, SIGUSR2, SIGCHLD };

static struct {
	struct sigaction action[COUNT_OF(changed)];
	sigset_t mask;
	bool closed[3];
	bool ignored_hup, ignored_quit;
} found;

static bool is_ignored(int number)
{
	struct sigaction a;

	return !sigaction(number, NULL, &a) && a.sa_handler == SIG_IGN;
}

/* Nothing can be read from it or written to it, and exec closes it: as good as closed. */
static void keep_out(int fd)
{
	if (fcntl(fd, F_GETFD) >= 0)
		return;
	found.closed[fd] = open("/", O_PATH | O_CLOEXEC) == fd; /* the lowest that is free */
}

void process_begin(void)
{
	for (int fd = 0; fd < 3; fd++)
		keep_out(fd);
	sigprocmask(SIG_BLOCK, NULL, &found.mask);
	found.ignored_hup = is_ignored(SIGHUP);
	found.ignored_quit = is_ignored(SIGQUIT);
	for (size_t i = 0; i < COUNT_OF(changed); i++) {
		struct sigaction ours = { .sa_handler = changed[i].ours };

		sigaction(changed[i].number, &ours, &found.action[i]);
	}
}

bool began_closed(int fd)
{
	return fd >= 0 && fd < 3 && found.closed[fd];
}

static void run_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < COUNT_OF(ending); i++)
		sigaddset(set, ending[i]);
	for (size_t i = 0; i < COUNT_OF(asking); i++)
		sigaddset(set, asking[i]);
	if (found.ignored_hup)
		sigdelset(set, SIGHUP);
	if (found.ignored_quit)
		sigdelset(set, SIGQUIT);
}

void signals_block(void)
{
	sigset_t set;

	run_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int signals_open(void)
{
	sigset_t set;

	run_set(&set);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_wait(void)
{
	sigset_t set;
	int number;

	run_set(&set);
	do {
		number = sigwaitinfo(&set, NULL);
	} while (number < 0);
	return number;
}

bool signal_ends(int number)
{
	for (size_t i = 0; i < COUNT_OF(ending); i++)
		if (ending[i] == number)
			return true;
	return false;
}

void signals_give_back(void)
{
	for (size_t i = 0; i < COUNT_OF(changed); i++)
		sigaction(changed[i].number, &found.action[i], NULL);
	sigprocmask(SIG_SETMASK, &found.mask, NULL);
}
