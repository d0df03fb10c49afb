// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Two threads on one CPU that compute, sleep, read and write, with the kernel's own account of
 * both. */
#include "workload.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct account {
	int64_t run_ns, delay_ns; /* /proc/thread-self/schedstat */
};

struct life {
	uint64_t spin_ms, sleep_ms;
	long times;
	int fd;
	struct account end; /* of the second thread */
	uint64_t slept_ns;
};

static void read_account(struct account *a)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "r");

	if (!file || fscanf(file, "%" SCNd64 " %" SCNd64, &a->run_ns, &a->delay_ns) != 2)
		die("/proc/thread-self/schedstat");
	fclose(file);
}

static void live(struct life *l)
{
	uint64_t end = now_ns() + l->spin_ms * 1000000, from;
	char byte = 'x';

	while (now_ns() < end)
		;
	from = now_ns();
	sleep_ms(l->sleep_ms);
	__atomic_fetch_add(&l->slept_ns, now_ns() - from, __ATOMIC_RELAXED);
	for (long i = 0; i < l->times; i++) {
		if (pwrite(l->fd, &byte, 1, i) != 1 || pread(l->fd, &byte, 1, i) != 1)
			die("life");
	}
}

static void *second(void *arg)
{
	struct life *l = arg;

	live(l);
	read_account(&l->end);
	return NULL;
}

int cmd_life(struct ctx *c)
{
	struct life l = {
		.spin_ms = (uint64_t)arg_num(c, 0, 200),
		.sleep_ms = (uint64_t)arg_num(c, 1, 100),
		.times = arg_num(c, 2, 1000),
		.fd = open(arg_str(c, 3, NULL), O_RDWR | O_CREAT | O_CLOEXEC, 0600),
	};
	struct account first, last;
	pthread_t thread;
	uint64_t wall;

	if (l.fd < 0)
		die("life");
	pin_to(0);
	read_account(&first);
	wall = now_ns();
	if (pthread_create(&thread, NULL, second, &l))
		die("pthread_create");
	live(&l);
	pthread_join(thread, NULL);
	wall = now_ns() - wall;
	read_account(&last);
	extra_add(c, "wall_ns", (int64_t)wall);
	extra_add(c, "slept_ns", (int64_t)l.slept_ns);
	/* from the first look on, and all that the kernel knows of them */
	extra_add(c, "run_ns", last.run_ns - first.run_ns + l.end.run_ns);
	extra_add(c, "run_ever_ns", last.run_ns + l.end.run_ns);
	extra_add(c, "delay_ns", last.delay_ns - first.delay_ns + l.end.delay_ns);
	extra_add(c, "delay_ever_ns", last.delay_ns + l.end.delay_ns);
	return 0;
}
