/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* The traced command: its signals, its end, its status. */
#include "core/run/internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/signals.h"

/* The command has ended: the run is over now, or a little later. */
static void on_end(struct run *run)
{
	uint64_t end = now_ns() + run->plan.opts.linger_ns;

	if (!run->plan.opts.linger_ns)
		run->loop.stop = true;
	else if (!run->loop.end_ns || end < run->loop.end_ns)
		run->loop.end_ns = end;
}

void command_look(struct run *run)
{
	if (!run->watch.forked || run->watch.child.exited)
		return;
	child_look(&run->watch.child);
	if (run->watch.child.error)
		run->loop.stop = true;
	if (child_reap(&run->watch.child, false))
		on_end(run);
}

/*
 * One that hasn't begun is a copy of us that waits, or was stopped: nobody needs it. One that runs
 * may have become another user's meanwhile, whom we have no power over any more.
 */
void command_tell(struct run *run, int number)
{
	if (!run->watch.forked || run->watch.child.exited)
		return;
	child_look(&run->watch.child);
	if (!run->watch.child.running && !run->watch.child.error) {
		child_give_up(&run->watch.child);
		run->watch.child.wait_status = number; /* as if it had got it */
		return;
	}
	/* a terminal's ^C reaches the command itself */
	if (number == SIGINT || child_signal(&run->watch.child, number))
		return;
	log_error("cannot pass SIG%s on to %s (process %d): %s; it runs as another user, and all "
		  "privileges have been given up",
		  sigabbrev_np(number), run->plan.command[0], (int)run->watch.child.pid,
		  strerror(errno));
	run->watch.untold = number;
}

int command_wait(struct run *run)
{
	while (!run->watch.untold && !child_reap(&run->watch.child, false)) {
		int number = signals_wait();

		if (number == SIGINT)
			return 128 + SIGINT;
		if (signal_ends(number))
			command_tell(run, number);
	}
	return run->watch.untold ? 128 + run->watch.untold : child_status(&run->watch.child);
}

/* A command that is still held has nothing to lose. */
void command_give_up(struct run *run)
{
	if (!run->watch.forked || run->watch.child.exited || run->watch.child.hold < 0)
		return;
	child_give_up(&run->watch.child);
	close(run->watch.child.hold);
	run->watch.child.hold = -1;
}
