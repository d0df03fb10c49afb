// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Processes that compete for one CPU or sleep, each with the kernel's own account of it. */
#include "workload.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define MAX_BUSY 64

struct account {
	int pid;
	uint64_t run_ns, delay_ns, arrivals; /* /proc/self/schedstat */
	long voluntary, involuntary;	     /* switches: getrusage(2) */
};

static void read_account(struct account *a)
{
	FILE *file = fopen("/proc/self/schedstat", "r");
	struct rusage usage;

	a->pid = getpid();
	if (!file || fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &a->run_ns, &a->delay_ns,
			    &a->arrivals) != 3)
		die("/proc/self/schedstat");
	getrusage(RUSAGE_SELF, &usage);
	a->voluntary = usage.ru_nvcsw;
	a->involuntary = usage.ru_nivcsw;
}

/* Nearly all of it in this very function, without a call. */
static void spin(uint64_t ms)
{
	uint64_t end = now_ns() + ms * 1000000;
	volatile uint32_t turns = 0;

	while (now_ns() < end)
		for (int i = 0; i < 5000; i++)
			turns = turns + 1;
}

/* N children on one CPU: @work(@ms) in each, then their accounts, a line each. */
static int compete(struct ctx *c, long n, void (*work)(uint64_t), uint64_t ms)
{
	struct account *accounts = map_shared(MAX_BUSY * sizeof(*accounts));

	for (long i = 0; i < n && i < MAX_BUSY; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		pin_to(0);
		work(ms);
		read_account(&accounts[i]);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	for (long i = 0; i < n && i < MAX_BUSY; i++) {
		const struct account *a = &accounts[i];

		printf("{\"workload\":\"account\",\"pid\":%d,\"run_ns\":%" PRIu64
		       ",\"delay_ns\":%" PRIu64 ",\"arrivals\":%" PRIu64
		       ",\"voluntary\":%ld,\"involuntary\":%ld}\n",
		       a->pid, a->run_ns, a->delay_ns, a->arrivals, a->voluntary, a->involuntary);
	}
	fflush(stdout);
	c->silent = true;
	return 0;
}

int cmd_busy(struct ctx *c)
{
	return compete(c, arg_num(c, 0, 2), spin, arg_num(c, 1, 1000));
}

static void sleep_five_times(uint64_t ms)
{
	for (int i = 0; i < 5; i++)
		sleep_ms(ms);
}

int cmd_sleepers(struct ctx *c)
{
	return compete(c, arg_num(c, 0, 1), sleep_five_times, arg_num(c, 1, 100));
}
