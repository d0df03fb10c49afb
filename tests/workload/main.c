// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
#include "workload.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>

struct command {
	const char *name;
	int (*run)(struct ctx *c);
	const char *help;
};

static const struct command commands[] = {
	{ "opens", cmd_opens, "DIR: every kind of open once, in the empty directory DIR" },
	{ "stats", cmd_stats, "DIR: every way to ask about a file, in the empty directory DIR" },
	{ "syncs", cmd_syncs,
	  "DIR: every way to get data to the disk, in the empty directory DIR" },
	{ "files", cmd_files,
	  "routes|identity|300|sizes|tree|aio DIR: reads and writes of files, in directory DIR" },
	{ "execs", cmd_execs, "DIR: every way to become another program, in the empty DIR" },
	{ "names", cmd_names, "DIR: names that mislead: unreachable, cut, of another namespace" },
	{ "mounts", cmd_mounts, "DIR: mounts of every kind, in a namespace of its own" },
	{ "args", cmd_args, "ARGS...: do nothing" },
	{ "can", cmd_can, "ia32: whether such calls work here: \"ia32_refused\" if not" },
	{ "make", cmd_make, "FILE BYTES: write a file of random-looking bytes to the disk" },
	{ "extents", cmd_extents, "FILE: its device, first sector, sectors and pieces" },
	{ "burst", cmd_burst, "N FILE [THREADS [PROCESSES]]: N opens at full speed" },
	{ "tree", cmd_tree, "N M FILE: N children and as many grandchildren, M opens each" },
	{ "tick", cmd_tick, "MS N FILE: an open every MS milliseconds" },
	{ "getppid", cmd_getppid, "N: N calls of getppid" },
	{ "paths", cmd_paths, "N: getppid by N different stacks, 1 to 3 times each" },
	{ "epolls", cmd_epolls, "N: a chain of N epoll descriptors" },
	{ "syscall", cmd_syscall, "NR N: N system calls of that number, without arguments" },
	{ "exit", cmd_exit, "STATUS [FILE]: leave with it (after an open of FILE)" },
	{ "signal", cmd_signal, "N: die by signal N" },
	{ "exec", cmd_exec, "FILE ARGS...: print, then become another program" },
	{ "hold", cmd_hold, "FILE: open it, then stay until SIGTERM" },
	{ "rw", cmd_rw, "CALL[,..] N SIZE FILE [direct] [reopen]: N calls of each kind" },
	{ "async", cmd_async, "KIND OP N DEPTH SIZE FILE [direct] [worker] [bad]: N operations" },
	{ "errors", cmd_errors, "DIR: each call once with each error it can be made to give" },
	{ "ia32", cmd_ia32, "N FILE: N 32-bit reads and writes of 1 byte" },
	{ "pipe", cmd_pipe, "MS N: N pipe reads that wait MS for their byte" },
	{ "movers", cmd_movers, "N FILE: four threads that wait for each other, on all CPUs" },
	{ "steal", cmd_steal, "MS: a pipe read whose descriptor becomes another file meanwhile" },
	{ "restart", cmd_restart, "N: a pipe read interrupted N times with SA_RESTART" },
	{ "eintr", cmd_eintr, "N: a pipe read interrupted N times, retried by the program" },
	{ "kill", cmd_kill, "MS: a child killed in mid-read after MS" },
	{ "exitmid", cmd_exitmid, "MS: a process that exits while a thread of it reads" },
	{ "execthread", cmd_execthread, "MS FILE ARGS...: exec from a second thread" },
	{ "steps", cmd_steps, "[N*]CALL [ARGS], ...: calls on files, one step per word: steps.c" },
	{ "disk", cmd_disk, "FILE [N*]CALL [SIZE [OFFSET [STEP [TURNS]]]], ...: disk.c" },
	{ "spin", cmd_spin, "CPU MS SIZE FILE [SPINNERS]: cached reads beside spinners" },
	{ "refused", cmd_refused, "DIR [kill]: calls that a seccomp filter answers" },
	{ "slept", cmd_slept,
	  "overwrite|restart|eintr|kill|nanosleep FIFO: an open, or a sleep, that waits" },
	{ "oddio", cmd_oddio, "DIR: too many bytes, written through, by bad descriptors" },
	{ "net", cmd_net,
	  "connects|accepts [THREADS N]|burst N|losses [BYTES]: TCP in its own network" },
	{ "busy", cmd_busy, "N MS: N processes that spin for MS on one CPU, and their accounts" },
	{ "life", cmd_life,
	  "SPIN_MS SLEEP_MS N FILE: two threads on a CPU that compute, sleep, read "
	  "and write N times" },
	{ "incident", cmd_incident,
	  "KIND [MS [FILE]]: a program in trouble, mostly by a child of that name: incident.c" },
	{ "renamed", cmd_renamed, "MS: be given another name by a thread, then sleep" },
	{ "sleepers", cmd_sleepers, "N MS: N processes that sleep five times for MS, likewise" },
	{ "oom", cmd_oom, "HOG MAX: a child that holds HOG MiB, then up to MAX MiB beside it" },
	{ "faults", cmd_faults,
	  "FILE PAGES: read so many pages of a cold mapping, and fresh memory" },
	{ "shm", cmd_shm, "each System V shared memory call, once and more" },
	{ "swapped", cmd_swapped, "MIB: use so much memory twice, in a cgroup that has less" },
	{ "reclaim", cmd_reclaim, "FILE MB: read so much of a hole, page by page of the cache" },
	{ "writers", cmd_writers, "make|run DIR: processes that write in every way there is" },
};

