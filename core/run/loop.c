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

	return fd >= 0 && !epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static void end_by(struct run *run, int number)
{
	if (!run->ended_by)
		run->ended_by = number;
	command_tell(run, number);
	if (number == SIGINT && ++run->interrupts > 1)
		run->abort_now = true;
	run->stop = true;
}

void loop_signals(struct run *run)
{
	struct signalfd_siginfo info;

	while (run->signal_fd > 0 && read(run->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD)
			command_look(run);
		else if (number == SIGUSR1)
			run->report_now = true;
		else if (number == SIGUSR2)
			run->reopen = true;
		else
			end_by(run, number);
	}
}

/* What was asked for by signals, and looks every now and then. */
static void on_request(struct run *run)
{
	uint64_t now = now_ns();

	if (run->opts.wall && wall_offset_changed(&run->clock.realtime_off_ns))
		sink_set_clock(run->sink, &run->clock);
	if (run->reopen || now >= run->next_look_ns) {
		file_look(run, run->reopen);
		run->next_look_ns = now + LOOK_NS;
		run->reopen = false;
	}
	if (!run->report_now || run->stop || !writer_room(run->writer))
		return;
	run->report_now = false;
	output_report(run, false);
	run->reports--; /* none of those that are counted */
	output_so_far(run);
}

static void on_time(struct run *run)
{
	uint64_t now = now_ns();

	/* finish() makes the last report, when nothing is counted any more */
	if ((run->end_ns && now >= run->end_ns) ||
	    (run->next_report_ns && now >= run->next_report_ns && run->opts.count &&
	     run->reports + 1 >= run->opts.count)) {
		run->stop = true;
		return;
	}
	/* a reader that doesn't keep up gets fewer reports */
	if (run->next_report_ns && now >= run->next_report_ns && writer_room(run->writer)) {
		output_report(run, false);
		run->next_report_ns += run->opts.interval_ns;
		if (run->next_report_ns <= now) /* we were stopped, or are too slow */
			run->next_report_ns = now + run->opts.interval_ns;
	}
}

static bool report_due(const struct run *run)
{
	uint64_t now = now_ns();

	return run->loaded->n_links && (run->stop || (run->end_ns && now >= run->end_ns) ||
					(run->next_report_ns && now >= run->next_report_ns));
}

static void program_record(struct run *run, const void *rec, size_t len)
{
	const struct rec_program *p = rec;

	if (len >= sizeof(*p) && run->names)
		stack_names_learn(run->names, p->pid, p->program);
}

/* In a burst without end the loop must still see signals and the clock. */
static int on_record(void *ctx, void *data, size_t len)
{
	struct run *run = ctx;
	const struct rec *rec = data;

	if (rec->type >= REC_TOOL)
		run->tool->ops->record(run, rec, len);
	else if (rec->type == REC_PROGRAM)
		program_record(run, rec, len);
	else if (rec->type == REC_NAME)
		name_id_record(&run->view_names, rec, len);
	else
		output_row(run, rec, len);
	if (!run->abort_now && !writer_room(run->writer))
		return -EINTR; /* the rest stays in the ring, which counts what it has no room for
				*/
	if (++run->since_check < RECORDS_PER_CHECK)
		return 0;
	run->since_check = 0;
	loop_signals(run);
	if (run->tool->drain.map) /* reports read the ring, too: not from within */
		return report_due(run) ? -EINTR : 0;
	on_time(run);
	/* stopping: the last reading, after everything is detached, takes what is left */
	if (run->stop && run->loaded->n_links)
		return -EINTR;
	if (!run->abort_now && !output_flush(run))
		run->abort_now = true;
	return 0;
}

void loop_consume(struct run *run)
{
	int n = run->ring ? ring_buffer__consume(run->ring) : 0;

	if (n < 0 && n != -EINTR)
		log_error("reading the ring buffer failed: error %d", -n);
	output_flush(run);
}

void loop_drain(struct run *run)
{
	loop_consume(run);
	while (!run->abort_now && !writer_room(run->writer)) {
		if (!file_wait(run, false))
			run->abort_now = true; /* they are counted as lost */
		loop_consume(run);
	}
}

static bool open_ring(struct run *run)
{
	int fd = loaded_map(run->loaded, "events");

	if (fd < 0)
		return true; /* an aggregating tool may have none */
	run->ring = ring_buffer__new(fd, on_record, run, NULL);
	if (!run->ring)
		log_error("cannot map the ring buffer: %m; try a smaller --buffer");
	return run->ring && loop_watch(run, ring_buffer__epoll_fd(run->ring));
}

bool loop_open(struct run *run)
{
	run->signal_fd = signals_open();
	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (run->epoll_fd < 0 || !loop_watch(run, run->signal_fd) ||
	    !loop_watch(run, writer_event(run->writer)) ||
	    (run->forked && !loop_watch(run, run->child.failure))) {
		log_error("cannot wait for events: %m");
		return false;
	}
	return targets_watch(run) && open_ring(run);
}

static int timeout_ms(const struct run *run)
{
	uint64_t now = now_ns(), next, pause = (now - run->clock.start_ns) / 2;

	if (pause < EAGER_POLL_NS)
		pause = EAGER_POLL_NS;
	next = now + (pause < POLL_NS ? pause : POLL_NS);
	if (run->end_ns && run->end_ns < next)
		next = run->end_ns;
	if (run->next_report_ns && run->next_report_ns < next && writer_room(run->writer))
		next = run->next_report_ns;
	return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static void on_event(struct run *run, int fd)
{
	if (fd == run->signal_fd)
		loop_signals(run);
	else if (fd == writer_event(run->writer))
		writer_calm(run->writer);
	else if (run->forked && fd == run->child.failure)
		command_look(run);
	else if (!run->ring || fd != ring_buffer__epoll_fd(run->ring))
		targets_ended(run, fd);
}

/* While nobody takes the output, what is in the ring is no reason to wake up. */
static bool is_paused(struct run *run)
{
	bool pause = !writer_room(run->writer);

	if (run->ring && pause != run->paused) {
		int fd = ring_buffer__epoll_fd(run->ring);
		struct epoll_event e = { .events = pause ? 0 : EPOLLIN, .data.fd = fd };

		epoll_ctl(run->epoll_fd, EPOLL_CTL_MOD, fd, &e);
	}
	run->paused = pause;
	return pause;
}

void loop_run(struct run *run)
{
	while (!run->stop) {
		bool paused = is_paused(run);
		struct epoll_event events[8];
		int n = epoll_wait(run->epoll_fd, events, 8, timeout_ms(run));

		for (int i = 0; i < n; i++)
			on_event(run, events[i].data.fd);
		on_request(run);
		if (!run->stop && !paused)
			loop_consume(run);
		if (run->tool->kind == TOOL_EVENTS && !run->main->by)
			loss_notice(run, 0);
		targets_look(run);
		on_time(run);
	}
}

void loop_close(struct run *run)
{
	ring_buffer__free(run->ring);
	if (run->epoll_fd > 0)
		close(run->epoll_fd);
	if (run->signal_fd > 0)
		close(run->signal_fd);
}
