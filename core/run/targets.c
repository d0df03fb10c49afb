/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who -p, -t and -- CMD mean. A number may be somebody else's before the run begins, or during it:
 * a pidfd stays with its process, and programs see when a number is given away.
 */
#include "core/run/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/run/target.h"

#define STATES	   ((size_t)TARGET_PAGE * TARGET_PAGES)
#define THREADS_NS 100000000ULL

bool targets_open(struct run *run)
{
	for (uint32_t i = 0; i < run->plan.opts.pids.n; i++) {
		run->watch.pidfds[i] = (int)syscall(SYS_pidfd_open, run->plan.opts.pids.id[i], 0);
		if (run->watch.pidfds[i] < 0 && errno != ESRCH) {
			log_error("cannot watch process %u: %m", run->plan.opts.pids.id[i]);
			return false;
		}
	}
	for (uint32_t i = 0; i < run->plan.opts.tids.n; i++)
		run->watch.tgids[i] = target_tgid(run->plan.opts.tids.id[i]);
	return true;
}

bool targets_mark(void *run_)
{
	struct run *run = run_;
	bool programs = !run->plan.tool->feed;
	void *at;

	targets_close(run);
	if (!(run->plan.target.flags & (TARGET_PID | TARGET_TID)))
		return true;
	at = mmap(NULL, STATES, PROT_READ | PROT_WRITE,
		  programs ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		  programs ? loaded_map(run->source.loaded, "target_tgids") : -1, 0);
	if (at == MAP_FAILED) {
		log_error("cannot set the targets: %s", strerror(errno));
		return false;
	}
	run->watch.states = at;
	if (run->watch.forked)
		run->watch.states[(uint32_t)run->watch.child.pid % STATES] = TARGET_HELD;
	for (uint32_t i = 0; i < run->plan.opts.pids.n; i++)
		run->watch.states[run->plan.opts.pids.id[i] % STATES] =
			run->plan.opts.children ? TARGET_LIVE : TARGET_FIXED;
	for (uint32_t i = 0; i < run->plan.opts.tids.n; i++)
		run->watch.states[run->plan.opts.tids.id[i] % STATES] |= TARGET_NAMED;
	return true;
}

/* The parent of process @pid, 0 where it is gone; and in clock ticks when it began. */
static uint32_t parent_of(uint32_t pid, unsigned long long *began)
{
	char path[64], line[1024];
	unsigned parent = 0;
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (f) {
		n = fread(line, 1, sizeof(line) - 1, f);
		fclose(f);
	}
	line[n] = '\0';
	/* the name is in parentheses, and may hold some; proc_pid_stat(5) numbers what follows */
	if (!strrchr(line, ')') || sscanf(strrchr(line, ')') + 1,
					  " %*c %u %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d "
					  "%*d %*d %*d %*d %*d %llu",
					  &parent, began) != 2)
		return 0;
	return parent;
}

/* Process @pid joins if its parent is a member. True: it did. */
static bool adopt(struct run *run, uint32_t pid)
{
	volatile uint8_t *state = &run->watch.states[pid % STATES];
	unsigned long long began, again;
	uint32_t parent;

	if ((*state & TARGET_STATE) == TARGET_LIVE)
		return false;
	parent = parent_of(pid, &began);
	if (!parent || (run->watch.states[parent % STATES] & TARGET_STATE) != TARGET_LIVE)
		return false;
	*state |= TARGET_LIVE;
	/* the number may have been given to somebody else meanwhile */
	if (parent_of(pid, &again) && again == began)
		return true;
	*state &= (uint8_t)~TARGET_STATE;
	return false;
}

/* Whoever is made from now on is added by the programs: looks again until nobody is found. */
#define LOOKS 100

static bool adopt_all(struct run *run)
{
	bool found = true;

	for (int i = 0; i < LOOKS && found; i++) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		if (!proc) {
			log_error("cannot look for children in /proc: %m");
			return false;
		}
		found = false;
		while ((entry = readdir(proc))) {
			uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);

			found |= pid && adopt(run, pid);
		}
		closedir(proc);
	}
	return true;
}

/* How many processes thread @tid of @pid has started that are there, but for this one. */
static uint32_t children_of(uint32_t pid, const char *tid)
{
	uint32_t n = 0;
	char path[320];
	unsigned child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/task/%s/children", pid, tid);
	f = fopen(path, "re"); /* not there where the kernel was built without */
	while (f && fscanf(f, "%u", &child) == 1)
		n += child != (unsigned)getpid();
	if (f)
		fclose(f);
	return n;
}