static void never_called(int sig)
{
	(void)sig;
}

/*
 * Waits until the tester says go. sigwait is no call that iosonde counts. That SIGUSR1 is caught
 * (SigCgt in /proc/PID/status) tells the tester that it may be sent.
 */
static void wait_for_go(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* Nobody will say go when whoever started this is gone. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, never_called);
	sigwait(&set, &sig);
	prctl(PR_SET_PDEATHSIG, 0);
}

static void enter_cgroup(const char *dir)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
}

static void enter_namespace(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		die("mount namespace");
}

/* Real-time: other programs on the machine can't take the CPU from an experiment about time. */
static void be_first(void)
{
	static const struct sched_param param = { .sched_priority = 10 };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die("SCHED_FIFO");
}

static void usage(void)
{
	fputs("usage: workload [OPTIONS] COMMAND [ARGS]\n"
	      "  --go           start at SIGUSR1\n"
	      "  --times MAX    print the latency of up to MAX calls of each kind\n"
	      "  --delay        print how long this thread waited for a CPU\n"
	      "  --silent       print nothing\n"
	      "  --rt           run before everything that isn't real-time\n"
	      "  --comm NAME, --uid N, --cpu N, --cgroup DIR, --newns: be that, there\n",
	      stderr);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "  %-10s %s\n", commands[i].name, commands[i].help);
	exit(2);
}

static void become(unsigned int uid)
{
	/* By the bare call: the library's wrapper would tell every thread, and there is one. */
	if (syscall(SYS_setresuid, uid, uid, uid))
		die("setresuid");
}

/* A global option without a value; false if it is none. */
static bool global_flag(struct ctx *c, const char *o)
{
	if (!strcmp(o, "--go"))
		c->go = true;
	else if (!strcmp(o, "--silent"))
		c->silent = true;
	else if (!strcmp(o, "--delay"))
		c->delay = true;
	else if (!strcmp(o, "--rt"))
		be_first();
	else if (!strcmp(o, "--newns"))
		enter_namespace();
	else
		return false;
	return true;
}

static bool global_value(struct ctx *c, const char *o, const char *value)
{
	if (!value)
		return false;
	if (!strcmp(o, "--times"))
		c->times_cap = strtoull(value, NULL, 10);
	else if (!strcmp(o, "--comm"))
		prctl(PR_SET_NAME, value);
	else if (!strcmp(o, "--cpu"))
		pin_to(atoi(value));
	else if (!strcmp(o, "--uid"))
		become((unsigned int)strtoul(value, NULL, 10));
	else if (!strcmp(o, "--cgroup"))
		enter_cgroup(value);
	else
		return false;
	return true;
}

static int run(struct ctx *c, const struct command *command)
{
	int64_t before = c->delay ? run_delay_ns(c) : 0;
	int status;

	if (c->go)
		wait_for_go();
	status = command->run(c);
	if (c->delay)
		extra_add(c, "run_delay_ns", run_delay_ns(c) - before);
	if (!c->silent)
		result_print(c);
	return status;
}

int main(int argc, char **argv)
{
	struct ctx c = { 0 };
	int at = 1;

	without_ia32();
	c.sh = map_shared(sizeof(*c.sh));
	for (; at < argc && !strncmp(argv[at], "--", 2); at++) {
		if (global_flag(&c, argv[at]))
			continue;
		if (!global_value(&c, argv[at], argv[at + 1]))
			usage();
		at++;
	}
	if (at >= argc)
		usage();
	c.name = argv[at];
	c.argc = argc - at - 1;
	c.argv = argv + at + 1;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(c.name, commands[i].name))
			return run(&c, &commands[i]);
	}
	usage();
}
