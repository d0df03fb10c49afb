// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Programs that need more memory than their cgroup may have, and know what came of it. */
#include "workload.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define MIB  (1L << 20)
#define PAGE 4096

/* So many bytes of memory that is really there. */
static void take(long bytes)
{
	char *at = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (at == MAP_FAILED)
		die("mmap");
	madvise(at, (size_t)bytes, MADV_NOHUGEPAGE);
	for (long i = 0; i < bytes; i += PAGE)
		at[i] = 1;
}

/* 1000 is the first to be killed, -1000 never is: a cgroup's killer needs no other reason. */
static int set_adj(const char *adj)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t n = write(fd, adj, strlen(adj));

	close(fd);
	return n < 0 ? -1 : 0;
}

static pid_t start_hog(long bytes, _Atomic int *ready)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (set_adj("1000"))
		die("oom_score_adj");
	take(bytes);
	*ready = 1;
	for (;;)
		pause();
}

/*
 * A child has most of what there is, the parent wants more: the kernel kills the child. What it
 * held, who it was and how it ended is known. MAX alone is less than the limit, or the parent would
 * be next.
 */
int cmd_oom(struct ctx *c)
{
	_Atomic int *ready = map_shared(sizeof(*ready));
	long hog = arg_num(c, 0, 24), max = arg_num(c, 1, 40), taken = 0;
	pid_t pid = start_hog(hog * MIB, ready);
	int status = 0;

	/* refused here and there; it matters where the child is too slow to go, as on an emulated
	 * CPU */
	set_adj("-1000");
	while (!*ready && !waitpid(pid, &status, WNOHANG))
		sleep_ms(1);
	while (!waitpid(pid, &status, WNOHANG) && taken++ < max)
		take(MIB);
	printf("{\"workload\":\"oom\",\"trigger\":%d,\"victim\":%d,\"signal\":%d,"
	       "\"hog_pages\":%ld,\"taken\":%ld}\n",
	       getpid(), pid, WIFSIGNALED(status) ? WTERMSIG(status) : 0, hog * MIB / PAGE, taken);
	fflush(stdout);
	kill(pid, SIGKILL);
	c->silent = true;
	return 0;
}

/* Fills the page cache of a cgroup with more than it may have, without a disk. */
int cmd_reclaim(struct ctx *c)
{
	int fd = open(arg_str(c, 0, ""), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	long bytes = arg_num(c, 1, 64) * MIB;
	static char buffer[65536];

	if (fd < 0 || ftruncate(fd, bytes))
		die("a file with a hole");
	for (long at = 0; at < bytes; at += (long)sizeof(buffer))
		if (pread(fd, buffer, sizeof(buffer), at) != (long)sizeof(buffer))
			die("pread");
	printf("{\"workload\":\"reclaim\",\"pid\":%d,\"pages\":%ld}\n", getpid(), bytes / PAGE);
	fflush(stdout);
	c->silent = true;
	return 0;
}
