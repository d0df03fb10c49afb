/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Waiting for records, signals, the command's end and the next report. */
#include "core/run/internal.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/rows/name_record.h"

/* The kernel side wakes us when data has piled up; this covers what has not. */
#define POLL_NS 100000000ULL
/* In the beginning somebody is waiting for a first row: look sooner, then less and less often. */
#define EAGER_POLL_NS 1000000ULL
/* Look at the clock and the signals after this many records of a burst. */
#define RECORDS_PER_CHECK 8192

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static bool watch(struct run *run, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return fd >= 0 && !epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

/* The command has ended: the run is over now, or a little later. */
static void on_command_end(struct run *run)
{
	uint64_t end = now_ns() + run->opts.linger_ns;

	if (!run->opts.linger_ns)
		run->stop = true;
	else if (!run->end_ns || end < run->end_ns)
		run->end_ns = end;
}

static void on_signal(struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			if (run->forked && !run->child.exited && child_reap(&run->child, false))
				on_command_end(run);
			continue;
		}
		/* a terminal's ^C reaches the command itself; a kill of iosonde alone doesn't */
		if (info.ssi_signo == SIGTERM && run->forked && !run->child.exited)
			kill(run->child.pid, SIGTERM);
		if (info.ssi_signo == SIGINT && ++run->interrupts > 1)
			run->abort_now = true;
		run->stop = true;
	}
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
	if (run->next_report_ns && now >= run->next_report_ns) {
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

/* In a burst without end the loop must still see signals and the clock. */
static int on_record(void *ctx, void *data, size_t len)
{
	struct run *run = ctx;
	const struct rec *rec = data;

	if (rec->type >= REC_TOOL)
		run->tool->ops->record(run, rec, len);
	else if (rec->type == REC_NAME)
		name_id_record(rec, len);
	else
		output_row(run, rec, len);
	if (++run->since_check < RECORDS_PER_CHECK)
		return 0;
	run->since_check = 0;
	on_signal(run);
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

static bool open_ring(struct run *run)
{
	int fd = loaded_map(run->loaded, "events");

	if (fd < 0)
		return true; /* an aggregating tool may have none */
	run->ring = ring_buffer__new(fd, on_record, run, NULL);
	if (!run->ring)
		log_error("cannot map the ring buffer: %m; try a smaller --buffer");
	return run->ring && watch(run, ring_buffer__epoll_fd(run->ring));
}

/* One that has ended since it was looked up is no reason to fail, nor to wait for. */
static bool watch_processes(struct run *run)
{
	for (uint32_t i = 0; i < run->opts.pids.n; i++) {
		run->pidfds[i] = (int)syscall(SYS_pidfd_open, run->opts.pids.id[i], 0);
		if (watch(run, run->pidfds[i])) {
			run->n_alive++;
		} else if (errno != ESRCH) {
			log_error("cannot watch process %u: %m", run->opts.pids.id[i]);
			return false;
		}
	}
	if (run->opts.pids.n && !run->n_alive)
		run->stop = true;
	return true;
}

bool loop_open(struct run *run)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGCHLD);
	run->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (run->epoll_fd < 0 || !watch(run, run->signal_fd)) {
		log_error("cannot wait for events: %m");
		return false;
	}
	return watch_processes(run) && open_ring(run);
}

static int timeout_ms(const struct run *run)
{
	uint64_t now = now_ns(), next, pause = (now - run->clock.start_ns) / 2;

	if (pause < EAGER_POLL_NS)
		pause = EAGER_POLL_NS;
	next = now + (pause < POLL_NS ? pause : POLL_NS);
	if (run->end_ns && run->end_ns < next)
		next = run->end_ns;
	if (run->next_report_ns && run->next_report_ns < next)
		next = run->next_report_ns;
	return next <= now ? 0 : (int)((next - now + 999999) / 1000000);
}

static void on_process_end(struct run *run, int fd)
{
	for (uint32_t i = 0; i < run->opts.pids.n; i++) {
		if (run->pidfds[i] != fd)
			continue;
		close(fd); /* leaves the epoll set, too */
		run->pidfds[i] = -1;
		if (!--run->n_alive)
			run->stop = true;
	}
}

void loop_run(struct run *run)
{
	while (!run->stop) {
		struct epoll_event events[8];
		int n = epoll_wait(run->epoll_fd, events, 8, timeout_ms(run));

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == run->signal_fd)
				on_signal(run);
			else if (!run->ring ||
				 events[i].data.fd != ring_buffer__epoll_fd(run->ring))
				on_process_end(run, events[i].data.fd);
		}
		if (!run->stop)
			loop_consume(run);
		if (run->tool->kind == TOOL_EVENTS && !run->by)
			loss_notice(run, 0);
		on_time(run);
	}
}

void loop_close(struct run *run)
{
	ring_buffer__free(run->ring);
	for (uint32_t i = 0; i < run->opts.pids.n; i++)
		if (run->pidfds[i] > 0)
			close(run->pidfds[i]);
	if (run->epoll_fd > 0)
		close(run->epoll_fd);
	if (run->signal_fd > 0)
		close(run->signal_fd);
}
