/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Who -p, -t and -- CMD mean. A number may be somebody else's before the run begins, or during it:
 * a pidfd stays with its process, and programs see when a number is given away.
 */
#include "core/run/internal.h"

#include <errno.h>
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
	for (uint32_t i = 0; i < run->opts.pids.n; i++) {
		run->pidfds[i] = (int)syscall(SYS_pidfd_open, run->opts.pids.id[i], 0);
		if (run->pidfds[i] < 0 && errno != ESRCH) {
			log_error("cannot watch process %u: %m", run->opts.pids.id[i]);
			return false;
		}
	}
	for (uint32_t i = 0; i < run->opts.tids.n; i++)
		run->tgids[i] = target_tgid(run->opts.tids.id[i]);
	return true;
}

bool targets_mark(void *run_)
{
	struct run *run = run_;
	void *at;

	targets_close(run);
	if (!(run->target.flags & (TARGET_PID | TARGET_TID)))
		return true;
	at = mmap(NULL, STATES, PROT_READ | PROT_WRITE, MAP_SHARED,
		  loaded_map(run->loaded, "target_tgids"), 0);
	if (at == MAP_FAILED) {
		log_error("cannot set the targets: %s", strerror(errno));
		return false;
	}
	run->states = at;
	if (run->forked)
		run->states[(uint32_t)run->child.pid % STATES] = TARGET_HELD;
	for (uint32_t i = 0; i < run->opts.pids.n; i++)
		run->states[run->opts.pids.id[i] % STATES] = TARGET_FIXED;
	for (uint32_t i = 0; i < run->opts.tids.n; i++)
		run->states[run->opts.tids.id[i] % STATES] |= TARGET_NAMED;
	return true;
}

/* One that has ended since it was looked up is no reason to fail, nor to wait for. */
bool targets_watch(struct run *run)
{
	for (uint32_t i = 0; i < run->opts.pids.n; i++) {
		if (run->pidfds[i] < 0)
			run->states[run->opts.pids.id[i] % STATES] = 0;
		else if (!loop_watch(run, run->pidfds[i]))
			return false;
		else
			run->n_alive++;
	}
	if (run->opts.pids.n && !run->n_alive)
		run->stop = true;
	return true;
}

void targets_ended(struct run *run, int fd)
{
	for (uint32_t i = 0; i < run->opts.pids.n; i++) {
		if (run->pidfds[i] != fd)
			continue;
		close(fd); /* leaves the epoll set, too */
		run->pidfds[i] = -1;
		/* somebody may have got the number before programs could see it */
		run->states[run->opts.pids.id[i] % STATES] = 0;
		if (!--run->n_alive)
			run->stop = true;
	}
}

/* Another process's thread may have the number by now: that isn't the one. */
static bool thread_lives(const struct run *run, uint32_t i)
{
	uint32_t tid = run->opts.tids.id[i];

	if (!run->tgids[i] || !(run->states[tid % STATES] & TARGET_NAMED))
		return false;
	return !syscall(SYS_tgkill, run->tgids[i], tid, 0) || errno != ESRCH;
}

void targets_look(struct run *run)
{
	uint64_t now = run->opts.tids.n ? now_ns() : 0;
	uint32_t alive = 0;

	if (!run->opts.tids.n || now < run->next_threads_ns)
		return;
	run->next_threads_ns = now + THREADS_NS;
	for (uint32_t i = 0; i < run->opts.tids.n; i++) {
		if (thread_lives(run, i)) {
			alive++;
			continue;
		}
		run->tgids[i] = 0;
		run->states[run->opts.tids.id[i] % STATES] &= (uint8_t)~TARGET_NAMED;
	}
	if (!alive)
		run->stop = true;
}

void targets_close(struct run *run)
{
	if (run->states)
		munmap(run->states, STATES);
	run->states = NULL;
}
