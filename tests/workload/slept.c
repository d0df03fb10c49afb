// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * workload slept WAY FIFO: an open of a FIFO that waits for the other end, while another thread
 *	overwrite	writes over the name that was passed
 *	restart		sends a signal whose handler lets the call go on
 *	eintr		sends one whose handler ends it
 *	kill		kills the process, a child
 * or (nanosleep) a sleep that is stopped and goes on.
 */
#include "workload.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define WAIT_MS 150

static char name[4096], other_end[4096];
static pid_t waits;

static void on_signal(int sig)
{
	(void)sig;
}

static void open_other_end(void)
{
	int fd = (int)SC(SYS_openat, AT_FDCWD, other_end, O_WRONLY);

	if (fd < 0)
		die("the other end");
	sleep_ms(1);
	close(fd);
}

static void *overwrite(void *unused)
{
	(void)unused;
	sleep_ms(WAIT_MS);
	strcpy(name, "/another/name");
	open_other_end();
	return NULL;
}

static void *interrupt(void *unused)
{
	(void)unused;
	sleep_ms(WAIT_MS);
	syscall(SYS_tgkill, getpid(), waits, SIGUSR2);
	sleep_ms(WAIT_MS);
	open_other_end();
	return NULL;
}

static long wait_in_open(struct ctx *c, const char *id)
{
	struct want want = {
		.id = id, .call = "openat", .path = other_end, .flags = -1, .mode = -1
	};
	long ret = SC(SYS_openat, AT_FDCWD, name, O_RDONLY);

	op_record(c, &want, ret);
	return ret;
}

static void run_open(struct ctx *c, void *(*other)(void *))
{
	pthread_t id;

	waits = (pid_t)syscall(SYS_gettid);
	if (pthread_create(&id, NULL, other, NULL))
		die("pthread_create");
	while (wait_in_open(c, c->argv[0]) == -EINTR)
		;
	pthread_join(id, NULL);
}

static void run_killed(struct ctx *c)
{
	pid_t pid = fork();

	if (!pid) {
		wait_in_open(c, "killed");
		_exit(1);
	}
	extra_add(c, "child", pid);
	sleep_ms(WAIT_MS);
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* A child sleeps: its parent stops it meanwhile. It counts what it did itself. */
static void run_nanosleep(struct ctx *c)
{
	struct tally *sleeps = tally_get(c, "nanosleep");
	struct timespec ts = { .tv_nsec = 4 * WAIT_MS * 1000000L };
	pid_t pid = fork();

	if (!pid) {
		TIMED(sleeps, SC(SYS_nanosleep, &ts, NULL));
		_exit(0);
	}
	extra_add(c, "child", pid);
	sleep_ms(WAIT_MS);
	kill(pid, SIGSTOP);
	sleep_ms(WAIT_MS);
	kill(pid, SIGCONT);
	wait_for(pid);
}

int cmd_slept(struct ctx *c)
{
	const char *way = arg_str(c, 0, "");
	struct sigaction sa = { .sa_handler = on_signal };

	strcpy(name, arg_str(c, 1, ""));
	strcpy(other_end, name);
	if (!strcmp(way, "restart"))
		sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &sa, NULL);
	if (!strcmp(way, "overwrite"))
		run_open(c, overwrite);
	else if (!strcmp(way, "kill"))
		run_killed(c);
	else if (!strcmp(way, "nanosleep"))
		run_nanosleep(c);
	else
		run_open(c, interrupt);
	return 0;
}
