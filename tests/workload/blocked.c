// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Calls that wait: for a byte, for a CPU, through signals, and until their thread is gone. */
#include "workload.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static void make_pipe(int fds[2])
{
	if (pipe(fds))
		die("pipe");
}

struct feeder {
	struct tally *writes;
	int fd;
	uint64_t ms;
	long count;
	pid_t target; /* a thread to signal before the byte is sent; 0: none */
	long signals;
};

/* A byte after each stretch; signals, if any, at equal distances before it. */
static void *feed(void *arg)
{
	struct feeder *f = arg;

	for (long i = 0; i < f->count; i++) {
		sleep_ms(f->ms);
		for (long s = 0; s < f->signals; s++) {
			syscall(SYS_tgkill, getpid(), f->target, SIGUSR2);
			sleep_ms(f->ms);
		}
		TIMED(f->writes, SC(SYS_write, f->fd, "b", 1));
	}
	return NULL;
}

int cmd_pipe(struct ctx *c)
{
	struct tally *reads = tally_get(c, "read");
	struct feeder f = { .writes = tally_get(c, "write"),
			    .ms = (uint64_t)arg_num(c, 0, 200),
			    .count = arg_num(c, 1, 5) };
	pthread_t id;
	int fds[2];
	char byte;

	make_pipe(fds);
	f.fd = fds[1];
	if (pthread_create(&id, NULL, feed, &f))
		die("pthread_create");
	for (long i = 0; i < f.count; i++)
		TIMED(reads, SC(SYS_read, fds[0], &byte, 1));
	pthread_join(id, NULL);
	return 0;
}

#define MOVERS 4

struct mover {
	struct tally *reads, *preads, *writes, *opens;
	int file, in, out, cpus;
	long rounds;
};

/*
 * Calls that wait and calls that don't by turns, on a CPU after the other. Each thread passes a
 * byte on and waits for one, so that they leave and take the CPUs in all orders.
 */
static void *move(void *arg)
{
	struct mover *m = arg;
	char buf[64];

	for (long i = 0; i < m->rounds; i++) {
		pin_to((int)(i % m->cpus));
		TIMED(m->preads, SC(SYS_pread64, m->file, buf, sizeof(buf), 0));
		TIMED(m->writes, SC(SYS_write, m->out, "b", 1));
		TIMED(m->opens, SC(SYS_openat, -1, "missing", O_RDONLY, 0));
		TIMED(m->reads, SC(SYS_read, m->in, buf, 1));
	}
	return NULL;
}

int cmd_movers(struct ctx *c)
{
	struct tally *opens = tally_get(c, "openat");
	int file = (int)TIMED(opens, SC(SYS_openat, -1, arg_str(c, 1, ""), O_RDONLY, 0));
	struct mover m[MOVERS];
	pthread_t id[MOVERS];
	int fds[MOVERS][2];
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity");
	for (int i = 0; i < MOVERS; i++)
		make_pipe(fds[i]);
	for (int i = 0; i < MOVERS; i++)
		m[i] = (struct mover){ .reads = tally_get(c, "read"),
				       .preads = tally_get(c, "pread"),
				       .writes = tally_get(c, "write"),
				       .opens = opens,
				       .file = file,
				       .in = fds[i][0],
				       .out = fds[(i + 1) % MOVERS][1],
				       .cpus = CPU_COUNT(&set),
				       .rounds = arg_num(c, 0, 100) };
	for (int i = 0; i < MOVERS; i++)
		if (pthread_create(&id[i], NULL, move, &m[i]))
			die("pthread_create");
	for (int i = 0; i < MOVERS; i++)
		pthread_join(id[i], NULL);
	return 0;
}

/* Gives the descriptor that the other thread reads from to /dev/null, and then ends the read. */
static void *steal(void *arg)
{
	struct feeder *f = arg;
	int null = open("/dev/null", O_RDONLY);

	sleep_ms(f->ms);
	if (dup2(null, (int)f->target) < 0)
		die("dup2");
	TIMED(f->writes, SC(SYS_write, f->fd, "b", 1));
	return NULL;
}

int cmd_steal(struct ctx *c)
{
	struct tally *reads = tally_get(c, "read");
	struct feeder f = { .writes = tally_get(c, "write"), .ms = (uint64_t)arg_num(c, 0, 50) };
	pthread_t id;
	int fds[2];
	char byte;

	make_pipe(fds);
	f.fd = fds[1];
	f.target = fds[0];
	if (pthread_create(&id, NULL, steal, &f))
		die("pthread_create");
	TIMED(reads, SC(SYS_read, fds[0], &byte, 1));
	pthread_join(id, NULL);
	return 0;
}

