// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Programs in trouble: by another process, a child that is called by its part, or of their own
 * making. */
#include "incident.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PIPE_BYTES 65536

static uint64_t until(uint64_t ms)
{
	return now_ns() + ms * 1000000;
}

uint64_t incident_end(const struct incident *i)
{
	return until(i->ms);
}

/* --- somebody else has the CPU --- */

static void spin_for(uint64_t ms)
{
	uint64_t end = until(ms);

	while (now_ns() < end)
		;
}

static void spin(struct incident *i)
{
	spin_for(i->ms);
}

/* Before everything that isn't real-time, but for a twentieth. */
static void hog(struct incident *i)
{
	static const struct sched_param param = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
	for (*i->ready = 1;; sleep_ms(5))
		spin_for(95);
}

/* --- a pipe whose other end is slow --- */

static void write_slowly(struct incident *i)
{
	for (*i->ready = 1;; sleep_ms(50))
		if (write(i->pipe[1], "b", 1) != 1)
			_exit(1);
}

static void read_bytes(struct incident *i)
{
	uint64_t end = incident_end(i);
	char byte;

	while (now_ns() < end)
		if (read(i->pipe[0], &byte, 1) != 1)
			die("read");
}

static void read_slowly(struct incident *i)
{
	static char buffer[PIPE_BYTES];

	for (*i->ready = 1;; sleep_ms(50))
		if (read(i->pipe[0], buffer, sizeof(buffer)) < 0)
			_exit(1);
}

static void fill(struct incident *i)
{
	static char buffer[PIPE_BYTES];
	uint64_t end = incident_end(i);

	while (now_ns() < end)
		if (write(i->pipe[1], buffer, sizeof(buffer)) < 0)
			die("write");
}

/* --- an inode's lock ---
 *
 * Both are on one CPU: a waiter doesn't spin for an owner that isn't running.
 */

#define LONG_WRITE (32u << 20)

static void hold(struct incident *i)
{
	char *buffer = calloc(1, LONG_WRITE);
	int fd = open(i->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || !buffer)
		_exit(1);
	for (*i->ready = 1;;)
		if (pwrite(fd, buffer, LONG_WRITE, 0) < 0)
			_exit(1);
}

static void append(struct incident *i)
{
	int fd = open(i->path, O_WRONLY | O_CLOEXEC);
	uint64_t end = incident_end(i);

	if (fd < 0)
		die(i->path);
	while (now_ns() < end)
		if (pwrite(fd, "b", 1, 0) != 1)
			die("pwrite");
}

static const struct incident incidents[] = {
	{ "hog", hog, spin },
	{ "writer", write_slowly, read_bytes },
	{ "reader", read_slowly, fill },
	{ "holder", hold, append },
	{ "noise", make_noise, suffer_noise, .apart = true },
	{ "changer", make_commits, suffer_commits },
	{ "commits", NULL, suffer_commits },
	{ "server", make_fuse, suffer_fuse },
	{ "mapping", NULL, suffer_cold_mapping, prepare_cold_file },
	{ "stats", NULL, suffer_failing_stats },
	{ "lookups", NULL, suffer_lookups, prepare_directory },
	{ "listing", NULL, suffer_listing, prepare_directory },
	{ "descriptors", NULL, suffer_no_descriptors },
	{ "bytes", NULL, suffer_one_byte_reads },
	{ "files", NULL, suffer_temporary_files },
	{ "forks", NULL, suffer_forks },
	{ "dirty", NULL, suffer_throttling },
	{ "memory", NULL, suffer_memory_limit },
};

/* Since when the child ran, by the kernel's account. */
static int64_t run_ns(pid_t pid)
{
	int64_t ns = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%" SCNd64, &ns) != 1)
		die(path);
	fclose(f);
	return ns;
}

static pid_t start_culprit(struct incident *i)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		static const struct sched_param plain;

		if (!i->apart) /* after the one that it troubles */
			sched_setscheduler(0, SCHED_OTHER, &plain);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, i->name);
		i->make(i);
		_exit(1);
	}
	while (!*i->ready && !waitpid(pid, NULL, WNOHANG))
		sleep_ms(1);
	if (!*i->ready)
		die(i->name);
	return pid;
}

static void meet(struct ctx *c, struct incident *i)
{
	struct rusage before, after;
	pid_t pid = 0;

	i->ready = map_shared(sizeof(*i->ready));
	if (pipe(i->pipe))
		die("pipe");
	if (!i->apart)
		pin_to(0);
	if (i->prepare)
		i->prepare(i);
	if (i->make)
		pid = start_culprit(i);
	getrusage(RUSAGE_SELF, &before);
	i->suffer(i);
	getrusage(RUSAGE_SELF, &after);
	extra_add(c, "majflt", after.ru_majflt - before.ru_majflt);
	if (!pid)
		return;
	extra_add(c, "culprit", pid);
	extra_add(c, "run_ns", run_ns(pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int cmd_incident(struct ctx *c)
{
	for (size_t k = 0; k < ARRAY_SIZE(incidents); k++) {
		struct incident i = incidents[k];

		if (strcmp(i.name, arg_str(c, 0, "")) != 0)
			continue;
		i.ms = (uint64_t)arg_num(c, 1, 500);
		i.path = arg_str(c, 2, "");
		meet(c, &i);
		return 0;
	}
	return 2;
}

/* --- who is no target any more --- */

struct rename {
	pid_t tid;
	_Atomic int done;
};

/* On the other's CPU, so that it is switched out meanwhile. */
static void *rename_other(void *arg)
{
	struct rename *r = arg;
	uint64_t end;
	char path[64];
	FILE *f;

	prctl(PR_SET_NAME, "second");
	end = until(60);
	while (now_ns() < end)
		;
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", r->tid);
	f = fopen(path, "we");
	if (!f || fputs("renamed", f) < 0 || fclose(f))
		die(path);
	r->done = 1;
	return NULL;
}

/* Is called something else when it enters the call in which it sleeps. */
int cmd_renamed(struct ctx *c)
{
	struct rename r = { .tid = (pid_t)syscall(SYS_gettid) };
	pthread_t thread;

	pin_to(0);
	if (pthread_create(&thread, NULL, rename_other, &r))
		die("pthread_create");
	while (!r.done)
		;
	sleep_ms((uint64_t)arg_num(c, 0, 400));
	pthread_join(thread, NULL);
	return 0;
}
