// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Known numbers of opens, by threads and trees of processes, and ways to end. */
#include "workload.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

struct burst {
	struct tally *tally;
	const char *path;
	long count;
};

/* Not timed one by one: this is about how many the tracer can take in. */
static void *burst_run(void *arg)
{
	struct burst *b = arg;
	long ok = 0;

	for (long i = 0; i < b->count; i++) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, b->path, O_RDONLY | O_CLOEXEC, 0);

		if (fd < 0) {
			tally_add(b->tally, -errno, 0);
			continue;
		}
		ok++;
		syscall(SYS_close, fd);
	}
	b->tally->calls += (uint64_t)ok;
	return NULL;
}

static void burst_threads(const struct burst *all, long threads)
{
	pthread_t *id = calloc((size_t)threads, sizeof(*id));
	struct burst *part = calloc((size_t)threads, sizeof(*part));

	if (!id || !part)
		die("calloc");
	for (long i = 0; i < threads; i++) {
		part[i] = *all;
		part[i].count = all->count / threads + (i < all->count % threads);
		if (pthread_create(&id[i], NULL, burst_run, &part[i]))
			die("pthread_create");
	}
	for (long i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	free(id);
	free(part);
}

int cmd_burst(struct ctx *c)
{
	long count = arg_num(c, 0, 1000), threads = arg_num(c, 2, 1), procs = arg_num(c, 3, 1);
	struct burst all = { .tally = tally_get(c, "openat"), .path = arg_str(c, 1, NULL) };
	uint64_t start = now_ns();

	for (long p = 0; p < procs; p++) {
		all.count = count / procs + (p < count % procs);
		if (p + 1 < procs) {
			if (fork())
				continue;
			burst_threads(&all, threads);
			_exit(0);
		}
		if (threads > 1)
			burst_threads(&all, threads);
		else
			burst_run(&all);
	}
	while (wait(NULL) > 0)
		;
	extra_add(c, "elapsed_ns", (int64_t)(now_ns() - start));
	return 0;
}

int cmd_tree(struct ctx *c)
{
	long children = arg_num(c, 0, 4);
	struct burst b = { .tally = tally_get(c, "openat"),
			   .path = arg_str(c, 2, NULL),
			   .count = arg_num(c, 1, 10) };

	for (long i = 0; i < children; i++) {
		if (fork())
			continue;
		/* The grandchild is orphaned half of the time: it must stay a member. */
		if (fork() && i % 2)
			_exit(0);
		burst_run(&b);
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	/* Orphans have no parent to wait for them: their work is in shared memory. */
	for (int i = 0; i < 5000 && b.tally->calls + b.tally->errors <
					    (uint64_t)((2 * children - children / 2) * b.count);
	     i++)
		sleep_ms(1);
	return 0;
}

int cmd_tick(struct ctx *c)
{
	long ms = arg_num(c, 0, 100), count = arg_num(c, 1, 10);
	struct burst b = { .tally = tally_get(c, "openat"),
			   .path = arg_str(c, 2, NULL),
			   .count = 1 };

	for (long i = 0; i < count; i++) {
		burst_run(&b);
		sleep_ms((uint64_t)ms);
	}
	return 0;
}

int cmd_getppid(struct ctx *c)
{
	struct tally *t = tally_get(c, "getppid");
	long count = arg_num(c, 0, 1000);
	uint64_t start = now_ns();

	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
	t->total_ns = now_ns() - start;
	t->calls = (uint64_t)count;
	return 0;
}

int cmd_syscall(struct ctx *c)
{
	struct tally *t = tally_get(c, "syscall");

	for (long i = 0; i < arg_num(c, 1, 1); i++)
		tally_add(t, SC(arg_num(c, 0, 0), 0L, 0L, 0L, 0L, 0L, 0L), 0);
	return 0;
}

int cmd_exit(struct ctx *c)
{
	if (c->argc > 1) {
		struct burst b = { .tally = tally_get(c, "openat"),
				   .path = arg_str(c, 1, NULL),
				   .count = 1 };

		burst_run(&b);
	}
	c->silent = true;
	return (int)arg_num(c, 0, 0);
}

int cmd_signal(struct ctx *c)
{
	static const struct rlimit none = { 0, 0 };
	int sig = (int)arg_num(c, 0, SIGTERM);

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	kill(getpid(), sig);
	sleep_ms(1000);
	return 97;
}

int cmd_exec(struct ctx *c)
{
	if (c->argc < 1)
		die("exec what");
	result_print(c);
	execv(c->argv[0], c->argv);
	die(c->argv[0]);
}

int cmd_hold(struct ctx *c)
{
	struct burst b = { .tally = tally_get(c, "openat"),
			   .path = arg_str(c, 0, NULL),
			   .count = 1 };
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	burst_run(&b);
	sigwait(&set, &sig);
	return 0;
}
