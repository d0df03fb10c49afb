/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Waiting for records, signals, the command's end and the next report. */
#include "bpf/core/stacks.h"
#include "core/run/internal.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/rows/name_record.h"

/* The kernel side wakes us when data has piled up; this covers what has not. */
#define POLL_NS 100000000ULL
/* In the beginning somebody is waiting for a first row: look sooner, then less and less often. */
#define EAGER_POLL_NS 1000000ULL
/* Look at the clock and the signals after this many records of a burst. */
#define RECORDS_PER_CHECK 8192
/* Is the output's file still where it was? */
#define LOOK_NS 1000000000ULL

bool loop_watch(struct run *run, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return fd >= 0 && !epoll_ctl(run->loop.epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static void end_by(struct run *run, int number)
{
	if (!run->loop.ended_by)
		run->loop.ended_by = number;
	command_tell(run, number);
	if (number == SIGINT && ++run->loop.interrupts > 1)
		run->loop.abort_now = true;
	run->loop.stop = true;
}

void loop_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (run->loop.signal_fd > 0 &&
	       read(run->loop.signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD)
			command_look(run);
		else if (number == SIGUSR1)
			run->loop.report_now = true;
		else if (number == SIGUSR2)
			run->loop.reopen = true;
		else
			end_by(run, number);
	}
}

/* What was asked for by signals, and looks every now and then. */
static void on_request(struct run *run)
{
	uint64_t now = now_ns();

	if (run->plan.opts.wall && wall_offset_changed(&run->view.clock.realtime_off_ns))
		sink_set_clock(run->view.sink, &run->view.clock);
	if (run->loop.reopen || now >= run->output.next_look_ns) {
		file_look(run, run->loop.reopen);
		run->output.next_look_ns = now + LOOK_NS;
		run->loop.reopen = false;
	}
	if (!run->loop.report_now || run->loop.stop || !writer_room(run->output.writer))
		return;
	run->loop.report_now = false;
	output_report(run, false);
	run->loop.reports--; /* none of those that are counted */
	output_so_far(run);
}

static void on_time(struct run *run)
{
	uint64_t now = now_ns();

	/* finish() makes the last report, when nothing is counted any more */
	if ((run->loop.end_ns && now >= run->loop.end_ns) ||
	    (run->loop.next_report_ns && now >= run->loop.next_report_ns && run->plan.opts.count &&
	     run->loop.reports + 1 >= run->plan.opts.count)) {
		run->loop.stop = true;
		return;
	}
	/* a reader that doesn't keep up gets fewer reports */
	if (run->loop.next_report_ns && now >= run->loop.next_report_ns &&
	    writer_room(run->output.writer)) {
		output_report(run, false);
		run->loop.next_report_ns += run->plan.opts.interval_ns;
		if (run->loop.next_report_ns <= now) /* we were stopped, or are too slow */
			run->loop.next_report_ns = now + run->plan.opts.interval_ns;
	}
}

static bool report_due(const struct run *run)
{
	uint64_t now = now_ns();

	return run->source.loaded->n_links &&
	       (run->loop.stop || (run->loop.end_ns && now >= run->loop.end_ns) ||
		(run->loop.next_report_ns && now >= run->loop.next_report_ns));
}

static void program_record(struct run *run, const void *rec, size_t len)
{
	const struct rec_program *p = rec;

	if (len < sizeof(*p) || !run->view.symbols)
		return;
	if (run->source.unwound)
		unwound_program(run->source.unwound, p);
	stack_names_learn(run->view.symbols, p->pid, p->program);
}

/* In a burst without end the loop must still see signals and the clock. */
static int on_record(void *ctx, void *data, size_t len)
{
	struct run *run = ctx;
	const struct rec *rec = data;

	if (rec->type >= REC_TOOL)
		run->plan.tool->ops->record(run, rec, len);
	else if (rec->type == REC_PROGRAM)
		program_record(run, rec, len);
	else if (rec->type == REC_USTACK && run->source.unwound)
		unwound_stack(run->source.unwound, data, len);
	else if (rec->type == REC_NAME)
		name_id_record(&run->view.names, rec, len);
	else
		output_row(run, rec, len);
	if (!run->loop.abort_now && !writer_room(run->output.writer))
		return -EINTR; /* the rest stays in the ring, which counts what it has no room for
				*/
	if (++run->loop.since_check < RECORDS_PER_CHECK)
		return 0;
	run->loop.since_check = 0;
	loop_signals(run);
	if (run->plan.tool->drain.map) /* reports read the ring, too: not from within */
		return report_due(run) ? -EINTR : 0;
	on_time(run);
	/* stopping: the last reading, after everything is detached, takes what is left */
	if (run->loop.stop && run->source.loaded->n_links)
		return -EINTR;
	if (!run->loop.abort_now && !output_flush(run))
		run->loop.abort_now = true;
	return 0;
}

void loop_consume(struct run *run)
{
	int n = run->source.ring ? ring_buffer__consume(run->source.ring) : 0;

	if (run->plan.tool->feed)
		run->plan.tool->feed->read(run);
	if (n < 0 && n != -EINTR)
		log_error("reading the ring buffer failed: error %d", -n);
	output_flush(run);
}

void loop_drain(struct run *run)
{
	loop_consume(run);
	while (!run->loop.abort_now && !writer_room(run->output.writer)) {
		if (!file_wait(run, false))
			run->loop.abort_now = true; /* they are counted as lost */
		loop_consume(run);
	}
}

static bool open_ring(struct run *run)
{
	int fd = run->plan.tool->feed ? -1 : loaded_map(run->source.loaded, "events");

	if (fd < 0)
		return true; /* an aggregating tool may have none */
	run->source.ring = ring_buffer__new(fd, on_record, run, NULL);
	if (!run->source.ring)
		log_error("cannot map the ring buffer: %m; try a smaller --buffer");
	return run->source.ring && loop_watch(run, ring_buffer__epoll_fd(run->source.ring));
}

bool loop_open(struct run *run)
{
	run->loop.signal_fd = signals_open();
	run->loop.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (run->loop.epoll_fd < 0 || !loop_watch(run, run->loop.signal_fd) ||
	    !loop_watch(run, writer_event(run->output.writer)) ||
	    (run->watch.forked && !loop_watch(run, run->watch.child.failure))) {
		log_error("cannot wait for events: %m");
		return false;
	}
	return targets_watch(run) && open_ring(run);
}

static int timeout_ms(const struct run *run)
{
	uint64_t now = now_ns(), next, pause = (now - run->view.clock.start_ns) / 2;
	uint64_t poll = run->plan.tool->feed ? run->plan.tool->feed->poll_ns : POLL_NS;

	if (pause < EAGER_POLL_NS)
		pause = EAGER_POLL_NS;
	next = now + (pause < poll ? pause : poll);
	if (run->loop.end_ns && run->loop.end_ns < next)
		next = run->loop.end_ns;
	if (run->loop.next_report_ns && run->loop.next_report_ns < next &&
	    writer_room(run->output.writer))
		next = run->loop.next_report_ns;
	return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static void on_event(struct run *run, int fd)
{
	if (fd == run->loop.signal_fd)
		loop_signals(run);
	else if (fd == writer_event(run->output.writer))
		writer_calm(run->output.writer);
	else if (run->watch.forked && fd == run->watch.child.failure)
		command_look(run);
	else if (!run->source.ring || fd != ring_buffer__epoll_fd(run->source.ring))
		targets_ended(run, fd);
}

/* While nobody takes the output, what is in the ring is no reason to wake up. */
static bool is_paused(struct run *run)
{
	bool pause = !writer_room(run->output.writer);

	if (run->source.ring && pause != run->loop.paused) {
		int fd = ring_buffer__epoll_fd(run->source.ring);
		struct epoll_event e = { .events = pause ? 0 : EPOLLIN, .data.fd = fd };

		epoll_ctl(run->loop.epoll_fd, EPOLL_CTL_MOD, fd, &e);
	}
	run->loop.paused = pause;
	return pause;
}

void loop_run(struct run *run)
{
	while (!run->loop.stop) {
		bool paused = is_paused(run);
		struct epoll_event events[8];
		int n = epoll_wait(run->loop.epoll_fd, events, 8, timeout_ms(run));

		for (int i = 0; i < n; i++)
			on_event(run, events[i].data.fd);
		on_request(run);
		if (!run->loop.stop && !paused)
			loop_consume(run);
		if (run->plan.tool->kind == TOOL_EVENTS && !run->plan.main->by)
			loss_notice(run, 0);
		targets_look(run);
		on_time(run);
	}
}

void loop_close(struct run *run)
{
	ring_buffer__free(run->source.ring);
	if (run->loop.epoll_fd > 0)
		close(run->loop.epoll_fd);
	if (run->loop.signal_fd > 0)
		close(run->loop.signal_fd);
}