static _Atomic int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static int interrupted(struct ctx *c, int sa_flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = sa_flags };
	struct tally *reads = tally_get(c, "read");
	struct feeder f = { .writes = tally_get(c, "write"),
			    .ms = 30,
			    .count = 1,
			    .target = (pid_t)syscall(SYS_gettid),
			    .signals = arg_num(c, 0, 3) };
	pthread_t id;
	int fds[2];
	char byte;

	sigaction(SIGUSR2, &sa, NULL);
	make_pipe(fds);
	f.fd = fds[1];
	if (pthread_create(&id, NULL, feed, &f))
		die("pthread_create");
	while (TIMED(reads, SC(SYS_read, fds[0], &byte, 1)) == -EINTR)
		;
	pthread_join(id, NULL);
	extra_add(c, "handled", handled);
	return 0;
}

int cmd_restart(struct ctx *c)
{
	return interrupted(c, SA_RESTART);
}

int cmd_eintr(struct ctx *c)
{
	return interrupted(c, 0);
}

/* The call that never returns is counted here before it starts: nobody can afterwards. */
static void read_for_ever(struct tally *reads, int fd)
{
	char byte;

	reads->calls++;
	syscall(SYS_read, fd, &byte, 1);
	_exit(95);
}

/* Sleeps for @ms from when somebody is about to do so: on a busy machine that comes late. */
static void sleep_while_read(struct tally *reads, uint64_t ms)
{
	while (!reads->calls)
		sleep_ms(1);
	sleep_ms(ms);
}

int cmd_kill(struct ctx *c)
{
	struct tally *reads = tally_get(c, "read");
	uint64_t start;
	pid_t pid;
	int fds[2];

	make_pipe(fds);
	start = now_ns();
	pid = fork();
	if (!pid)
		read_for_ever(reads, fds[0]);
	sleep_while_read(reads, (uint64_t)arg_num(c, 0, 100));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	extra_add(c, "child", pid);
	extra_add(c, "elapsed_ns", (int64_t)(now_ns() - start));
	return 0;
}

struct reader {
	struct tally *reads;
	int fd;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;

	read_for_ever(r->reads, r->fd);
	return NULL;
}

int cmd_exitmid(struct ctx *c)
{
	struct reader r = { .reads = tally_get(c, "read") };
	uint64_t start = now_ns();
	pthread_t id;
	pid_t pid;
	int fds[2];

	make_pipe(fds);
	r.fd = fds[0];
	pid = fork();
	if (!pid) {
		if (pthread_create(&id, NULL, reader_run, &r))
			die("pthread_create");
		sleep_while_read(r.reads, (uint64_t)arg_num(c, 0, 100));
		_exit(0);
	}
	wait_for(pid);
	extra_add(c, "child", pid);
	extra_add(c, "elapsed_ns", (int64_t)(now_ns() - start));
	return 0;
}

static void *exec_run(void *arg)
{
	struct ctx *c = arg;

	sleep_while_read(tally_get(c, "read"), (uint64_t)arg_num(c, 0, 50));
	/* The main thread is in its read by now; exec ends it there. */
	result_print(c);
	execv(c->argv[1], c->argv + 1);
	die(c->argv[1]);
}

int cmd_execthread(struct ctx *c)
{
	struct tally *reads = tally_get(c, "read");
	pthread_t id;
	int fds[2];

	if (c->argc < 2)
		die("exec what");
	make_pipe(fds);
	if (pthread_create(&id, NULL, exec_run, c))
		die("pthread_create");
	read_for_ever(reads, fds[0]);
	return 94;
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static pid_t spinner(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;)
		__asm__ volatile("");
}

/* Reads from the cache for a while on one CPU, with spinners on the same one. */
int cmd_spin(struct ctx *c)
{
	uint64_t ms = (uint64_t)arg_num(c, 1, 1000), end, wall, cpu;
	size_t size = (size_t)arg_num(c, 2, 1 << 20);
	long spinners = arg_num(c, 4, 2);
	int64_t delay;
	struct tally *opens = tally_get(c, "openat"), *reads = tally_get(c, "pread");
	long fd = TIMED(opens, SC(SYS_openat, AT_FDCWD, arg_str(c, 3, NULL), O_RDONLY));
	char *buf = malloc(size);
	pid_t pid[16];

	/* Real-time spinners would never let anybody else run. */
	if (fd < 0 || !buf || spinners > 16 || sched_getscheduler(0) != SCHED_OTHER)
		die("spin");
	opens->bytes = 0;
	memset(buf, 1, size);
	pin_to((int)arg_num(c, 0, 0));
	for (long i = 0; i < spinners; i++)
		pid[i] = spinner();
	delay = run_delay_ns(c);
	wall = now_ns();
	end = wall + ms * 1000000;
	cpu = thread_cpu_ns();
	while (now_ns() < end)
		TIMED(reads, SC(SYS_pread64, fd, buf, size, 0L));
	extra_add(c, "cpu_ns", (int64_t)(thread_cpu_ns() - cpu));
	extra_add(c, "wall_ns", (int64_t)(now_ns() - wall));
	extra_add(c, "run_delay_ns", run_delay_ns(c) - delay);
	for (long i = 0; i < spinners; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	return 0;
}