/* Counts those that are there already; the programs count on. */
static void count_children(struct run *run, uint32_t pid)
{
	struct dirent *entry;
	char path[64];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (*entry->d_name != '.')
			__sync_fetch_and_add(run->source.loaded->target_children,
					     children_of(pid, entry->d_name));
	if (tasks)
		closedir(tasks);
}

bool targets_adopt(struct run *run)
{
	if (run->plan.opts.children)
		return adopt_all(run);
	for (uint32_t i = 0; i < run->plan.opts.pids.n && run->source.loaded->target_children; i++)
		count_children(run, run->plan.opts.pids.id[i]);
	return true;
}

bool run_targets(const struct run *run, uint32_t pid, uint32_t tid)
{
	return run->watch.states && (run->watch.states[pid % STATES] & TARGET_STATE ||
				     run->watch.states[tid % STATES] & TARGET_NAMED);
}

/* The threads of @pid, until no new ones are found. */
static bool follow_process(struct run *run, uint32_t pid)
{
	const struct feed *feed = run->plan.tool->feed;
	struct dirent *entry;
	char path[64];
	DIR *tasks;
	bool ok = true;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	for (int i = 0; i < LOOKS; i++) {
		uint32_t n = 0;

		tasks = opendir(path);
		while (ok && tasks && (entry = readdir(tasks)))
			if (*entry->d_name != '.')
				ok = feed->follow(run, (uint32_t)atoi(entry->d_name), &n);
		if (tasks)
			closedir(tasks);
		if (!ok || !n)
			return ok;
	}
	return true;
}

static bool follow_children(struct run *run)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool ok = true;

	while (ok && proc && (entry = readdir(proc))) {
		uint32_t pid = (uint32_t)strtoul(entry->d_name, NULL, 10);

		if (pid && run_targets(run, pid, 0))
			ok = follow_process(run, pid);
	}
	if (proc)
		closedir(proc);
	return ok;
}

bool targets_follow(struct run *run)
{
	const struct common_opts *opts = &run->plan.opts;
	bool ok = !run->watch.forked || follow_process(run, (uint32_t)run->watch.child.pid);
	uint32_t n = 0;

	for (uint32_t i = 0; ok && i < opts->pids.n; i++)
		ok = follow_process(run, opts->pids.id[i]);
	for (uint32_t i = 0; ok && i < opts->tids.n; i++)
		ok = run->plan.tool->feed->follow(run, opts->tids.id[i], &n);
	return ok && (!opts->children || follow_children(run));
}

/* One that has ended since it was looked up is no reason to fail, nor to wait for. */
bool targets_watch(struct run *run)
{
	for (uint32_t i = 0; i < run->plan.opts.pids.n; i++) {
		if (run->watch.pidfds[i] < 0)
			run->watch.states[run->plan.opts.pids.id[i] % STATES] = 0;
		else if (!loop_watch(run, run->watch.pidfds[i]))
			return false;
		else
			run->watch.n_alive++;
	}
	if (run->plan.opts.pids.n && !run->watch.n_alive)
		run->loop.stop = true;
	return true;
}

void targets_ended(struct run *run, int fd)
{
	for (uint32_t i = 0; i < run->plan.opts.pids.n; i++) {
		if (run->watch.pidfds[i] != fd)
			continue;
		close(fd); /* leaves the epoll set, too */
		run->watch.pidfds[i] = -1;
		/* somebody may have got the number before programs could see it */
		run->watch.states[run->plan.opts.pids.id[i] % STATES] = 0;
		if (!--run->watch.n_alive)
			run->loop.stop = true;
	}
}

/* Another process's thread may have the number by now: that isn't the one. */
static bool thread_lives(const struct run *run, uint32_t i)
{
	uint32_t tid = run->plan.opts.tids.id[i];

	if (!run->watch.tgids[i] || !(run->watch.states[tid % STATES] & TARGET_NAMED))
		return false;
	return !syscall(SYS_tgkill, run->watch.tgids[i], tid, 0) || errno != ESRCH;
}

void targets_look(struct run *run)
{
	uint64_t now = run->plan.opts.tids.n ? now_ns() : 0;
	uint32_t alive = 0;

	if (!run->plan.opts.tids.n || now < run->watch.next_threads_ns)
		return;
	run->watch.next_threads_ns = now + THREADS_NS;
	for (uint32_t i = 0; i < run->plan.opts.tids.n; i++) {
		if (thread_lives(run, i)) {
			alive++;
			continue;
		}
		run->watch.tgids[i] = 0;
		run->watch.states[run->plan.opts.tids.id[i] % STATES] &= (uint8_t)~TARGET_NAMED;
	}
	if (!alive)
		run->loop.stop = true;
}

void targets_close(struct run *run)
{
	if (run->watch.states)
		munmap(run->watch.states, STATES);
	run->watch.states = NULL;
}
